/** NetworkManager as a script plays it, reply by reply: what changes between two replies of one reading. */
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import type { HostInterface } from '../../../drivers/hal/network.ts';
import { networkManagerBackend } from '../../../drivers/linux/network/nm-backend.ts';
import { type Answer, LyingBus } from '../../support/session/lying-bus.ts';

const NM = 'org.freedesktop.NetworkManager';
const BUS = 'org.freedesktop.DBus';
const OWNER = ':1.7';
const DEVICE = `${NM}.Device`;
const reply = (signature: string, body: unknown[], sender = BUS): Answer => ({ type: 2, sender, signature, body });

type Typed = readonly [string, unknown];
const UP: Readonly<Record<string, Typed>> = {
  Interface: ['s', 'eth0'],
  IpInterface: ['s', 'eth0'],
  DeviceType: ['u', 1],
  State: ['u', 100],
  Managed: ['b', true],
  ActiveConnection: ['o', `/${1}`],
  Ip4Config: ['o', '/ip4/1'],
  Ip6Config: ['o', '/'],
  Dhcp4Config: ['o', '/'],
};

/**
 * @param moments what the device says at the first, second, ... time that it is asked; null: it has gone
 * @param between what the bus says by itself before it answers for the configuration
 */
async function read(
  moments: readonly (Readonly<Record<string, Typed>> | null)[],
  between: readonly Answer[] = [],
): Promise<readonly HostInterface[]> {
  let asked = 0;
  await using bus = await LyingBus.start(({ member, body = [] }) => {
    if (member === 'Hello') return [reply('s', [':1.1'])];
    if (member === 'GetNameOwner') {
      return body[0] === NM
        ? [reply('s', [OWNER])]
        : [{ type: 3, sender: BUS, errorName: `${BUS}.Error.NameHasNoOwner` }];
    }
    if (member === 'GetDevices') return [reply('ao', [['/device/1']], OWNER)];
    if (member !== 'GetAll') return [reply('', [])];
    if (body[0] === DEVICE) {
      const moment = moments[Math.min(asked++, moments.length - 1)];
      return moment === null || moment === undefined
        ? [{ type: 3, sender: OWNER, errorName: `${BUS}.Error.UnknownObject`, signature: 's', body: ['gone'] }]
        : [reply('a{sv}', [Object.entries(moment)], OWNER)];
    }
    return [...between, reply('a{sv}', [[['Gateway', ['s', '192.0.2.1']]]], OWNER)];
  });
  await using backend = networkManagerBackend({ address: bus.address, clock: systemClock, within: milliseconds(2000) });
  const { signal } = new AbortController();
  await backend.looked({ signal });
  return await backend.read({ signal, factsOf: async () => ({ kind: 'ethernet', physical: true }) });
}

describe('a reading of NetworkManager', () => {
  it('tells what was so before and after', async () => {
    expect(await read([UP])).toMatchObject([{ connected: true, ipv4: { gateways: { value: ['192.0.2.1'] } } }]);
  });

  const CHANGES: readonly (readonly [string, Readonly<Record<string, Typed>> | null])[] = [
    ['it is going down', { ...UP, State: ['u', 110] }],
    ['it is being configured anew', { ...UP, State: ['u', 70] }],
    ['it lost the carrier', { ...UP, InterfaceFlags: ['u', 1] }],
    ['another connection is active', { ...UP, ActiveConnection: ['o', '/2'] }],
    ['it has another IPv4 configuration', { ...UP, Ip4Config: ['o', '/ip4/2'] }],
    ['it has an IPv6 configuration now', { ...UP, Ip6Config: ['o', '/ip6/1'] }],
    ['it has another lease', { ...UP, Dhcp4Config: ['o', '/dhcp/1'] }],
    ['it has another name', { ...UP, IpInterface: ['s', 'ppp0'] }],
    ['NetworkManager leaves it alone now', { ...UP, Managed: ['b', false] }],
    ['it has gone', null],
  ];
  for (const [what, after] of CHANGES) {
    it(`tells nothing of the fields when after them ${what}`, async () => {
      expect(await read([UP, after])).toMatchObject([
        { name: 'eth0', connected: false, ipv4: { addresses: null, gateways: null } },
      ]);
    });
  }

  it('tells nothing when another process has taken over in the middle of it', async () => {
    const taken: Answer = {
      type: 4,
      sender: BUS,
      path: '/org/freedesktop/DBus',
      interface: BUS,
      member: 'NameOwnerChanged',
      signature: 'sss',
      body: [NM, OWNER, ''],
    };
    const back: Answer = { ...taken, body: [NM, '', OWNER] };
    await expect(read([UP], [taken, back])).rejects.toMatchObject({ code: 'ERR_HAL_DISCONNECTED' });
  });

  it('of a device that goes while it is listed tells of none', async () => {
    expect(await read([null])).toEqual([]);
  });

  it('of a device without a carrier tells that it is not connected', async () => {
    expect(await read([{ ...UP, InterfaceFlags: ['u', 1] }])).toMatchObject([{ connected: false }]);
    expect(await read([{ ...UP, InterfaceFlags: ['u', 0x10003] }])).toMatchObject([{ connected: true }]);
  });
});
