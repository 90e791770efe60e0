/** The Bluetooth of Windows over a library that plays bthprops and Windows Sockets; nothing here has run on a Windows. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { BluetoothEvent, BluetoothHal, LinkLevel } from '../../../drivers/hal/bluetooth.ts';
import {
  DEVICE_INFO,
  decodeDevice,
  SEARCH_PARAMS,
  SOCKADDR_BTH,
  searchParams,
  socketAddressOf,
} from '../../../drivers/windows/bluetooth/device-info.ts';
import type { BluetoothLibrary } from '../../../drivers/windows/bluetooth/library.ts';
import { SERVICES } from '../../../drivers/windows/bluetooth/rfcomm-probe.ts';
import { windowsBluetooth } from '../../../drivers/windows/bluetooth/windows-bluetooth.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import * as layouts from '../../support/windows/layouts.ts';

const signal = (): AbortSignal => new AbortController().signal;
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => (isUnlockdError(error) ? error.code : error),
  );
const PHONE = '0c:11:22:33:44:01';

interface PlayedDevice {
  readonly address: string;
  readonly authenticated?: boolean;
  readonly classOfDevice?: number;
  readonly name?: string;
}

function deviceBytes({ address, authenticated = true, classOfDevice = 0x5a020c, name = 'Phone' }: PlayedDevice) {
  const type = layouts.BLUETOOTH_DEVICE_INFO;
  const bytes = Buffer.alloc(layouts.koffi.sizeof(type));
  const at = (member: string) => layouts.koffi.offsetof(type, member);
  bytes.writeUInt32LE(bytes.length, at('dwSize'));
  bytes.writeBigUInt64LE(BigInt(`0x${address.replaceAll(':', '')}`), at('Address'));
  bytes.writeUInt32LE(classOfDevice, at('ulClassofDevice'));
  bytes.writeUInt32LE(1, at('fConnected'));
  bytes.writeUInt32LE(1, at('fRemembered'));
  bytes.writeUInt32LE(authenticated ? 1 : 0, at('fAuthenticated'));
  bytes.write(name, at('szName'), 'utf16le');
  return new Uint8Array(bytes);
}

class PlayedRadio implements BluetoothLibrary {
  radio: boolean | { failed: number } = true;
  list: PlayedDevice[] = [{ address: PHONE }];
  /** What each connection comes to, one after the other; null: nothing for ever; a number at once: `connect` refuses. */
  ends: (number | null | { readonly atOnce: number })[] = [];
  readonly asked: { readonly address: string; readonly service: number }[] = [];
  open = 0;
  /** Called while a connection is being made. */
  meanwhile: () => void = () => undefined;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  hasRadio() {
    return this.radio;
  }
  devices(most: number) {
    return this.list.slice(0, most).map(deviceBytes);
  }
  connect(address: Uint8Array) {
    const type = layouts.SOCKADDR_BTH;
    const view = Buffer.from(address);
    const at = (member: string) => layouts.koffi.offsetof(type, member);
    this.asked.push({
      address: view.readBigUInt64LE(at('btAddr')).toString(16).padStart(12, '0'),
      service: view.readUInt32LE(at('serviceClassId')),
    });
    const end = this.ends.shift() ?? null;
    if (end !== null && typeof end === 'object') return { failed: end.atOnce };
    this.open++;
    return {
      outcome: async (span: number) => {
        this.meanwhile();
        if (end === null) await this.#clock.sleep(milliseconds(span), {});
        return end;
      },
      close: () => void this.open--,
    };
  }
}

