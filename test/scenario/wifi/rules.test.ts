/** What a rule for Wi-Fi makes of what the driver has seen, where somebody wants it to see something else. */
import { describe, expect, it } from 'vitest';
import { wifiMatcher, wifiView } from '../../../agent/policy/match/wifi.ts';
import type { WifiCondition } from '../../../agent/policy/rules.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import type { WifiLink } from '../../../drivers/hal/network.ts';
import { observationOf } from '../../../drivers/wifi/observe.ts';

const ROOT = { sha1: '1'.repeat(40), sha256: '2'.repeat(64), source: 'login', serverName: null } as const;
const CORP: WifiLink = {
  interface: 'wlan0',
  ssid: utf8('Corp:5G'),
  bssid: '00:23:f8:7e:12:bb',
  security: 'WPA2-Enterprise',
  quality: 70,
  root: ROOT,
  source: 'NetworkManager',
  weak: false,
};
const RULE: WifiCondition = {
  type: 'wifi',
  ssid: 'Corp:5G',
  bssid: '00:23:F8:7E:12:BB',
  security: 'WPA2-Enterprise',
  trustedRootCA: ROOT.sha1,
  signalQuality: 60,
};

const holds = (rule: WifiCondition, ...links: readonly WifiLink[]): boolean =>
  wifiMatcher(rule).holds(wifiView(observationOf({ at: monotonicMs(0), present: true, links })));

describe('a rule for Wi-Fi', () => {
  it('holds on the link that it means, by the thumbprint of either hash', () => {
    expect(holds(RULE, CORP)).toBe(true);
    expect(holds({ ...RULE, trustedRootCA: ROOT.sha256 }, CORP)).toBe(true);
  });

  it.each<[string, Partial<WifiLink>]>([
    ['a name that a program unescapes to the same', { ssid: utf8('Corp&&5G') }],
    ['a name with a backslash', { ssid: utf8('Corp:5G\\') }],
    ['a name with a NUL at its end', { ssid: utf8('Corp:5G\0') }],
    ['a name in another case', { ssid: utf8('CORP:5G') }],
    ['a name of bytes that are no UTF-8', { ssid: new Uint8Array(32).fill(0xff) }],
    ['another access point', { bssid: '66:66:66:00:00:01' }],
    ['an access point that is not known', { bssid: null }],
    ['no encryption', { security: 'Open', root: null }],
    ['a security that is not certain', { security: null }],
    ['another root', { root: { ...ROOT, sha1: '3'.repeat(40), sha256: '4'.repeat(64) } }],
    ['a root that is not known', { root: null }],
    ['a link that is too weak', { quality: 59 }],
    ['a quality that is not known', { quality: null }],
    ['a source that is known to be wrong', { weak: true }],
  ])('does not hold on %s', (_, change) => {
    expect(holds(RULE, { ...CORP, ...change })).toBe(false);
  });

  it('is not put together from two links', () => {
    const parts = [
      { ...CORP, root: null },
      { ...CORP, interface: 'wlan1', ssid: utf8('Evil') },
    ];
    expect(holds(RULE, ...parts)).toBe(false);
  });
});
