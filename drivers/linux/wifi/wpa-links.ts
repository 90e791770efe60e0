/**
 * The links of interfaces that nobody but wpa_supplicant manages. What belongs together is read between two looks at the
 * interface: an access point and a network of two moments make no link.
 */
import { dictOf } from '../dbus/values.ts';
import { bssidOf, linkOf } from './link.ts';
import { WPA_INTERFACE } from './login-roots.ts';
import type { StandingLink } from './nm-links.ts';
import { negotiatedOf } from './security.ts';
import { heardBss, networkProfile } from './wpa-network.ts';
import type { WpaInterface, WpaSupplicant } from './wpa-supplicant.ts';

const WPA_NETWORK = 'fi.w1.wpa_supplicant1.Network';
const WPA_BSS = 'fi.w1.wpa_supplicant1.BSS';

/** Windows' scale of the quality (WLAN_ASSOCIATION_ATTRIBUTES): -100 dBm is 0, -50 dBm is 100. */
const qualityOf = (dBm: number | null): number | null =>
  dBm === null || dBm >= 0 ? null : Math.max(0, Math.min(100, Math.round(2 * (dBm + 100))));

/** @returns null: not associated, or it changed while it was read */
export async function wpaLink(
  wpa: WpaSupplicant,
  face: WpaInterface,
  options: { readonly signal: AbortSignal },
): Promise<StandingLink | null> {
  if (face.state !== 'completed' || face.network === null || face.bss === null) return null;
  const bss = heardBss(await wpa.properties(face.bss, WPA_BSS, options));
  const network = await wpa.properties(face.network, WPA_NETWORK, options);
  const quality = qualityOf(await wpa.signalPoll(face.path, options));
  const after = await wpa.properties(face.path, WPA_INTERFACE, options);
  const steady = after.get('State') === face.state && after.get('CurrentAuthMode') === face.authMode;
  if (!steady || after.get('CurrentNetwork') !== face.network || after.get('CurrentBSS') !== face.bss) return null;
  const profile = networkProfile(face.network, network, dictOf(after.get('Blobs') ?? [], 'Blobs'));
  if (!bss.station) return null;
  const link = await linkOf({
    interface: face.name,
    profile,
    ssid: bss.ssid,
    bssid: bss.bssid === null ? null : bssidOf(bss.bssid),
    offer: bss.offer,
    quality,
    negotiated: negotiatedOf(face.authMode),
    login: wpa.logins.rootOf(face.path, face.network, profile.id),
    source: 'wpa_supplicant',
  });
  return link === null ? null : { point: face.bss, link };
}
