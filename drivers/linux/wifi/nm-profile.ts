/**
 * A connection profile and an access point of NetworkManager, read into the words of the profile (nm-settings-dbus(5),
 * "802-11-wireless-security" and "802-1x"; NM80211ApSecurityFlags).
 */
import { UnlockdError } from '../../base/errors.ts';
import { dictOf, flagOf, listOf, numberOf, textOf } from '../dbus/values.ts';
import type { NmProperties } from '../network-manager/network-manager.ts';
import { bssidOf } from './link.ts';
import type { Akm, EapProfile, Offer, TrustAnchor, WifiProfile } from './profile.ts';

const MAX_SSID = 32;

/** What NetworkManager lets each `key-mgmt` end up with: for `wpa-psk` it allows SAE too where the radio can. */
const KEY_MGMT: Readonly<Record<string, readonly Akm[]>> = {
  none: ['wep'],
  'wpa-psk': ['psk', 'sae'],
  sae: ['sae'],
  'wpa-eap': ['eap', 'suite-b-192'],
  'wpa-eap-suite-b-192': ['suite-b-192'],
  owe: ['owe'],
};

/** NMSettingWirelessSecurityPmf. */
const PMF_REQUIRED = 3;

const OFFERED: readonly (readonly [number, Akm])[] = [
  [0x100, 'psk'],
  [0x200, 'eap'],
  [0x400, 'sae'],
  [0x800, 'owe'],
  [0x2000, 'suite-b-192'],
];
const AP_PRIVACY = 0x1;

type Setting = ReadonlyMap<string, unknown>;

const optionalText = (setting: Setting, name: string): string | null => {
  const value = setting.get(name);
  return value === undefined || value === '' ? null : textOf(value, name);
};

const texts = (setting: Setting, name: string): readonly string[] =>
  listOf(setting.get(name) ?? [], name).map((value) => textOf(value, name));

const FILE = 'file://';

function trustOf(setting: Setting): TrustAnchor {
  if (flagOf(setting.get('system-ca-certs') ?? false, 'system-ca-certs') || optionalText(setting, 'ca-path') !== null) {
    return { kind: 'store' };
  }
  const value = setting.get('ca-cert');
  if (!(value instanceof Uint8Array) || value.length === 0) return { kind: 'none' };
  // The certificate itself, or where it is: `file://`, the path, and NUL; `pkcs11:` is a place that is not looked into.
  const text = Buffer.from(value).toString('latin1');
  if (text.startsWith('pkcs11:')) return { kind: 'none' };
  if (!text.startsWith(FILE)) return { kind: 'bytes', bytes: value };
  const path = new TextDecoder().decode(value.subarray(FILE.length)).replace(/\0$/, '');
  return path.includes('\0') ? { kind: 'none' } : { kind: 'file', path };
}

function eapOf(setting: Setting): EapProfile {
  const names = [
    optionalText(setting, 'domain-suffix-match'),
    optionalText(setting, 'domain-match'),
    ...texts(setting, 'altsubject-matches'),
  ];
  const inner = ['phase2-auth', 'phase2-autheap'].map((name) => optionalText(setting, name) ?? '');
  return {
    methods: texts(setting, 'eap').map((method) => method.toLowerCase()),
    trust: trustOf(setting),
    serverName: names.find((name) => name !== null) ?? null,
    innerTls: inner.some((methods) => /tls/i.test(methods)) || setting.has('phase2-ca-cert'),
  };
}

/**
 * @param settings what `GetAppliedConnection` tells: the profile as it was activated, whatever became of it since
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function appliedProfile(settings: unknown): WifiProfile {
  const all = dictOf(settings, 'GetAppliedConnection');
  const setting = (name: string): Setting => dictOf(all.get(name) ?? [], name);
  const wireless = setting('802-11-wireless');
  const ssid = wireless.get('ssid');
  if (!(ssid instanceof Uint8Array) || ssid.length > MAX_SSID) {
    throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'NetworkManager: the SSID of a profile is none');
  }
  const security = setting('802-11-wireless-security');
  const keyMgmt = optionalText(security, 'key-mgmt');
  const akms: readonly Akm[] = all.has('802-11-wireless-security')
    ? ((keyMgmt !== null && Object.hasOwn(KEY_MGMT, keyMgmt) ? KEY_MGMT[keyMgmt] : undefined) ?? ['other'])
    : ['open'];
  const protos = texts(security, 'proto');
  return {
    id: textOf(setting('connection').get('uuid'), 'uuid'),
    ssid,
    station: (optionalText(wireless, 'mode') ?? 'infrastructure') === 'infrastructure',
    akms: new Set(akms),
    allows: {
      wpa: protos.length === 0 || protos.includes('wpa'),
      rsn: protos.length === 0 || protos.includes('rsn'),
    },
    managementFrameProtection: security.get('pmf') === PMF_REQUIRED ? 'required' : 'other',
    eap: akms.includes('eap') || akms.includes('suite-b-192') ? eapOf(setting('802-1x')) : null,
  };
}

function elementOf(flags: number): ReadonlySet<Akm> {
  const offered = OFFERED.filter(([bit]) => (flags & bit) !== 0).map(([, akm]) => akm);
  return new Set(flags !== 0 && offered.length === 0 ? (['other'] as const) : offered);
}

export interface AccessPoint {
  readonly ssid: Uint8Array;
  readonly bssid: string | null;
  readonly quality: number | null;
  readonly offer: Offer;
}

/** @param properties of `org.freedesktop.NetworkManager.AccessPoint`; @throws {ERR_HAL_ANSWER_INVALID} */
export function accessPointOf(properties: NmProperties): AccessPoint {
  const ssid = properties.get('Ssid');
  if (!(ssid instanceof Uint8Array) || ssid.length > MAX_SSID) {
    throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'NetworkManager: the SSID of an access point is none');
  }
  const strength = numberOf(properties.get('Strength'), 'Strength');
  const flags = (name: string): number => numberOf(properties.get(name), name);
  return {
    ssid,
    bssid: bssidOf(textOf(properties.get('HwAddress'), 'HwAddress')),
    quality: strength >= 0 && strength <= 100 ? strength : null,
    offer: {
      privacy: (flags('Flags') & AP_PRIVACY) !== 0,
      wpa: elementOf(flags('WpaFlags')),
      rsn: elementOf(flags('RsnFlags')),
    },
  };
}
