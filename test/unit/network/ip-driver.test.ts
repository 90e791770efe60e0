import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { IpDriver, type IpDriverOptions } from '../../../drivers/network/ip-driver.ts';
import type { IpInterface } from '../../../drivers/observation.ts';
import type { SurroundingSignal } from '../../../drivers/signal.ts';
import { MockIp, mockInterface } from '../../../hal-mocks/network/mock-ip.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

const WARD = mockInterface('eth0', {
  ipv4: {
    addresses: ['192.0.2.5/24'],
    gateways: ['192.0.2.1'],
    dhcpServers: ['192.0.2.1'],
    dnsServers: ['192.0.2.53'],
  },
});
const CABLE_OUT = mockInterface('eth0', { connected: false });

let clock: ManualClock;
let ip: MockIp;
let signals: SurroundingSignal[];
let abort: AbortController;
let running: Promise<void>;

async function start(options: Partial<IpDriverOptions> = {}): Promise<void> {
  running = (async () => {
    for await (const signal of new IpDriver({ hal: ip, clock, ...options }).watch({ signal: abort.signal })) {
      signals.push(signal);
    }
  })();
  await settle();
}

const last = (): SurroundingSignal | undefined => signals.at(-1);

/** The interfaces as last told; null: nothing is known of them. */
function told(): readonly IpInterface[] | null {
  const signal = last();
  return signal?.kind === 'ipConfig' && signal.state === 'observed' ? signal.observation.interfaces : null;
}
const fieldsOf = (name: string) => told()?.find((each) => each.name === name)?.ipv4;

beforeEach(() => {
  clock = new ManualClock();
  ip = new MockIp(clock);
  signals = [];
  abort = new AbortController();
});

afterEach(async () => {
  abort.abort();
  await running;
  expect(clock.pending).toBe(0);
});

describe('the driver of IP configurations: a gain waits, a loss does not', () => {
  it('tells what is there when nothing has changed for the settling time', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(299);
    expect(signals).toEqual([]);
    await clock.advance(1);
    expect(told()).toMatchObject([{ name: 'eth0', kind: 'ethernet', connected: true }]);
    expect(last()).toMatchObject({ kind: 'ipConfig', simulated: true, source: 'mock', validFor: 30_000 });
  });

  it('lets the settling time be set', async () => {
    ip.put(WARD);
    await start({ settle: milliseconds(50) });
    await clock.advance(50);
    expect(told()).toHaveLength(1);
  });

  it('tells at once that the cable was pulled', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.put(CABLE_OUT);
    await settle();
    expect(told()).toMatchObject([{ name: 'eth0', connected: false }]);
    expect(fieldsOf('eth0')?.addresses).toBeNull();
  });

  it('tells at once that one of two servers is gone, and keeps the other', async () => {
    ip.put(mockInterface('eth0', { ipv4: { dnsServers: ['192.0.2.53', '192.0.2.54'] } }));
    await start();
    await clock.advance(300);
    ip.put(mockInterface('eth0', { ipv4: { dnsServers: ['192.0.2.54'] } }));
    await settle();
    expect(fieldsOf('eth0')?.dnsServers).toEqual(['192.0.2.54']);
  });

  it('on a change of networks takes the old one away at once and adds the new one when it has settled', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.put(mockInterface('eth0', { ipv4: { addresses: ['198.51.100.7/24'], gateways: ['198.51.100.1'] } }));
    await settle();
    expect(fieldsOf('eth0')).toMatchObject({ addresses: [], gateways: [] });
    await clock.advance(300);
    expect(fieldsOf('eth0')).toMatchObject({ addresses: ['198.51.100.7/24'], gateways: ['198.51.100.1'] });
  });

  it('begins the settling time anew whenever something else comes', async () => {
    await start();
    await clock.advance(300);
    ip.put(WARD);
    await clock.advance(200);
    ip.put(mockInterface('eth1'));
    await clock.advance(200);
    expect(told()).toEqual([]);
    await clock.advance(100);
    expect(told()?.map(({ name }) => name)).toEqual(['eth0', 'eth1']);
  });

  it('lets events that change nothing not put a gain off', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.put(mockInterface('eth1'));
    for (let i = 0; i < 3; i++) {
      await clock.advance(90);
      ip.hint();
    }
    await clock.advance(30);
    expect(told()).toHaveLength(2);
  });

  it('tells a gain in the end although events never cease', async () => {
    await start();
    await clock.advance(300);
    ip.put(WARD);
    for (let i = 0; i < 20; i++) {
      await clock.advance(200);
      ip.hint();
    }
    await settle();
    expect(told()).toHaveLength(1);
  });

  it('never tells what was there for less than the settling time', async () => {
    await start();
    await clock.advance(300);
    ip.put(WARD);
    await clock.advance(299);
    ip.remove('eth0');
    await clock.advance(1000);
    expect(signals.every((signal) => signal.state === 'observed' && signal.kind === 'ipConfig')).toBe(true);
    expect(told()).toEqual([]);
  });
});