describe('the structures of Windows Bluetooth (laid out here; not seen on a Windows)', () => {
  it.each([
    ['BLUETOOTH_DEVICE_INFO', layouts.BLUETOOTH_DEVICE_INFO, DEVICE_INFO],
    ['BLUETOOTH_DEVICE_SEARCH_PARAMS', layouts.BLUETOOTH_DEVICE_SEARCH_PARAMS, SEARCH_PARAMS],
    ['SOCKADDR_BTH', layouts.SOCKADDR_BTH, SOCKADDR_BTH],
  ])('%s is where C lays it out', (_, type, numbers) => {
    expect(numbers).toEqual(layouts.laidOut(type, numbers));
  });

  it('a search is for bonded devices, and sends nothing', () => {
    const view = Buffer.from(searchParams());
    const at = (member: string) => layouts.koffi.offsetof(layouts.BLUETOOTH_DEVICE_SEARCH_PARAMS, member);
    expect(view.readUInt32LE(at('dwSize'))).toBe(40);
    expect(view.readUInt32LE(at('fReturnAuthenticated'))).toBe(1);
    for (const not of ['fReturnRemembered', 'fReturnUnknown', 'fReturnConnected', 'fIssueInquiry']) {
      expect(view.readUInt32LE(at(not))).toBe(0);
    }
  });

  it('a service is the UUID that the Assigned Numbers make of it', () => {
    const bytes = socketAddressOf(PHONE, 0x1105) ?? new Uint8Array();
    expect(Buffer.from(bytes).toString('hex')).toBe(
      // AF_BTH, the address, 00001105-0000-1000-8000-00805f9b34fb as a GUID lies, port 0.
      `2000${'01443322110c0000'}${'05110000000000108000'}${'00805f9b34fb'}00000000`,
    );
    for (const none of ['', '0c:11', `${PHONE}:00`, PHONE.toUpperCase(), '0c-11-22-33-44-01']) {
      expect(socketAddressOf(none, 1)).toBeNull();
    }
  });
});

