/**
 * The buffer of GetAdaptersAddresses: a list of IP_ADAPTER_ADDRESSES_LH with everything that they point to (iptypes.h,
 * 64-bit layout). What Windows does not tell is null. Times, metrics and speeds are not looked at.
 */
import type { HostIpFamily, LinkKind, Sourced } from '../../hal/network.ts';
import { MemoryImage } from '../memory-image.ts';
import { type HostAddress, socketAddress } from './socket-address.ts';

/** IP_ADAPTER_ADDRESSES_LH; 448 bytes. */
export const ADAPTER = {
  Next: 8,
  FirstUnicastAddress: 24,
  FirstDnsServerAddress: 48,
  DnsSuffix: 56,
  FriendlyName: 72,
  Flags: 92,
  IfType: 100,
  OperStatus: 104,
  FirstGatewayAddress: 208,
  Luid: 224,
  Dhcpv4Server: 232,
  Dhcpv6Server: 280,
  FirstDnsSuffix: 440,
} as const;

/** IP_ADAPTER_UNICAST_ADDRESS_LH; 64 bytes. */
export const UNICAST = { Next: 8, Address: 16, DadState: 40, OnLinkPrefixLength: 56 } as const;
/** IP_ADAPTER_DNS_SERVER_ADDRESS_XP and IP_ADAPTER_GATEWAY_ADDRESS_LH; 32 bytes. */
export const SERVER = { Next: 8, Address: 16 } as const;
/** IP_ADAPTER_DNS_SUFFIX; 520 bytes. */
export const SUFFIX = { Next: 0, String: 8 } as const;

export const SOURCE = 'GetAdaptersAddresses';

const DHCP_ENABLED = 0x4;
const IF_OPER_STATUS_UP = 1;
/** Valid, though to be used for nothing new, and valid. */
const DAD_STATES = [3, 4];
const SUFFIX_UNITS = 256;
const NAME_UNITS = 256;
const MAX_ADAPTERS = 64;
const MAX_ENTRIES = 64;

/** IFTYPE (ipifcons.h). */
const KINDS: Readonly<Record<number, LinkKind>> = {
  6: 'ethernet',
  23: 'vpn',
  53: 'virtual',
  71: 'wifi',
  131: 'vpn',
  243: 'cellular',
  244: 'cellular',
};
const SOFTWARE_LOOPBACK = 24;

export interface Adapter {
  readonly luid: bigint;
  readonly name: string;
  /** By its type alone; one without hardware says `ethernet` as well. */
  readonly kind: LinkKind;
  readonly up: boolean;
  readonly ipv4: HostIpFamily;
  readonly ipv6: HostIpFamily;
  readonly dnsSuffixes: Sourced<readonly string[]> | null;
}

/** Where there is nothing, nothing is told. */
const sourced = (value: readonly string[]): Sourced<readonly string[]> | null =>
  value.length === 0 ? null : { value, source: SOURCE };

/** Servers that Windows puts there where it knows none: any, all; the site-local resolvers that were never assigned. */
const isPlaceholder = ({ text }: HostAddress): boolean =>
  text === '0.0.0.0' || text === '255.255.255.255' || text === '::' || /^fec0:0:0:ffff::[123]$/.test(text);

type Family = HostAddress['family'];
const of = (family: Family, found: readonly HostAddress[]): readonly string[] =>
  found.filter((each) => each.family === family && !isPlaceholder(each)).map(({ text }) => text);

function addressesOf(image: MemoryImage, adapter: number, family: Family): readonly string[] {
  const bits = family === 'ipv4' ? 32 : 128;
  return image.list(adapter + ADAPTER.FirstUnicastAddress, UNICAST.Next, MAX_ENTRIES).flatMap((at) => {
    const address = socketAddress(image, at + UNICAST.Address);
    const length = image.u8(at + UNICAST.OnLinkPrefixLength);
    if (address?.family !== family || !DAD_STATES.includes(image.u32(at + UNICAST.DadState))) return [];
    // 255: Windows does not know it.
    return length > bits ? [] : [`${address.text}/${length}`];
  });
}

function serversAt(image: MemoryImage, first: number): readonly HostAddress[] {
  return image
    .list(first, SERVER.Next, MAX_ENTRIES)
    .map((at) => socketAddress(image, at + SERVER.Address))
    .filter((address) => address !== null);
}

const oneAt = (image: MemoryImage, at: number): readonly HostAddress[] => {
  const address = socketAddress(image, at);
  return address === null ? [] : [address];
};

function suffixesOf(image: MemoryImage, adapter: number): readonly string[] {
  const own = image.pointer(adapter + ADAPTER.DnsSuffix);
  const further = image.list(adapter + ADAPTER.FirstDnsSuffix, SUFFIX.Next, MAX_ENTRIES);
  const texts = [
    ...(own === null ? [] : [image.text(own, SUFFIX_UNITS)]),
    ...further.map((at) => image.text(at + SUFFIX.String, SUFFIX_UNITS)),
  ];
  return [...new Set(texts.filter((text) => text !== ''))];
}

function adapterAt(image: MemoryImage, at: number): Adapter {
  const gateways = serversAt(image, at + ADAPTER.FirstGatewayAddress);
  const resolvers = serversAt(image, at + ADAPTER.FirstDnsServerAddress);
  const dhcp = (image.u32(at + ADAPTER.Flags) & DHCP_ENABLED) !== 0;
  // A server of before stays where DHCP was switched off.
  const dhcpServers = {
    ipv4: dhcp ? oneAt(image, at + ADAPTER.Dhcpv4Server) : [],
    ipv6: oneAt(image, at + ADAPTER.Dhcpv6Server),
  };
  const familyOf = (family: Family): HostIpFamily => ({
    addresses: sourced(addressesOf(image, at, family)),
    gateways: sourced(of(family, gateways)),
    dhcpServers: sourced(of(family, dhcpServers[family])),
    dnsServers: sourced(of(family, resolvers)),
  });
  const name = image.pointer(at + ADAPTER.FriendlyName);
  return {
    luid: image.u64(at + ADAPTER.Luid),
    name: name === null ? '' : image.text(name, NAME_UNITS),
    kind: KINDS[image.u32(at + ADAPTER.IfType)] ?? 'other',
    up: image.u32(at + ADAPTER.OperStatus) === IF_OPER_STATUS_UP,
    ipv4: familyOf('ipv4'),
    ipv6: familyOf('ipv6'),
    dnsSuffixes: sourced(suffixesOf(image, at)),
  };
}

/**
 * All but the loopback.
 * @param base the address at which Windows filled the buffer
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function decodeAdapters(bytes: Uint8Array, base: bigint): readonly Adapter[] {
  if (bytes.length === 0) return [];
  const image = new MemoryImage(bytes, 'the list of adapters', base);
  const found = [0, ...image.list(ADAPTER.Next, ADAPTER.Next, MAX_ADAPTERS - 1)];
  return found.filter((at) => image.u32(at + ADAPTER.IfType) !== SOFTWARE_LOOPBACK).map((at) => adapterAt(image, at));
}
