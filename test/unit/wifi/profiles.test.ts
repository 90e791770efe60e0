import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { accessPointOf, appliedProfile } from '../../../drivers/linux/wifi/nm-profile.ts';
import { heardBss, networkProfile } from '../../../drivers/linux/wifi/wpa-network.ts';

type Settings = Record<string, Record<string, unknown>>;
const SSID = utf8('Corp');
const BASE: Settings = {
  connection: { uuid: 'u' },
  '802-11-wireless': { ssid: SSID },
  '802-11-wireless-security': { 'key-mgmt': 'wpa-eap' },
  '802-1x': { eap: ['PEAP'] },
};
/** As it comes from the bus: dictionaries are lists of pairs. */
const wire = (settings: Settings) => Object.entries(settings).map(([name, values]) => [name, Object.entries(values)]);
const applied = (changes: Settings = {}) => appliedProfile(wire({ ...BASE, ...changes }));
const eap = (values: Record<string, unknown>) => applied({ '802-1x': { eap: ['peap'], ...values } }).eap;

describe('a profile of NetworkManager', () => {
  it('says what is wanted', () => {
    expect(applied()).toMatchObject({
      id: 'u',
      ssid: SSID,
      station: true,
      allows: { wpa: true, rsn: true },
      managementFrameProtection: 'other',
      eap: { methods: ['peap'], trust: { kind: 'none' }, serverName: null, innerTls: false },
    });
  });

  it.each([
    [{ 'key-mgmt': 'none' }, ['wep']],
    [{ 'key-mgmt': 'wpa-psk' }, ['psk', 'sae']],
    [{ 'key-mgmt': 'sae' }, ['sae']],
    [{ 'key-mgmt': 'wpa-eap' }, ['eap', 'suite-b-192']],
    [{ 'key-mgmt': 'wpa-eap-suite-b-192' }, ['suite-b-192']],
    [{ 'key-mgmt': 'owe' }, ['owe']],
    [{ 'key-mgmt': 'ieee8021x' }, ['other']],
    [{ 'key-mgmt': 'constructor' }, ['other']],
    [{}, ['other']],
  ])('%j may end up with %j', (security, akms) => {
    expect([...applied({ '802-11-wireless-security': security }).akms]).toEqual(akms);
  });

  it('without a setting for security is open', () => {
    const { '802-11-wireless-security': _, ...open } = BASE;
    expect([...appliedProfile(wire(open)).akms]).toEqual(['open']);
  });

  it('may be of one generation, and demand protected frames', () => {
    const security = { 'key-mgmt': 'wpa-psk', proto: ['rsn'], pmf: 3 };
    expect(applied({ '802-11-wireless-security': security })).toMatchObject({
      allows: { wpa: false, rsn: true },
      managementFrameProtection: 'required',
    });
  });

  it.each(['ap', 'adhoc', 'mesh'])('of the mode %s is not of a station', (mode) => {
    expect(applied({ '802-11-wireless': { ssid: SSID, mode } }).station).toBe(false);
  });

  it.each([
    ['a certificate', { 'ca-cert': Uint8Array.of(0x30, 1, 2) }, { kind: 'bytes', bytes: Uint8Array.of(0x30, 1, 2) }],
    ['a file', { 'ca-cert': utf8('file:///etc/ca.pem\0') }, { kind: 'file', path: '/etc/ca.pem' }],
    ['a path with a NUL in it', { 'ca-cert': utf8('file:///etc/ca.pem\0/x') }, { kind: 'none' }],
    ['a token', { 'ca-cert': utf8('pkcs11:object=x') }, { kind: 'none' }],
    [
      'the system store beside a file',
      { 'ca-cert': utf8('file:///etc/ca.pem'), 'system-ca-certs': true },
      { kind: 'store' },
    ],
    ['a folder', { 'ca-path': '/etc/ssl/certs' }, { kind: 'store' }],
    ['nothing', {}, { kind: 'none' }],
  ])('trusts %s', (_, values, trust) => {
    expect(eap(values)?.trust).toEqual(trust);
  });

  it.each([
    [{ 'domain-suffix-match': 'a.example' }, 'a.example'],
    [{ 'domain-match': 'b.example' }, 'b.example'],
    [{ 'altsubject-matches': ['DNS:c.example'] }, 'DNS:c.example'],
    [{ 'subject-match': 'anything' }, null],
  ])('%j demands the name %j', (values, name) => {
    expect(eap(values)?.serverName).toBe(name);
  });

  it.each([[{ 'phase2-autheap': 'tls' }], [{ 'phase2-auth': 'tls' }], [{ 'phase2-ca-cert': utf8('x') }]])(
    '%j may have a second handshake within',
    (values) => {
      expect(eap(values)?.innerTls).toBe(true);
    },
  );

  it.each([
    ['no dictionary', 7],
    ['no SSID', wire({ ...BASE, '802-11-wireless': {} })],
    ['an SSID of 33 bytes', wire({ ...BASE, '802-11-wireless': { ssid: new Uint8Array(33) } })],
    ['no UUID', wire({ ...BASE, connection: {} })],
    ['methods that are no list', wire({ ...BASE, '802-1x': { eap: 'peap' } })],
  ])('with %s is refused', (_, settings) => {
    const refused = (() => {
      try {
        return appliedProfile(settings);
      } catch (error) {
        return error;
      }
    })();
    expect(isUnlockdError(refused, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
  });
});

describe('an access point of NetworkManager', () => {
  const POINT = {
    Ssid: SSID,
    HwAddress: '00:23:F8:7E:12:BB',
    Strength: 70,
    Flags: 1,
    WpaFlags: 0,
    RsnFlags: 0x188,
  };
  const read = (changes: Record<string, unknown> = {}) =>
    accessPointOf(new Map(Object.entries({ ...POINT, ...changes })));

  it('is read', () => {
    const { offer, ...rest } = read();
    expect(rest).toEqual({ ssid: SSID, bssid: '00:23:f8:7e:12:bb', quality: 70 });
    expect(offer).toEqual({ privacy: true, wpa: new Set(), rsn: new Set(['psk']) });
  });

  it('offers what its flags say, and something unknown where no key management is known', () => {
    expect(read({ RsnFlags: 0x2f88 }).offer.rsn).toEqual(new Set(['psk', 'eap', 'sae', 'owe', 'suite-b-192']));
    // The transition mode of OWE, which an access point shows on its open network.
    expect(read({ RsnFlags: 0x1000 }).offer.rsn).toEqual(new Set(['other']));
  });

  it.each(['', 'x', '00:00:00:00:00:00', '00:23:F8:7E:12', '00-23-F8-7E-12-BB'])(
    '%j is the address of none',
    (address) => {
      expect(read({ HwAddress: address }).bssid).toBeNull();
    },
  );

  it('of a strength beyond the scale has none', () => {
    expect(read({ Strength: 101 }).quality).toBeNull();
  });
});

describe('a network of wpa_supplicant', () => {
  const BLOBS = new Map([['ca', Uint8Array.of(0x30, 9)]]);
  const read = (settings: Record<string, string>) =>
    networkProfile('/n', new Map([['Properties', Object.entries(settings)]]), BLOBS);

  it('says what is wanted', () => {
    const settings = {
      ssid: '"Corp"',
      key_mgmt: 'WPA-EAP WPA-EAP-SHA256',
      proto: 'RSN',
      eap: 'PEAP TTLS',
      ieee80211w: '2',
    };
    const profile = read({ ...settings, ca_cert: '"/etc/ca.pem"', domain_suffix_match: '"lab.example"' });
    expect({ ...profile, ssid: [...(profile.ssid ?? [])] }).toMatchObject({
      id: '/n',
      ssid: [...SSID],
      station: true,
      akms: new Set(['eap']),
      allows: { wpa: false, rsn: true },
      managementFrameProtection: 'required',
      eap: { methods: ['peap', 'ttls'], trust: { kind: 'file', path: '/etc/ca.pem' }, serverName: 'lab.example' },
    });
  });

  it('has an SSID of bytes where it is no text, and one with quotes in it', () => {
    expect(read({ ssid: 'ffee' }).ssid).toEqual(Uint8Array.of(0xff, 0xee));
    expect(Buffer.from(read({ ssid: '"a"b"' }).ssid ?? []).toString()).toBe('a"b');
    expect(read({}).ssid).toBeNull();
  });

  it.each([
    ['NONE', {}, ['open']],
    ['NONE', { wep_key0: '*' }, ['wep']],
    ['WPA-PSK SAE', {}, ['psk', 'sae']],
    ['OWE', {}, ['owe']],
    ['IEEE8021X', {}, ['other']],
    ['hasOwnProperty', {}, ['other']],
  ])('with key_mgmt=%s %j may end up with %j', (key_mgmt, more, akms) => {
    expect([...read({ key_mgmt, ...more }).akms]).toEqual(akms);
  });

  it.each([
    [{ ca_cert: '"blob://ca"' }, { kind: 'bytes', bytes: Uint8Array.of(0x30, 9) }],
    [{ ca_cert: '"blob://other"' }, { kind: 'none' }],
    [{ ca_cert: '"hash://server/sha256/00"' }, { kind: 'none' }],
    [{ ca_cert: '"probe://"' }, { kind: 'none' }],
    [{ ca_path: '"/etc/ssl/certs"', ca_cert: '"/etc/ca.pem"' }, { kind: 'store' }],
    [{}, { kind: 'none' }],
  ])('%j trusts %j', (settings, trust) => {
    expect(read({ key_mgmt: 'WPA-EAP', ...settings }).eap?.trust).toEqual(trust);
  });

  it.each([
    [{ phase2: '"auth=MSCHAPV2"' }, false],
    [{ phase2: '"autheap=TLS"' }, true],
    [{ phase2: '"auth=TLS"' }, true],
    [{ ca_cert2: '"/etc/inner.pem"' }, true],
  ])('%j: a second handshake within: %s', (settings, inner) => {
    expect(read({ key_mgmt: 'WPA-EAP', ...settings }).eap?.innerTls).toBe(inner);
  });

  it('that is an access point itself is not of a station', () => {
    expect(read({ mode: '2' }).station).toBe(false);
  });

  it('is heard as an access point', () => {
    const bss = heardBss(
      new Map<string, unknown>([
        ['SSID', SSID],
        ['BSSID', Uint8Array.of(0, 0x23, 0xf8, 0x7e, 0x12, 0xbb)],
        ['Mode', 'infrastructure'],
        ['Privacy', true],
        ['WPA', []],
        ['RSN', [['KeyMgmt', ['wpa-psk', 'sae', 'wpa-new']]]],
      ]),
    );
    expect(bss).toEqual({
      ssid: SSID,
      bssid: '00:23:f8:7e:12:bb',
      station: true,
      offer: { privacy: true, wpa: new Set(), rsn: new Set(['psk', 'sae', 'other']) },
    });
  });
});
