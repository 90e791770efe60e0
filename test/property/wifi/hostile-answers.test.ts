/** Whatever NetworkManager, wpa_supplicant or a bus say: a value or a typed error, and nothing that is believed by mistake. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { LoginRoots, WPA_INTERFACE } from '../../../drivers/linux/wifi/login-roots.ts';
import { accessPointOf, appliedProfile } from '../../../drivers/linux/wifi/nm-profile.ts';
import type { Akm, Offer, WifiProfile } from '../../../drivers/linux/wifi/profile.ts';
import { negotiatedOf, securityOf } from '../../../drivers/linux/wifi/security.ts';
import { isWorthALook } from '../../../drivers/linux/wifi/wake.ts';
import { heardBss, networkProfile } from '../../../drivers/linux/wifi/wpa-network.ts';
import { commonOf, sameObservation } from '../../../drivers/wifi/observe.ts';

const NAMES = [
  ...['connection', 'uuid', '802-11-wireless', 'ssid', 'mode', '802-11-wireless-security', 'key-mgmt', 'proto', 'pmf'],
  ...['802-1x', 'eap', 'ca-cert', 'ca-path', 'system-ca-certs', 'phase2-auth', 'altsubject-matches'],
  ...['Ssid', 'HwAddress', 'Strength', 'Flags', 'WpaFlags', 'RsnFlags'],
  ...['SSID', 'BSSID', 'Mode', 'Privacy', 'WPA', 'RSN', 'KeyMgmt', 'Properties', 'key_mgmt', 'ca_cert', 'phase2'],
  ...['depth', 'cert', 'cert_hash', 'State', '__proto__', 'constructor'],
];
const WORDS = [
  'wpa-eap',
  'WPA-PSK',
  'NONE',
  'started',
  'completion',
  'success',
  'completed',
  'infrastructure',
  '"x"',
  'file:///x',
  'blob://x',
  WPA_INTERFACE,
];

/** Values as they come from the bus, of any shape; dictionaries are lists of pairs. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(...WORDS),
    fc.string({ maxLength: 40 }),
    fc.integer(),
    fc.bigInt(),
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.constantFrom(...NAMES), tie('value')), { maxLength: 8 }),
    fc.constant(null),
  ),
}));
const properties = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 10 })
  .map((pairs): ReadonlyMap<string, unknown> => new Map(pairs));

function valueOrTyped(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')) throw error;
  }
}

describe('what comes from the bus', () => {
  it('is a profile, a network, an access point, or a typed error', () => {
    fc.assert(
      fc.property(value, properties, (settings, all) => {
        valueOrTyped(() => appliedProfile(settings));
        valueOrTyped(() => accessPointOf(all));
        valueOrTyped(() => networkProfile('/n', all, all));
        valueOrTyped(() => heardBss(all));
      }),
      { numRuns: 3000 },
    );
  });

  it('is a signal that is judged without a throw', () => {
    const signal = fc.record({
      sender: fc.constant(':1.1'),
      path: fc.constantFrom('/a', '/b'),
      interface: fc.constantFrom(WPA_INTERFACE, 'fi.w1.wpa_supplicant1', 'org.freedesktop.DBus.Properties', 'toString'),
      member: fc.constantFrom('EAP', 'Certification', 'PropertiesChanged', 'NetworkRemoved', 'InterfaceRemoved', 'x'),
      body: fc.array(value, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 12 }), (signals) => {
        const roots = new LoginRoots();
        for (const each of signals) {
          isWorthALook(each, new Set(['/a']));
          roots.take(each);
          roots.confirm(each.path, { state: 'completed', network: '/n' });
        }
        // No certificate here has the hash that is said of it, so there is no root either.
        expect(roots.rootOf('/a', '/n', 'p')).toBeNull();
        expect(roots.rootOf('/b', '/n', 'p')).toBeNull();
      }),
      { numRuns: 3000 },
    );
  });
});

const AKMS = ['open', 'wep', 'psk', 'sae', 'eap', 'suite-b-192', 'owe', 'other'] as const satisfies readonly Akm[];
const akms = fc.subarray([...AKMS]).map((list): ReadonlySet<Akm> => new Set(list));
const profile = fc.record({ akms, wpa: fc.boolean(), rsn: fc.boolean(), required: fc.boolean() }).map(
  ({ akms: wanted, wpa, rsn, required }): WifiProfile => ({
    id: 'x',
    ssid: null,
    station: true,
    akms: wanted,
    allows: { wpa, rsn },
    managementFrameProtection: required ? 'required' : 'other',
    eap: null,
  }),
);
const offer: fc.Arbitrary<Offer> = fc.record({ privacy: fc.boolean(), wpa: akms, rsn: akms });
const mode = fc.constantFrom(
  'NONE',
  'WPA-PSK',
  'WPA2-PSK',
  'SAE',
  'EAP-TLS',
  'WPA2-EAP-SHA256',
  'OWE',
  'INACTIVE',
  'x',
);
const BEHIND: Readonly<Record<string, Akm>> = {
  Open: 'open',
  WEP: 'wep',
  'WPA3-Personal': 'sae',
  'WPA3-Enterprise-192': 'suite-b-192',
};

describe('a security type', () => {
  it('is one that the profile wants and the access point offers', () => {
    fc.assert(
      fc.property(profile, offer, mode, (wanted, offered, told) => {
        const type = securityOf(wanted, offered, negotiatedOf(told));
        if (type === null) return;
        const akm = BEHIND[type] ?? (type.includes('Enterprise') ? 'eap' : 'psk');
        expect(wanted.akms.has(akm)).toBe(true);
        if (type === 'Open' || type === 'WEP') expect(offered.wpa.size + offered.rsn.size).toBe(0);
        else expect((type.startsWith('WPA-') ? offered.wpa : offered.rsn).has(akm)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('is not named otherwise for knowing more of what was negotiated: only left open, or found', () => {
    fc.assert(
      fc.property(profile, offer, mode, (wanted, offered, told) => {
        const blind = securityOf(wanted, offered, null);
        const seeing = securityOf(wanted, offered, negotiatedOf(told));
        if (blind === null || seeing === null || seeing === 'WPA3-Enterprise') return;
        expect(seeing).toBe(blind);
      }),
      { numRuns: 5000 },
    );
  });
});

const association = fc.record({
  interface: fc.constantFrom('wlan0', 'wlan1'),
  ssidHex: fc.constantFrom('aa', 'bb'),
  bssid: fc.constantFrom('00:00:00:00:00:01', '00:00:00:00:00:02', null),
  security: fc.constantFrom('Open', 'WPA2-Personal', null),
  quality: fc.constantFrom(10, 90, null),
  rootThumbprints: fc.constantFrom(['a'], ['b'], null),
});
const observation = fc
  .uniqueArray(association, { selector: ({ interface: name }) => name, maxLength: 2 })
  .map((associations) => ({ associations }));

describe('what two observations have in common', () => {
  it('says nothing that either of them does not say', () => {
    fc.assert(
      fc.property(observation, observation, (before, now) => {
        for (const common of commonOf(before, now).associations) {
          for (const side of [before, now]) {
            const [own] = side.associations.filter((each) => each.interface === common.interface);
            expect(own?.ssidHex).toBe(common.ssidHex);
            if (common.bssid !== null) expect(common.bssid).toBe(own?.bssid);
            if (common.security !== null) expect(common.security).toBe(own?.security);
            if (common.quality !== null) expect(common.quality).toBeLessThanOrEqual(own?.quality ?? -1);
            if (common.rootThumbprints !== null) expect(common.rootThumbprints).toEqual(own?.rootThumbprints);
          }
        }
      }),
    );
  });

  it('of one and the same is all of it', () => {
    fc.assert(
      fc.property(observation, (same) => {
        expect(sameObservation(commonOf(same, same), same)).toBe(true);
      }),
    );
  });
});

it("the bytes of an SSID survive the way through wpa_supplicant's text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 32 }), (ssid) => {
      const text = Buffer.from(ssid).toString('hex');
      const network = networkProfile('/n', new Map([['Properties', [['ssid', text]]]]), new Map());
      expect(network.ssid).toEqual(ssid);
    }),
  );
  expect(networkProfile('/n', new Map([['Properties', [['ssid', '"abcd"']]]]), new Map()).ssid).toEqual(utf8('abcd'));
});