describe('the Bluetooth of Windows (played; not run on a Windows)', () => {
  let clock: ManualClock;
  let radio: PlayedRadio;
  let hal: BluetoothHal;
  beforeEach(() => {
    clock = new ManualClock();
    radio = new PlayedRadio(clock);
    hal = windowsBluetooth({ clock, load: () => radio });
  });
  const probe = async (minLevel: LinkLevel = 'medium', address = PHONE) =>
    (await hal.probe(address, { minLevel, within: seconds(10), signal: signal() })).outcome;

  it('lists what is bonded, with a key of which nobody knows how it was agreed', async () => {
    radio.list.push({ address: '0c:11:22:33:44:02', authenticated: false });
    radio.list.push({ address: '00:00:00:00:00:0a', classOfDevice: 0, name: '' });
    const common = { addressType: 'public', bearers: ['BR/EDR'], key: 'unknown', identityKey: null };
    expect(await hal.bonded({ signal: signal() })).toEqual([
      { address: PHONE, name: 'Phone', classOfDevice: 0x5a020c, ...common },
      { address: '00:00:00:00:00:0a', name: null, classOfDevice: null, ...common },
    ]);
  });

  it('proves a device by the connection that Windows makes only to who has the key', async () => {
    radio.ends = [0];
    expect(await probe()).toEqual({ proved: true, encrypted: true, authenticated: false, keySize: 7, rssi: null });
    expect(radio.asked).toEqual([{ address: '0c1122334401', service: SERVICES[0] }]);
    expect(radio.open).toBe(0);
  });

  it('proves nothing at the level at which the key has to be an authenticated one', async () => {
    radio.ends = [0];
    expect(await probe('high')).toMatchObject({ proved: false, reason: 'weak-link' });
    expect(radio.asked).toEqual([]);
  });

  it.each([
    [10013, 'refused'],
    [10060, 'unreachable'],
    [10050, 'radio-off'],
    [10043, 'unsupported'],
    [10047, 'unsupported'],
    [5, 'no-permission'],
    [10101, 'failed'],
    [10058, 'failed'],
    [99999, 'failed'],
    [-1, 'failed'],
  ])('a connection that ends with %i: %s, and nobody else is asked', async (end, reason) => {
    radio.ends = [end];
    expect(await probe()).toMatchObject({ proved: false, reason });
    radio.ends = [{ atOnce: end }];
    expect(await probe()).toMatchObject({ proved: false, reason });
    expect(radio.asked).toHaveLength(2);
    expect(radio.open).toBe(0);
  });

  it('asks for another service where one is not there, and says so where none is', async () => {
    radio.ends = [10049, 10061, 0];
    expect(await probe()).toMatchObject({ proved: true });
    expect(radio.asked.map(({ service }) => service)).toEqual(SERVICES);
    radio.ends = [10049, 10064, 10108];
    expect(await probe()).toMatchObject({ proved: false, reason: 'unsupported' });
    expect(radio.open).toBe(0);
  });

  it('a device that does not answer is unreachable when the time is over', async () => {
    const pending = probe();
    await clock.advance(10_500);
    expect(await pending).toMatchObject({ proved: false, reason: 'unreachable' });
    expect(radio.open).toBe(0);
  });

  it('giving up closes the connection', async () => {
    const given = new AbortController();
    const pending = code(hal.probe(PHONE, { minLevel: 'medium', within: seconds(10), signal: given.signal }));
    await settle();
    given.abort('given up');
    // A look that waits is not broken off: it ends by itself.
    await clock.advance(300);
    expect(await pending).toBe('given up');
    expect(radio.open).toBe(0);
  });

  it('a bond that is given up beside the proof makes it none', async () => {
    radio.ends = [0];
    radio.meanwhile = () => {
      radio.list = [{ address: PHONE, authenticated: false }];
    };
    expect(await probe()).toMatchObject({ proved: false, reason: 'not-bonded' });
  });

  it.each([
    ['a device that is not bonded', { address: '0c:11:22:33:44:09' }, 'not-bonded'],
    ['what is no address', { address: 'phone' }, 'not-bonded'],
    ['a device while the radio is off', { radio: false }, 'radio-off'],
    ['a device that may not be asked for', { radio: { failed: 5 } }, 'no-permission'],
    ['a device of a driver that fails', { radio: { failed: 31 } }, 'failed'],
  ])(
    '%s is not paged',
    async (_, { address = PHONE, radio: state = true }: { address?: string; radio?: PlayedRadio['radio'] }, reason) => {
      radio.radio = state;
      expect(await probe('medium', address)).toMatchObject({ proved: false, reason });
      expect(radio.asked).toEqual([]);
    },
  );

  it('pages one at a time', async () => {
    let most = 0;
    radio.ends = [0, 0, 0];
    radio.meanwhile = () => {
      most = Math.max(most, radio.open);
    };
    await Promise.all([probe(), probe(), probe()]);
    expect(most).toBe(1);
  });

  it('tells what there is, what changes, and when there is no radio', async () => {
    const stop = new AbortController();
    const seen: BluetoothEvent['type'][] = [];
    const done = (async () => {
      for await (const { type } of hal.watch({ signal: stop.signal })) seen.push(type);
    })();
    await clock.advance(31_000);
    radio.list = [];
    await clock.advance(31_000);
    radio.radio = false;
    await clock.advance(62_000);
    radio.radio = true;
    await clock.advance(31_000);
    stop.abort();
    await done;
    expect(seen).toEqual(['available', 'bonds-changed', 'unavailable', 'available']);
  });

  it('on a host without bthprops there is no driver, and nothing is proved', async () => {
    if (process.platform === 'win32') return;
    const bare = windowsBluetooth();
    expect(await code(bare.bonded({ signal: signal() }))).toBe('ERR_HAL_MODULE_MISSING');
    const { outcome } = await bare.probe(PHONE, { minLevel: 'medium', within: seconds(1), signal: signal() });
    expect(outcome).toMatchObject({ proved: false, reason: 'unsupported' });
    await hal[Symbol.asyncDispose]();
    expect(await code(hal.bonded({ signal: signal() }))).toBe('ERR_HAL_CLOSED');
  });
});

describe('hostile devices', () => {
  it('whatever the bytes are: a device, none, or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        try {
          const device = decodeDevice(bytes);
          expect(device === null || /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(device.address)).toBe(true);
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
        }
      }),
    );
  });
});
