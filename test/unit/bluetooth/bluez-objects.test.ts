import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { deviceOf, objectsOf } from '../../../drivers/linux/bluetooth/bluez-objects.ts';

const HCI = '/org/bluez/hci0';
const PHONE = `${HCI}/dev_0C_11_22_33_44_01`;
const ADAPTER = [
  HCI,
  [
    [
      'org.bluez.Adapter1',
      [
        ['Address', '00:01:02:03:04:05'],
        ['Powered', true],
      ],
    ],
  ],
];
const device = (more: readonly (readonly [string, unknown])[] = [], path = PHONE) => [
  path,
  [
    ['org.freedesktop.DBus.Properties', []],
    ['org.bluez.Device1', [['Address', '0c:11:22:33:44:01'], ['Paired', true], ...more]],
  ],
];

describe('what BlueZ says', () => {
  it('is read into adapters and bonded devices, and everything else is passed over', () => {
    const other = [`${PHONE}/player0`, [['org.bluez.MediaPlayer1', [['Name', 7]]]]];
    const found = objectsOf([ADAPTER, device(), other, ['/org/bluez', []]]);
    expect(found.adapters).toEqual([{ path: HCI, index: 0, address: '00:01:02:03:04:05', powered: true }]);
    expect(found.devices).toEqual([
      {
        path: PHONE,
        adapterPath: HCI,
        address: '0C:11:22:33:44:01',
        addressType: 'public',
        name: null,
        classOfDevice: null,
        bonded: true,
        connected: false,
        rssi: null,
      },
    ]);
  });

  it.each([
    ['a device that is not paired', [['Paired', false]]],
    ['a device that is paired for this connection only', [['Bonded', false]]],
    ['a device that is blocked', [['Blocked', true]]],
  ] as const)('of %s is no bond', (_, more) => {
    expect(objectsOf([ADAPTER, device(more)]).devices).toEqual([]);
  });

  it('is bounded: adapters, devices, names, classes', () => {
    const many = Array.from({ length: 300 }, (_, n) =>
      device([], `${HCI}/dev_0C_11_22_33_44_${n.toString(16).toUpperCase().padStart(2, '0').slice(-2)}`),
    );
    const adapters = Array.from({ length: 300 }, (_, n) => [`/org/bluez/hci${n}`, ADAPTER[1]]);
    const found = objectsOf([...adapters, ...many]);
    expect([found.adapters.length, found.devices.length]).toEqual([16, 64]);
    const properties = new Map<string, unknown>([
      ['Address', '0C:11:22:33:44:01'],
      ['Alias', 'x'.repeat(10_000)],
      ['Class', 0xff5a020c],
    ]);
    expect(deviceOf(PHONE, properties)).toMatchObject({ name: 'x'.repeat(248), classOfDevice: 0x5a020c });
  });

  it.each([
    ['nothing', undefined],
    ['a number', 7],
    ['a path that is none', [[7, []]]],
    ['an object that is none', [[PHONE, 7]]],
    ['an address that is none', [device([['Address', '../../../etc']])]],
    ['a name that is none', [device([['Alias', 7]])]],
    ['a link that is neither up nor down', [device([['Connected', 'yes']])]],
    ['a class that is none', [device([['Class', 5n]])]],
  ])('of the wrong form (%s) is an error of the seam', (_, answer) => {
    expect(() => objectsOf(answer)).toThrow(expect.objectContaining({ code: 'ERR_HAL_ANSWER_INVALID' }));
  });

  it('whatever it is, is a value or that error', () => {
    const word = fc.constantFrom('org.bluez.Device1', 'org.bluez.Adapter1', 'Address', 'Paired', PHONE, HCI, '');
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 6 }, word, fc.boolean(), fc.integer(), fc.bigInt(), fc.array(tie('node'))),
    })).node;
    fc.assert(
      fc.property(tree, (answer) => {
        try {
          objectsOf(answer);
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