describe('the driver of IP configurations: outages', () => {
  const OUTAGES = [
    ['daemon-gone', 'failed'],
    ['no-driver', 'no-driver'],
    ['no-permission', 'no-permission'],
    ['failed', 'failed'],
  ] as const;
  for (const [down, reason] of OUTAGES) {
    it(`tells at once that the host says ${down}, as ${reason}`, async () => {
      ip.put(WARD);
      await start();
      await clock.advance(300);
      ip.setDown(down);
      await settle();
      expect(last()).toMatchObject({ state: 'unavailable', reason });
    });
  }

  it('comes back by itself, after the settling time', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.setDown('daemon-gone');
    await settle();
    ip.setDown(null);
    await clock.advance(299);
    expect(told()).toBeNull();
    await clock.advance(1);
    expect(told()).toHaveLength(1);
  });

  it('drops everything when a daemon goes and another comes before anybody has looked', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.setDown('daemon-gone');
    ip.setDown(null);
    await settle();
    expect(told()).toBeNull();
    await clock.advance(300);
    expect(told()).toHaveLength(1);
  });

  it('tells that it is unavailable when a reading fails without an event, and tries again by itself', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.failReads('ERR_HAL_TIMEOUT');
    await clock.advance(300_000);
    expect(last()).toMatchObject({ state: 'unavailable', reason: 'failed' });
    ip.failReads(null);
    await clock.advance(60_000);
    expect(told()).toHaveLength(1);
  });

  it('tries again ever more rarely', async () => {
    ip.failReads('ERR_HAL_IO');
    await start();
    await clock.advance(300);
    const before = ip.reads;
    await clock.advance(10 * 60_000);
    expect(ip.reads - before).toBeLessThan(50);
  });

  it('does not wait for a reading that never ends', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.read = ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    ip.hint();
    await clock.advance(3000);
    expect(last()).toMatchObject({ state: 'unavailable', reason: 'failed' });
  });

  it('tells of the outage while a reading hangs', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.read = () => new Promise(() => undefined);
    ip.hint();
    await settle();
    ip.setDown('daemon-gone');
    await settle();
    expect(last()).toMatchObject({ state: 'unavailable', detail: 'the daemon that told of addresses went away' });
  });
});

describe('the driver of IP configurations: what it costs', () => {
  it('tells four times a minute what it knows when nothing happens, and reads it again every five minutes', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    const [reads, signalled] = [ip.reads, signals.length];
    await clock.advance(10 * 60_000);
    expect(ip.reads - reads).toBe(2);
    expect(signals.length - signalled).toBe(40);
  });

  it('never lets a signal grow old while the host can be asked', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    for (let second = 0; second < 300; second++) {
      await clock.advance(1000);
      const signal = last();
      expect(clock.now() - (signal?.observedAt ?? 0)).toBeLessThan(signal?.validFor ?? 0);
    }
  });

  it('finds out at the next reading what no event has told', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    ip.hint = () => undefined;
    ip.put(CABLE_OUT);
    await clock.advance(300_000);
    expect(told()).toMatchObject([{ connected: false }]);
  });

  it('reads at most four times a second under a flood of events, once it has looked at the first twenty', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    const before = ip.reads;
    for (let i = 0; i < 1000; i++) {
      ip.hint();
      await clock.advance(10);
    }
    expect(ip.reads - before).toBeGreaterThanOrEqual(40);
    expect(ip.reads - before).toBeLessThanOrEqual(20 + 4 * 10 + 2);
  });

  it('still tells a loss under that flood', async () => {
    ip.put(WARD);
    await start();
    await clock.advance(300);
    for (let i = 0; i < 100; i++) {
      ip.hint();
      await clock.advance(10);
    }
    ip.put(CABLE_OUT);
    await clock.advance(250);
    expect(told()).toMatchObject([{ connected: false }]);
  });
});

describe('the driver of IP configurations: what it observes', () => {
  const VIRTUAL = [
    ['a bridge', mockInterface('br0', { kind: 'virtual', physical: false })],
    ['a VPN', mockInterface('tun0', { kind: 'vpn', physical: false })],
    ['an interface without a device that says it is Ethernet', mockInterface('veth0', { physical: false })],
  ] as const;
  for (const [what, face] of VIRTUAL) {
    it(`does not observe ${what}`, async () => {
      ip.put(face);
      await start();
      await clock.advance(300);
      expect(told()).toEqual([]);
    });

    it(`observes ${what} when told to, and never as Ethernet or Wi-Fi`, async () => {
      ip.put(face);
      await start({ interfaces: 'all' });
      await clock.advance(300);
      expect(['virtual', 'vpn']).toContain(told()?.[0]?.kind);
    });
  }

  it('says who told each field, and nothing of those that nobody tells', async () => {
    ip.put(WARD);
    ip.setPrimarySuffix('ward.clinic.example');
    await start();
    await clock.advance(300);
    expect(told()?.[0]?.sources).toEqual({
      'ipv4.addresses': 'mock',
      'ipv4.gateways': 'mock',
      'ipv4.dhcpServers': 'mock',
      'ipv4.dnsServers': 'mock',
    });
    expect(last()).toMatchObject({
      observation: { primaryDnsSuffix: 'ward.clinic.example', primaryDnsSuffixSource: 'mock' },
    });
  });

  it('takes a suffix away at once', async () => {
    ip.put(WARD);
    ip.setPrimarySuffix('ward.clinic.example');
    await start();
    await clock.advance(300);
    ip.setPrimarySuffix('elsewhere.example');
    await settle();
    expect(last()).toMatchObject({ observation: { primaryDnsSuffix: null } });
  });
});
