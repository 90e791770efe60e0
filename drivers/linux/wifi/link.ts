/** Puts a link together from what was read of the profile, the access point and wpa_supplicant. */
import { bytesEqual } from '../../base/bytes.ts';
import type { VerifiedRoot, WifiLink } from '../../hal/network.ts';
import type { Thumbprints } from './certificate.ts';
import { pinnedRoot, showsCertificate } from './pinned-root.ts';
import type { Negotiated, Offer, WifiProfile } from './profile.ts';
import { isEnterprise, securityOf } from './security.ts';

export interface LinkParts {
  readonly interface: string;
  readonly profile: WifiProfile;
  /** Of the access point that it is associated with. */
  readonly ssid: Uint8Array;
  readonly bssid: string | null;
  readonly offer: Offer;
  readonly quality: number | null;
  readonly negotiated: Negotiated | null;
  /** The root of the login's own chain; null: nobody heard it. */
  readonly login: Thumbprints | null;
  readonly source: string;
}

/**
 * The chain of a login says something only where the profile had it checked, by anchors of which the server cannot have
 * brought its own: a store of all public roots without the name of a server vouches for everybody.
 */
async function rootOf({ profile: { eap }, login }: LinkParts): Promise<VerifiedRoot | null> {
  if (eap === null) return null;
  const { trust, serverName } = eap;
  const checked = trust.kind === 'bytes' || trust.kind === 'file' || (trust.kind === 'store' && serverName !== null);
  if (login !== null && checked && showsCertificate(eap) && !eap.innerTls) {
    return { ...login, source: 'login', serverName };
  }
  return await pinnedRoot(eap);
}

/** @returns null: what was read does not belong together, so it is no link */
export async function linkOf(parts: LinkParts): Promise<WifiLink | null> {
  const { profile, ssid, bssid, offer, quality, negotiated, source } = parts;
  if (!profile.station || (profile.ssid !== null && !bytesEqual(profile.ssid, ssid))) return null;
  const security = securityOf(profile, offer, negotiated);
  return {
    interface: parts.interface,
    ssid: Uint8Array.from(ssid),
    bssid,
    security,
    quality,
    root: isEnterprise(security) ? await rootOf(parts) : null,
    source,
    weak: false,
  };
}

const BSSID = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** @returns null for what is no address of an access point */
export function bssidOf(text: string): string | null {
  const address = text.toLowerCase();
  return BSSID.test(address) && address !== '00:00:00:00:00:00' ? address : null;
}
