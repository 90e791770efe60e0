/**
 * What a machine wants of a Wi-Fi network (its active profile) and what the access point offers, in words that are the
 * same for NetworkManager and wpa_supplicant. IEEE 802.11 calls the way of agreeing on keys the AKM.
 */

/** `other`: something that no security type of the rules stands for. */
export type Akm = 'open' | 'wep' | 'psk' | 'sae' | 'eap' | 'suite-b-192' | 'owe' | 'other';

/** How the server of an 802.1X login is checked. */
export type TrustAnchor =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string }
  /** A store of many: the system's own, or a folder. */
  | { readonly kind: 'store' }
  /** The server is not checked by a root at all. */
  | { readonly kind: 'none' };

export interface EapProfile {
  /** EAP methods that the profile allows, in lower case: `peap`, `tls`, `ttls`, `pwd`, ... */
  readonly methods: readonly string[];
  readonly trust: TrustAnchor;
  /** The name that the server's certificate has to carry; null: any that the root vouches for. */
  readonly serverName: string | null;
  /** There may be a second TLS handshake inside of the first, with certificates of its own. */
  readonly innerTls: boolean;
}

export interface WifiProfile {
  /** Of NetworkManager the UUID; of wpa_supplicant the path of the network. */
  readonly id: string;
  /** Null: any. */
  readonly ssid: Uint8Array | null;
  /** The machine is a station of an access point; not an access point itself, nor ad hoc. */
  readonly station: boolean;
  /** Everything that it may end up with. */
  readonly akms: ReadonlySet<Akm>;
  readonly allows: { readonly wpa: boolean; readonly rsn: boolean };
  readonly managementFrameProtection: 'required' | 'other';
  readonly eap: EapProfile | null;
}

/** What the access point says it offers. Anybody can say anything. */
export interface Offer {
  readonly privacy: boolean;
  /** Of the WPA element; `other` stands in both for all that is not known, so that empty means: there is no such element. */
  readonly wpa: ReadonlySet<Akm>;
  /** Of the RSN element (WPA2 and WPA3). */
  readonly rsn: ReadonlySet<Akm>;
}

/** What was agreed on, as wpa_supplicant tells. */
export interface Negotiated {
  readonly akms: ReadonlySet<Akm>;
  /** Whether it can only have been WPA2 or WPA3; null: it does not say. */
  readonly rsn: true | null;
  /** The AKM with SHA-256 (00-0F-AC:5 and :6). */
  readonly sha256: boolean;
}
