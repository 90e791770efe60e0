/**
 * A configured network and a heard access point of wpa_supplicant, read into the words of the profile. Its settings are
 * text as in its configuration file: quoted strings, or bytes in hexadecimal (wpa_supplicant.conf(5)).
 */
import { fromHex } from '../../base/bytes.ts';
import { UnlockdError } from '../../base/errors.ts';
import { dictOf, flagOf, listOf, textOf } from '../dbus/values.ts';
import type { Akm, EapProfile, Offer, TrustAnchor, WifiProfile } from './profile.ts';
import type { WpaProperties } from './wpa-supplicant.ts';

const MAX_SSID = 32;

const KEY_MGMT: Readonly<Record<string, Akm>> = {
  'WPA-PSK': 'psk',
  'WPA-PSK-SHA256': 'psk',
  'FT-PSK': 'psk',
  SAE: 'sae',
  'FT-SAE': 'sae',
  'SAE-EXT-KEY': 'sae',
  'FT-SAE-EXT-KEY': 'sae',
  'WPA-EAP': 'eap',
  'WPA-EAP-SHA256': 'eap',
  'FT-EAP': 'eap',
  'WPA-EAP-SUITE-B-192': 'suite-b-192',
  OWE: 'owe',
};

/** As the properties `WPA` and `RSN` of a BSS name them. */
const OFFERED: Readonly<Record<string, Akm>> = {
  'wpa-psk': 'psk',
  'wpa-psk-sha256': 'psk',
  'wpa-ft-psk': 'psk',
  sae: 'sae',
  'ft-sae': 'sae',
  'sae-ext-key': 'sae',
  'wpa-eap': 'eap',
  'wpa-eap-sha256': 'eap',
  'wpa-ft-eap': 'eap',
  'wpa-eap-suite-b-192': 'suite-b-192',
  owe: 'owe',
};

const look = (table: Readonly<Record<string, Akm>>, name: string): Akm =>
  Object.hasOwn(table, name) ? (table[name] ?? 'other') : 'other';

/** A value as bytes. @returns null: not set, or of another form */
function valueBytes(text: string | undefined): Uint8Array | null {
  if (text === undefined) return null;
  if (/^".*"$/s.test(text)) return new Uint8Array(Buffer.from(text.slice(1, -1), 'utf8'));
  return /^(?:[0-9a-fA-F]{2})+$/.test(text) ? fromHex(text) : null;
}

function valueText(text: string | undefined): string | null {
  const bytes = valueBytes(text);
  if (bytes === null || bytes.length === 0) return null;
  return new TextDecoder().decode(bytes);
}

const wordsOf = (text: string | undefined): readonly string[] =>
  (text ?? '').split(/\s+/).filter((word) => word !== '');

function trustOf(settings: ReadonlyMap<string, string>, blobs: WpaProperties): TrustAnchor {
  if (settings.has('ca_path')) return { kind: 'store' };
  const anchor = valueText(settings.get('ca_cert'));
  if (anchor === null) return { kind: 'none' };
  if (anchor.startsWith('blob://')) {
    const bytes = blobs.get(anchor.slice('blob://'.length));
    return bytes instanceof Uint8Array ? { kind: 'bytes', bytes } : { kind: 'none' };
  }
  // `hash://` and `probe://` check the server's own certificate or nothing: no root was verified by.
  return anchor.startsWith('/') ? { kind: 'file', path: anchor } : { kind: 'none' };
}

function eapOf(settings: ReadonlyMap<string, string>, blobs: WpaProperties): EapProfile {
  const inner = `${settings.get('phase2') ?? ''} ${settings.get('phase1') ?? ''}`;
  const names = ['domain_suffix_match', 'domain_match', 'altsubject_match'];
  return {
    methods: wordsOf(settings.get('eap')).map((method) => method.toLowerCase()),
    trust: trustOf(settings, blobs),
    serverName: names.map((name) => valueText(settings.get(name))).find((name) => name !== null) ?? null,
    innerTls: settings.has('ca_cert2') || settings.has('ca_path2') || /auth(?:eap)?=[^"]*TLS/i.test(inner),
  };
}

/**
 * @param properties of `fi.w1.wpa_supplicant1.Network`
 * @param blobs the property `Blobs` of its interface, which settings may refer to
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function networkProfile(path: string, properties: WpaProperties, blobs: WpaProperties): WifiProfile {
  const settings = new Map<string, string>();
  for (const [name, value] of dictOf(properties.get('Properties'), 'Properties')) {
    if (typeof value === 'string') settings.set(name, value);
  }
  // Where nothing is set, what wpa_supplicant takes then.
  const names = wordsOf(settings.get('key_mgmt') ?? 'WPA-PSK WPA-EAP');
  const wep = [...settings.keys()].some((name) => /^wep_key\d$/.test(name));
  const akms = new Set<Akm>();
  for (const name of names) akms.add(name === 'NONE' ? (wep ? 'wep' : 'open') : look(KEY_MGMT, name));
  const protos = wordsOf(settings.get('proto') ?? 'WPA RSN');
  return {
    id: path,
    ssid: valueBytes(settings.get('ssid')),
    station: (settings.get('mode') ?? '0') === '0',
    akms,
    allows: { wpa: protos.includes('WPA'), rsn: protos.includes('RSN') || protos.includes('WPA2') },
    managementFrameProtection: settings.get('ieee80211w') === '2' ? 'required' : 'other',
    eap: akms.has('eap') || akms.has('suite-b-192') ? eapOf(settings, blobs) : null,
  };
}

export interface HeardBss {
  readonly ssid: Uint8Array;
  readonly bssid: string | null;
  readonly station: boolean;
  readonly offer: Offer;
}

function elementOf(properties: WpaProperties, name: string): ReadonlySet<Akm> {
  const suites = dictOf(properties.get(name) ?? [], name).get('KeyMgmt');
  return new Set(listOf(suites ?? [], name).map((suite) => look(OFFERED, textOf(suite, name))));
}

function bytesOf(value: unknown, what: string, most: number): Uint8Array {
  if (value instanceof Uint8Array && value.length <= most) return value;
  throw new UnlockdError('ERR_HAL_ANSWER_INVALID', `wpa_supplicant: ${what} is none`);
}

/** @param properties of `fi.w1.wpa_supplicant1.BSS`; @throws {ERR_HAL_ANSWER_INVALID} */
export function heardBss(properties: WpaProperties): HeardBss {
  const address = bytesOf(properties.get('BSSID'), 'BSSID', 6);
  return {
    ssid: bytesOf(properties.get('SSID'), 'SSID', MAX_SSID),
    bssid: address.length === 6 ? [...address].map((byte) => byte.toString(16).padStart(2, '0')).join(':') : null,
    station: textOf(properties.get('Mode') ?? '', 'Mode') === 'infrastructure',
    offer: {
      privacy: flagOf(properties.get('Privacy'), 'Privacy'),
      wpa: elementOf(properties, 'WPA'),
      rsn: elementOf(properties, 'RSN'),
    },
  };
}
