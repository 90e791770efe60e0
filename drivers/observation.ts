/**
 * What the drivers of the surroundings have seen, as plain data that survives JSON. Every field that a system does not
 * tell is null, never a guess. Addresses are text as the system prints them; the policy room reads them.
 */

/** A phone, or another bonded Bluetooth device. */
export interface BluetoothDevice {
  /** Bonded identity address, `aa:bb:cc:dd:ee:ff`. */
  readonly address: string;
  readonly name: string | null;
  /** 24-bit Class of Device, as pinned when it was enrolled: what is heard on the air can be forged. */
  readonly classOfDevice: number | null;
  /** Numeric ids of the users that it was enrolled for; empty: only paired with the machine. */
  readonly users: readonly number[];
  /** An authenticated, encrypted link with the bonded key was made for this observation. */
  readonly proved: boolean;
  /**
   * Strength of the link, smoothed. `relative`: dB below the golden receive range (0 and less), as the Windows rules
   * mean it; `dBm`: absolute. The two are never compared.
   */
  readonly rssi: { readonly scale: 'relative' | 'dBm'; readonly value: number } | null;
  /** The best smoothed strength since it was last judged near, on the same scale; null: it was not near. */
  readonly rssiBest: number | null;
}

export interface BluetoothObservation {
  readonly devices: readonly BluetoothDevice[];
}

export const INTERFACE_KINDS = ['ethernet', 'wifi', 'cellular', 'vpn', 'virtual', 'other'] as const;
export type InterfaceKind = (typeof INTERFACE_KINDS)[number];

/** One address family of an interface. IPv6 addresses may carry a scope id (`fe80::1%2`). */
export interface IpFamily {
  /** Assigned addresses with their prefix length: `192.0.2.5/24`. */
  readonly addresses: readonly string[] | null;
  readonly gateways: readonly string[] | null;
  readonly dhcpServers: readonly string[] | null;
  readonly dnsServers: readonly string[] | null;
}

/** The fields of which {@link IpInterface.sources} may tell who said them. */
export const IP_SOURCED_FIELDS = [
  'ipv4.addresses',
  'ipv4.gateways',
  'ipv4.dhcpServers',
  'ipv4.dnsServers',
  'ipv6.addresses',
  'ipv6.gateways',
  'ipv6.dhcpServers',
  'ipv6.dnsServers',
] as const;
export type IpSourcedField = (typeof IP_SOURCED_FIELDS)[number];

export interface IpInterface {
  readonly name: string;
  readonly kind: InterfaceKind;
  readonly connected: boolean;
  readonly ipv4: IpFamily;
  readonly ipv6: IpFamily;
  /** For people, `DHCP via NetworkManager`: nothing is decided by it. */
  readonly sources?: Readonly<Partial<Record<IpSourcedField, string>>>;
}

export interface IpConfigObservation {
  /** The DNS suffix of the machine, not of a connection; null: it has none, or it is not known. */
  readonly primaryDnsSuffix: string | null;
  /** Who said so, for people. */
  readonly primaryDnsSuffixSource?: string;
  readonly interfaces: readonly IpInterface[];
}

/** Security types as the Windows rules name them. */
export const WIFI_SECURITIES = [
  'Open',
  'WEP',
  'WPA-Personal',
  'WPA-Enterprise',
  'WPA2-Personal',
  'WPA2-Enterprise',
  'WPA3-Personal',
  'WPA3-Enterprise',
  'WPA3-Enterprise-192',
] as const;
export type WifiSecurity = (typeof WIFI_SECURITIES)[number];

/** An association that stands, never a network that is merely heard. */
export interface WifiAssociation {
  readonly interface: string;
  /** The bytes of the SSID in lower-case hexadecimal: an SSID is no text. */
  readonly ssidHex: string;
  /** Of the associated access point, `aa:bb:cc:dd:ee:ff`. */
  readonly bssid: string | null;
  readonly security: WifiSecurity | null;
  /** 0-100. */
  readonly quality: number | null;
  /** Thumbprints (SHA-1 and SHA-256, lower-case hexadecimal) of the root that the server's certificate was verified by. */
  readonly rootThumbprints: readonly string[] | null;
}

export interface WifiObservation {
  readonly associations: readonly WifiAssociation[];
}

export interface Observations {
  readonly bluetooth: BluetoothObservation;
  readonly ipConfig: IpConfigObservation;
  readonly wifi: WifiObservation;
}
