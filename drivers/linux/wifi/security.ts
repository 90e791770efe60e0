/**
 * The security type of an association. The profile says what the machine wants, the access point what it offers,
 * wpa_supplicant what came of it; a type is named only where no other is left, and where one of them says something
 * else, none is.
 */
import type { WifiSecurityType } from '../../hal/network.ts';
import type { Akm, Negotiated, Offer, WifiProfile } from './profile.ts';

interface Row {
  readonly akm: Akm;
  /** The element of the access point that it rests on. */
  readonly on: 'nothing' | 'privacy' | 'wpa' | 'rsn';
  /** Null: the rules have no word for it. */
  readonly type: WifiSecurityType | null;
}

const ROWS: readonly Row[] = [
  { akm: 'open', on: 'nothing', type: 'Open' },
  { akm: 'wep', on: 'privacy', type: 'WEP' },
  { akm: 'psk', on: 'wpa', type: 'WPA-Personal' },
  { akm: 'psk', on: 'rsn', type: 'WPA2-Personal' },
  { akm: 'sae', on: 'rsn', type: 'WPA3-Personal' },
  { akm: 'eap', on: 'wpa', type: 'WPA-Enterprise' },
  { akm: 'eap', on: 'rsn', type: 'WPA2-Enterprise' },
  { akm: 'suite-b-192', on: 'rsn', type: 'WPA3-Enterprise-192' },
  { akm: 'owe', on: 'rsn', type: null },
];

function offers({ privacy, wpa, rsn }: Offer, { akm, on }: Row): boolean {
  if (on === 'wpa') return wpa.has(akm);
  if (on === 'rsn') return rsn.has(akm);
  return wpa.size === 0 && rsn.size === 0 && privacy === (on === 'privacy');
}

const wants = ({ akms, allows }: WifiProfile, { akm, on }: Row): boolean =>
  akms.has(akm) && (on !== 'wpa' || allows.wpa) && (on !== 'rsn' || allows.rsn);

const agrees = (negotiated: Negotiated | null, { akm, on }: Row): boolean =>
  negotiated === null || (negotiated.akms.has(akm) && (negotiated.rsn === null || on === 'rsn'));

/** @param negotiated null: nobody tells */
export function securityOf(profile: WifiProfile, offer: Offer, negotiated: Negotiated | null): WifiSecurityType | null {
  const left = ROWS.filter((row) => wants(profile, row) && offers(offer, row) && agrees(negotiated, row));
  const [only] = left;
  if (only === undefined || left.length > 1) return null;
  // WPA3-Enterprise is WPA2-Enterprise with the SHA-256 AKM where frames of management have to be protected; what only
  // may be so is called by the weaker name.
  const isWpa3 = negotiated?.sha256 === true && profile.managementFrameProtection === 'required';
  return only.type === 'WPA2-Enterprise' && isWpa3 ? 'WPA3-Enterprise' : only.type;
}

export const isEnterprise = (type: WifiSecurityType | null): boolean => type?.includes('Enterprise') ?? false;

const of = (...akms: readonly Akm[]): ReadonlySet<Akm> => new Set(akms);
const RSN = { rsn: true, sha256: false } as const;
const SHA256 = { rsn: true, sha256: true } as const;
const EITHER = { rsn: null, sha256: false } as const;

/** `wpa_key_mgmt_txt` of wpa_supplicant. What is not in it is `other`. */
const AUTH_MODES: Readonly<Record<string, Negotiated>> = {
  NONE: { akms: of('open', 'wep'), ...EITHER },
  'WPA-PSK': { akms: of('psk'), ...EITHER },
  'WPA2-PSK': { akms: of('psk'), ...RSN },
  'WPA2-PSK+WPA-PSK': { akms: of('psk'), ...EITHER },
  'WPA2-PSK-SHA256': { akms: of('psk'), ...SHA256 },
  'FT-PSK': { akms: of('psk'), ...RSN },
  SAE: { akms: of('sae'), ...RSN },
  'FT-SAE': { akms: of('sae'), ...RSN },
  'SAE-EXT-KEY': { akms: of('sae'), ...RSN },
  'FT-SAE-EXT-KEY': { akms: of('sae'), ...RSN },
  'WPA2-EAP-SHA256': { akms: of('eap'), ...SHA256 },
  'FT-EAP': { akms: of('eap'), ...RSN },
  'WPA2-EAP-SUITE-B-192': { akms: of('suite-b-192'), ...RSN },
  OWE: { akms: of('owe'), ...RSN },
};

/** @param mode `CurrentAuthMode`; @returns null: it is between two states and does not tell */
export function negotiatedOf(mode: string): Negotiated | null {
  if (mode === 'INACTIVE' || mode === 'UNKNOWN') return null;
  // `EAP-PEAP` and its like: the plain 802.1X AKM, whose method this is.
  if (mode.startsWith('EAP-')) return { akms: of('eap'), ...EITHER };
  return Object.hasOwn(AUTH_MODES, mode) ? (AUTH_MODES[mode] ?? null) : { akms: of('other'), ...EITHER };
}
