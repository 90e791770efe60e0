/**
 * The network seam: the addresses of the interfaces and the Wi-Fi association, as the host has them at this moment.
 * Every field that the host does not tell is null and satisfies nothing; every field that it tells says where it comes
 * from. None of it is authenticated but the chain of an 802.1X login.
 */
import type { MonotonicMs } from '../base/brand.ts';

/** Who said so, in words for people: `NetworkManager`, `systemd-networkd`, `kernel`, `resolv.conf`, `GetAdaptersAddresses`. */
export type FieldSource = string;

export interface Sourced<T> {
  readonly value: T;
  readonly source: FieldSource;
}

export type LinkKind = 'ethernet' | 'wifi' | 'cellular' | 'vpn' | 'virtual' | 'other';

/** One address family of an interface; IPv6 link-local addresses carry their scope (`fe80::1%eth0`). */
export interface HostIpFamily {
  /** Assigned addresses with the prefix length of their on-link route: `192.0.2.5/24`. */
  readonly addresses: Sourced<readonly string[]> | null;
  readonly gateways: Sourced<readonly string[]> | null;
  readonly dhcpServers: Sourced<readonly string[]> | null;
  readonly dnsServers: Sourced<readonly string[]> | null;
}

export interface HostInterface {
  readonly name: string;
  readonly kind: LinkKind;
  /** Backed by a device of its own, not by software: a bridge, a veth, a tunnel, a VM's tap are none. */
  readonly physical: boolean;
  readonly connected: boolean;
  readonly ipv4: HostIpFamily;
  readonly ipv6: HostIpFamily;
  /** Suffixes of this connection. */
  readonly dnsSuffixes: Sourced<readonly string[]> | null;
}

export interface IpSnapshot {
  readonly at: MonotonicMs;
  /** At most 64. */
  readonly interfaces: readonly HostInterface[];
  /** Of the machine, not of a connection. */
  readonly primaryDnsSuffix: Sourced<string> | null;
}

export type WifiSecurityType =
  | 'Open'
  | 'WEP'
  | 'WPA-Personal'
  | 'WPA-Enterprise'
  | 'WPA2-Personal'
  | 'WPA2-Enterprise'
  | 'WPA3-Personal'
  | 'WPA3-Enterprise'
  | 'WPA3-Enterprise-192';

/** The root that the server's certificate was verified by. */
export interface VerifiedRoot {
  /** Lower-case hexadecimal, of the DER certificate. */
  readonly sha1: string;
  readonly sha256: string;
  /** `login`: the chain of the login itself; `profile`: the only root that the active profile trusts. */
  readonly source: 'login' | 'profile';
  /** The name that the server's certificate had to carry; null: any that the root vouches for. */
  readonly serverName: string | null;
}

export interface WifiLink {
  readonly interface: string;
  /** 0-32 bytes. */
  readonly ssid: Uint8Array;
  /** Of the associated access point. */
  readonly bssid: string | null;
  /** Of the active profile, and only where the access point agrees. */
  readonly security: WifiSecurityType | null;
  /** 0-100. */
  readonly quality: number | null;
  readonly root: VerifiedRoot | null;
  readonly source: FieldSource;
  /** The source is known to tell less than it should (a program's text, not an interface): nothing but a hint for people. */
  readonly weak: boolean;
}

export interface WifiSnapshot {
  readonly at: MonotonicMs;
  /** Whether this machine has a Wi-Fi interface at all. */
  readonly present: boolean;
  readonly links: readonly WifiLink[];
}

export type NetworkEvent =
  /** Can be asked from now on; what was known before is void. */
  | { readonly type: 'available' }
  /** Nothing is known until `available`. */
  | { readonly type: 'unavailable'; readonly reason: 'no-driver' | 'daemon-gone' | 'no-permission' | 'failed' }
  /** Something may have changed: read again. */
  | { readonly type: 'changed' };

/**
 * Contract for implementers of both:
 * - `read` asks the host at that moment; what signals carried is never part of an answer.
 * - What did not come from the host's daemon or kernel itself wakes nobody.
 * - Nothing is polled where the host tells of changes.
 */
interface NetworkSeam<T> extends AsyncDisposable {
  readonly name: string;
  readonly simulated: boolean;
  /**
   * @throws {ERR_HAL_NOT_FOUND | ERR_HAL_DISCONNECTED | ERR_HAL_TIMEOUT | ERR_HAL_PERMISSION | ERR_HAL_IO | ERR_HAL_ANSWER_INVALID}
   */
  read(options: { readonly signal: AbortSignal }): Promise<T>;
  /** From now on, until `signal` aborts (then it returns). Begins with `available` or `unavailable`. Never throws for hardware reasons. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<NetworkEvent>;
}

export interface IpHal extends NetworkSeam<IpSnapshot> {}
export interface WifiHal extends NetworkSeam<WifiSnapshot> {}
