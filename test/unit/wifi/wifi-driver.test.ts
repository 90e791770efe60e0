import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import type { WifiLink } from '../../../drivers/hal/network.ts';
import type { WifiAssociation } from '../../../drivers/observation.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { wifiDriver } from '../../../drivers/wifi/wifi-driver.ts';
import { MockWifi } from '../../../hal-mocks/wifi/mock-wifi.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

const ROOT = { sha1: 'a'.repeat(40), sha256: 'b'.repeat(64), source: 'login', serverName: null } as const;
const CORP = {
  interface: 'wlan0',
  ssid: utf8('Corp'),
  bssid: '00:23:f8:7e:12:bb',
  security: 'WPA2-Enterprise',
  quality: 70,
  root: ROOT,
} satisfies Partial<WifiLink>;
const SEEN: WifiAssociation = {
  interface: 'wlan0',
  ssidHex: '436f7270',
  bssid: CORP.bssid,
  security: 'WPA2-Enterprise',
  quality: 70,
  rootThumbprints: [ROOT.sha1, ROOT.sha256],
};

describe('the Wi-Fi driver', () => {
  let clock: ManualClock;
  let hal: MockWifi;
  let signals: FactorSignal[];
  let stop: () => Promise<void>;

  beforeEach(() => {
    clock = new ManualClock();
    hal = new MockWifi(clock);
    signals = [];
  });
  afterEach(() => stop());

  function begin(options: { settle?: number } = {}): void {
    const end = new AbortController();
    const settle = options.settle === undefined ? {} : { settle: milliseconds(options.settle) };
    const done = (async () => {
      for await (const signal of wifiDriver(hal, { clock, ...settle }).watch({ signal: end.signal }))
        signals.push(signal);
    })();
    stop = async () => {
      end.abort();
      await done;
    };
  }

  const last = (): FactorSignal | undefined => signals.at(-1);
  const associations = (): readonly WifiAssociation[] | null => {
    const signal = last();
    return signal?.kind === 'wifi' && signal.state === 'observed' ? signal.observation.associations : null;
  };

  it('tells of an association when it has stood for the settling time', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(299);
    expect(signals).toEqual([]);
    await clock.advance(1);
    expect(associations()).toEqual([SEEN]);
    expect(last()).toMatchObject({ kind: 'wifi', source: 'mock', simulated: true, validFor: 30_000 });
  });

  it('takes the settling time that it is given', async () => {
    begin({ settle: 0 });
    hal.associate(CORP);
    await clock.advance(0);
    expect(associations()).toEqual([SEEN]);
  });

  it('tells of a loss at once', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    hal.disassociate('wlan0');
    await clock.advance(0);
    expect(associations()).toEqual([]);
  });

  it.each([
    ['the access point', { bssid: '66:66:66:00:00:01' }, { bssid: null }],
    ['the security', { security: 'Open', root: null }, { security: null, rootThumbprints: null }],
    ['the root', { root: null }, { rootThumbprints: null }],
    ['the strength', { quality: 40 }, { quality: 40 }],
    ['the strength altogether', { quality: null }, { quality: null }],
  ] as const)('of a change it tells at once what does not hold any more: %s', async (_, change, left) => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    hal.associate({ ...CORP, ...change });
    await clock.advance(0);
    expect(associations()).toEqual([{ ...SEEN, ...left }]);
  });

  it('and what holds newly when it has settled', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    hal.associate({ ...CORP, bssid: '66:66:66:00:00:01', quality: 90 });
    await clock.advance(299);
    expect(associations()).toEqual([{ ...SEEN, bssid: null }]);
    await clock.advance(1);
    expect(associations()).toEqual([{ ...SEEN, bssid: '66:66:66:00:00:01', quality: 90 }]);
  });

  it('another network of the same interface has nothing of the one before', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    hal.associate({ ...CORP, ssid: utf8('Evil') });
    await clock.advance(0);
    expect(associations()).toEqual([]);
    await clock.advance(300);
    expect(associations()).toMatchObject([{ ssidHex: '4576696c' }]);
  });

  it('what comes and goes within the settling time is never told', async () => {
    begin();
    for (let round = 0; round < 20; round++) {
      hal.associate(CORP);
      await clock.advance(150);
      hal.disassociate('wlan0');
      await clock.advance(150);
    }
    expect(signals.every((signal) => signal.state === 'observed')).toBe(true);
    expect(JSON.stringify(signals)).not.toContain(SEEN.ssidHex);
  });

  it('a strength that wavers holds up what has settled for ten settling times at the most', async () => {
    begin();
    for (let round = 0; round < 30; round++) {
      hal.associate({ ...CORP, quality: 60 + (round % 2) });
      await clock.advance(100);
    }
    expect(associations()).toMatchObject([{ ssidHex: SEEN.ssidHex }]);
  });

  it('reads again from time to time, so that what is known does not grow too old', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    for (let second = 0; second < 120; second++) {
      await clock.advance(1000);
      const signal = last();
      if (signal === undefined) throw new Error('nothing was told');
      expect(clock.now() - signal.observedAt).toBeLessThan(signal.validFor);
      expect(associations()).toEqual([SEEN]);
    }
  });

  it('wakes up less than once in ten seconds when nothing happens', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    const before = hal.readings;
    await clock.advance(120_000);
    expect(hal.readings - before).toBeLessThanOrEqual(12);
    expect(hal.readings - before).toBeGreaterThan(0);
  });

  it.each([
    ['daemon-gone', 'failed'],
    ['no-permission', 'no-permission'],
    ['failed', 'failed'],
    ['no-driver', 'no-driver'],
  ] as const)('a host that says %s is unavailable at once: %s', async (outage, reason) => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    hal.setOutage(outage);
    await clock.advance(0);
    expect(last()).toMatchObject({ state: 'unavailable', reason });
    // Nobody tells it again: it counts until something else is told.
    await clock.advance(600_000);
    expect(clock.now() - (last()?.observedAt ?? 0)).toBeLessThan(last()?.validFor ?? 0);
  });

  it('of a host that comes back nothing from before counts', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    hal.setOutage('daemon-gone');
    await clock.advance(0);
    hal.setOutage(null);
    await clock.advance(300);
    expect(associations()).toEqual([]);
    hal.associate(CORP);
    await clock.advance(0);
    expect(associations()).toEqual([]);
    await clock.advance(300);
    expect(associations()).toEqual([SEEN]);
  });

  it('a machine without Wi-Fi has no device', async () => {
    hal.setPresent(false);
    begin();
    await clock.advance(300);
    expect(last()).toMatchObject({ state: 'unavailable', reason: 'no-device' });
  });

  it('does not rely on a source that is known to be wrong, but names what it says', async () => {
    hal.associate({ ...CORP, source: 'node-wifi', weak: true, security: null, root: null });
    begin();
    await clock.advance(1000);
    expect(last()).toMatchObject({ state: 'unavailable', reason: 'unsupported' });
    const signal = last();
    expect(signal?.state === 'unavailable' && signal.detail).toContain('wlan0 on Corp');
    expect(signals.some((each) => each.state === 'observed')).toBe(false);
  });

  it('names an SSID that is no text by its bytes', async () => {
    hal.associate({ ...CORP, ssid: Uint8Array.of(0x1b, 0x5b, 0x32, 0x4a), source: 'node-wifi', weak: true });
    begin();
    await clock.advance(300);
    const signal = last();
    expect(signal?.state === 'unavailable' && signal.detail).toContain('0x1b5b324a');
  });

  it('beside a good source a weak one does not count', async () => {
    hal.associate({ ...CORP, interface: 'wlan1', weak: true });
    hal.associate(CORP);
    begin();
    await clock.advance(300);
    expect(associations()).toEqual([SEEN]);
  });

  it('a reading that fails is an outage, and is tried again', async () => {
    begin();
    hal.associate(CORP);
    await clock.advance(300);
    await hal.close();
    await clock.advance(12_000);
    expect(last()).toMatchObject({ state: 'unavailable', reason: 'failed' });
    const before = signals.length;
    await clock.advance(12_000);
    expect(signals.length).toBeGreaterThan(before);
  });

  it('a host that does not answer holds nothing up: neither an outage nor the end', async () => {
    let asked = 0;
    const silent = {
      name: 'silent',
      simulated: true,
      read: ({ signal }: { signal: AbortSignal }) => {
        asked++;
        return new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      },
      watch: (options: { signal: AbortSignal }) => hal.watch(options),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const end = new AbortController();
    const done = (async () => {
      for await (const signal of wifiDriver(silent, { clock }).watch({ signal: end.signal })) signals.push(signal);
    })();
    stop = async () => undefined;
    await clock.advance(300);
    expect(asked).toBe(1);
    expect(signals).toEqual([]);
    hal.setOutage('daemon-gone');
    await clock.advance(0);
    expect(signals).toMatchObject([{ state: 'unavailable', reason: 'failed' }]);
    hal.setOutage(null);
    await clock.advance(300);
    expect(asked).toBe(2);
    end.abort();
    await done;
  });
});
