/** Addresses of Windows over a library that plays iphlpapi; nothing here has run on a Windows. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { HostInterface, IpHal, NetworkEvent } from '../../../drivers/hal/network.ts';
import {
  ADAPTER,
  decodeAdapters,
  SERVER,
  SUFFIX,
  UNICAST,
} from '../../../drivers/windows/network/adapter-addresses.ts';
import { FLAGS_AT, isHardware, ROW_BYTES } from '../../../drivers/windows/network/interface-row.ts';
import type { IpLibrary } from '../../../drivers/windows/network/library.ts';
import { ipv6Text } from '../../../drivers/windows/network/socket-address.ts';
import { windowsIp } from '../../../drivers/windows/network/windows-ip.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';
import * as layouts from '../../support/windows/layouts.ts';
import { adapterBuffer, interfaceRow, type PlayedAdapter } from '../../support/windows/played-adapters.ts';

const signal = (): AbortSignal => new AbortController().signal;
const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => (isUnlockdError(error) ? error.code : error),
  );
const HARDWARE = 0x05;

class PlayedWindows implements IpLibrary {
  list: readonly PlayedAdapter[] = [];
  failed: number | null = null;
  suffix: string | { failed: number } = '';
  rows = new Map<bigint, number>();
  readonly listeners = new Set<() => void>();
  refusesNotices: number | null = null;

  adapters() {
    return this.failed === null ? adapterBuffer(this.list) : { failed: this.failed };
  }
  interfaceRow(luid: bigint) {
    const flags = this.rows.get(luid);
    return flags === undefined ? { failed: 2 } : interfaceRow(flags);
  }
  primaryDnsSuffix() {
    return this.suffix;
  }
  notify(changed: () => void) {
    if (this.refusesNotices !== null) return { failed: this.refusesNotices };
    this.listeners.add(changed);
    return { stop: async () => void this.listeners.delete(changed) };
  }
}

describe('the structures of iphlpapi (laid out here; not seen on a Windows)', () => {
  it.each([
    ['IP_ADAPTER_ADDRESSES', layouts.IP_ADAPTER_ADDRESSES, ADAPTER, 448],
    ['IP_ADAPTER_UNICAST_ADDRESS', layouts.IP_ADAPTER_UNICAST_ADDRESS, UNICAST, 64],
    ['IP_ADAPTER_DNS_SERVER_ADDRESS', layouts.IP_ADAPTER_SERVER_ADDRESS, SERVER, 32],
    ['IP_ADAPTER_DNS_SUFFIX', layouts.IP_ADAPTER_DNS_SUFFIX, SUFFIX, 520],
    ['MIB_IF_ROW2', layouts.MIB_IF_ROW2, { InterfaceAndOperStatusFlags: FLAGS_AT }, ROW_BYTES],
  ])('%s is read where C lays it out', (_, type, numbers, bytes) => {
    expect(numbers).toEqual(layouts.laidOut(type, numbers));
    expect(layouts.koffi.sizeof(type)).toBe(bytes);
  });
});

describe('the addresses of Windows (played; not run on a Windows)', () => {
  let windows: PlayedWindows;
  let clock: ManualClock;
  let hal: IpHal;
  beforeEach(() => {
    windows = new PlayedWindows();
    clock = new ManualClock();
    hal = windowsIp({ clock, load: () => windows });
  });
  const only = async (): Promise<HostInterface> => {
    const { interfaces } = await hal.read({ signal: signal() });
    const [first] = interfaces;
    if (first === undefined || interfaces.length > 1) throw new Error(`${interfaces.length} interfaces`);
    return first;
  };
  const told = (...value: readonly string[]) => ({ value, source: 'GetAdaptersAddresses' });

  it('are read field by field, of both families, with their source', async () => {
    windows.suffix = 'corp.example';
    windows.rows.set(7n, HARDWARE);
    windows.list = [
      {
        name: 'Ethernet ü',
        luid: 7n,
        addresses: [
          ['192.0.2.5', 24],
          ['2001:db8::5', 64],
          ['fe80::1%12', 64],
        ],
        gateways: ['192.0.2.1', 'fe80::ff%12'],
        dns: ['192.0.2.53', '2001:db8::53'],
        dhcpv4: '192.0.2.2',
        dhcpv6: 'fe80::2%12',
        suffix: 'corp.example',
        suffixes: ['corp.example', 'lab.example'],
      },
    ];
    expect(await hal.read({ signal: signal() })).toEqual({
      at: clock.now(),
      primaryDnsSuffix: { value: 'corp.example', source: 'GetComputerNameEx' },
      interfaces: [
        {
          name: 'Ethernet ü',
          kind: 'ethernet',
          physical: true,
          connected: true,
          ipv4: {
            addresses: told('192.0.2.5/24'),
            gateways: told('192.0.2.1'),
            dhcpServers: told('192.0.2.2'),
            dnsServers: told('192.0.2.53'),
          },
          ipv6: {
            addresses: told('2001:db8::5/64', 'fe80::1%12/64'),
            gateways: told('fe80::ff%12'),
            dhcpServers: told('fe80::2%12'),
            dnsServers: told('2001:db8::53'),
          },
          dnsSuffixes: told('corp.example', 'lab.example'),
        },
      ],
    });
  });

  it('what Windows does not tell is null', async () => {
    windows.list = [{ name: 'Ethernet' }];
    const nothing = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
    expect(await only()).toMatchObject({ ipv4: nothing, ipv6: nothing, dnsSuffixes: null });
    expect((await hal.read({ signal: signal() })).primaryDnsSuffix).toBeNull();
  });

  it('addresses that are not assigned yet, or not unique, are none', async () => {
    const states = [0, 1, 2, 3, 4].map((state) => [`192.0.2.${state + 1}`, 24, state] as const);
    windows.list = [{ name: 'Ethernet', addresses: states }];
    expect((await only()).ipv4.addresses?.value).toEqual(['192.0.2.4/24', '192.0.2.5/24']);
  });

  it('a prefix that is longer than an address is none', async () => {
    windows.list = [
      {
        name: 'Ethernet',
        addresses: [
          ['192.0.2.1', 33],
          ['192.0.2.2', 255],
          ['2001:db8::1', 129],
          ['2001:db8::2', 128],
        ],
      },
    ];
    const { ipv4, ipv6 } = await only();
    expect([ipv4.addresses, ipv6.addresses?.value]).toEqual([null, ['2001:db8::2/128']]);
  });

  it('the DHCP server of before counts no more where DHCP is off', async () => {
    windows.list = [{ name: 'Ethernet', flags: 0, dhcpv4: '192.0.2.2' }];
    expect((await only()).ipv4.dhcpServers).toBeNull();
  });

  it('servers that Windows makes up where it knows none are none', async () => {
    windows.list = [
      { name: 'Ethernet', dhcpv4: '255.255.255.255', dns: ['fec0:0:0:ffff::1', 'fec0:0:0:ffff::2', '0.0.0.0'] },
    ];
    const { ipv4, ipv6 } = await only();
    expect([ipv4.dhcpServers, ipv4.dnsServers, ipv6.dnsServers]).toEqual([null, null, null]);
  });

  it.each([
    ['hardware with a connector', true, HARDWARE],
    ['hardware without a connector', false, 0x01],
    ['a switch of Hyper-V', false, 0x00],
    ['a filter over hardware', false, 0x07],
    ['an interface that Windows does not describe', false, null],
  ])('%s: physical is %s', async (_, physical, flags) => {
    if (flags !== null) windows.rows.set(9n, flags);
    windows.list = [{ name: 'Ethernet', luid: 9n }];
    expect(await only()).toMatchObject({ kind: 'ethernet', physical });
  });

  it.each([
    [6, 'ethernet'],
    [71, 'wifi'],
    [243, 'cellular'],
    [131, 'vpn'],
    [23, 'vpn'],
    [53, 'virtual'],
    [999, 'other'],
  ])('the type %i is %s', async (type, kind) => {
    windows.list = [{ name: 'x', type, status: 2 }];
    expect(await only()).toMatchObject({ kind, connected: false });
  });

  it('the loopback is left out, and a machine without any interface has none', async () => {
    windows.list = [{ name: 'Loopback Pseudo-Interface 1', type: 24 }];
    expect((await hal.read({ signal: signal() })).interfaces).toEqual([]);
    expect(decodeAdapters(new Uint8Array(), 0n)).toEqual([]);
  });

  it.each([
    [5, 'ERR_HAL_PERMISSION'],
    [87, 'ERR_HAL_IO'],
  ])('error %i is %s', async (failed, expected) => {
    windows.failed = failed;
    expect(await code(hal.read({ signal: signal() }))).toBe(expected);
  });

  it('a reading that nobody waits for, or of a closed host, is none', async () => {
    expect(await code(hal.read({ signal: AbortSignal.abort('given up') }))).toBe('given up');
    await hal[Symbol.asyncDispose]();
    expect(await code(hal.read({ signal: signal() }))).toBe('ERR_HAL_CLOSED');
  });

  it('notices wake, however many come, and end with who watched', async () => {
    const stop = new AbortController();
    const seen: NetworkEvent[] = [];
    const watching = (async () => {
      for await (const event of hal.watch({ signal: stop.signal })) seen.push(event);
    })();
    await settle();
    for (const listener of windows.listeners) for (let n = 0; n < 100; n++) listener();
    await settle();
    expect(seen).toEqual([{ type: 'available' }, { type: 'changed' }]);
    stop.abort();
    await watching;
    expect(windows.listeners.size).toBe(0);
  });

  it('where notices are refused this is told once, and tried again', async () => {
    windows.refusesNotices = 5;
    const stop = new AbortController();
    const seen: NetworkEvent[] = [];
    const watching = (async () => {
      for await (const event of hal.watch({ signal: stop.signal })) seen.push(event);
    })();
    await clock.advance(95_000);
    windows.refusesNotices = null;
    await clock.advance(31_000);
    expect(seen).toEqual([{ type: 'unavailable', reason: 'no-permission' }, { type: 'available' }]);
    stop.abort();
    await watching;
  });

  it('on a host without iphlpapi the answer is a typed error', async () => {
    if (process.platform !== 'win32') {
      expect(await code(windowsIp().read({ signal: signal() }))).toBe('ERR_HAL_MODULE_MISSING');
    }
  });
});

describe('hostile buffers of adapters', () => {
  const { bytes, base } = adapterBuffer([
    { name: 'a', addresses: [['192.0.2.5', 24]], dns: ['192.0.2.53'], suffixes: ['x'] },
    { name: 'b', gateways: ['fe80::1%3'] },
  ]);
  const attempt = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      expect(isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
    }
  };

  it('a pointer that leads out of the buffer is a typed error', () => {
    const bad = bytes.slice();
    new DataView(bad.buffer).setBigUint64(ADAPTER.FriendlyName, base + BigInt(bytes.length), true);
    expect(() => decodeAdapters(bad, base)).toThrow(/has not the form/);
    new DataView(bad.buffer).setBigUint64(ADAPTER.FriendlyName, base - 1n, true);
    expect(() => decodeAdapters(bad, base)).toThrow(/has not the form/);
  });

  it('a list that bites its own tail ends', () => {
    const ring = bytes.slice();
    new DataView(ring.buffer).setBigUint64(ADAPTER.Next, base, true);
    expect(decodeAdapters(ring, base).length).toBeLessThanOrEqual(64);
    const inner = bytes.slice();
    const first = Number(new DataView(inner.buffer).getBigUint64(ADAPTER.FirstUnicastAddress, true) - base);
    new DataView(inner.buffer).setBigUint64(first + UNICAST.Next, base + BigInt(first), true);
    expect(decodeAdapters(inner, base)[0]?.ipv4.addresses?.value.length).toBeLessThanOrEqual(64);
  });

  it('cut anywhere, or with any byte changed: a value or a typed error', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(bytes.length - 1), fc.nat(255), (cut, at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        attempt(() => decodeAdapters(bytes.slice(0, cut), base));
        attempt(() => decodeAdapters(changed, base));
        attempt(() => isHardware(bytes.slice(0, cut)));
      }),
    );
  });

  it('whatever the bytes are: a value or a typed error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 1000 }), (any) => attempt(() => decodeAdapters(any, 0n))));
  });
});

describe('an IPv6 address as text', () => {
  it.each([
    ['20010db8000000000000000000000005', '2001:db8::5'],
    ['20010db8000000010000000000000001', '2001:db8:0:1::1'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['20010db8000100020003000400050000', '2001:db8:1:2:3:4:5:0'],
    ['20010000000000010000000000000000', '2001:0:0:1::'],
    ['00010000000000010000000000010001', '1::1:0:0:1:1'],
  ])('%s is %s', (hex, text) => {
    expect(ipv6Text(Buffer.from(hex, 'hex'))).toBe(text);
  });

  it('is the one that the URL standard writes, for every address', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0, 1, 0xffff, 0x0db8), { minLength: 8, maxLength: 8 }), (groups) => {
        const bytes = new Uint8Array(16);
        groups.forEach((group, n) => {
          new DataView(bytes.buffer).setUint16(2 * n, group);
        });
        const long = groups.map((group) => group.toString(16)).join(':');
        expect(`[${ipv6Text(bytes)}]`).toBe(new URL(`http://[${long}]/`).hostname);
      }),
    );
  });
});
