/**
 * Structures of Windows a second time: their members as the headers list them (iptypes.h, netioapi.h, wlanapi.h,
 * bluetoothapis.h, ws2bth.h), laid out by koffi's own rules of C. What reads them in the product has numbers written
 * down; the tests hold the two against each other, and make their buffers by these.
 */
import { createRequire } from 'node:module';

interface Layouts {
  struct(members: Record<string, unknown>): unknown;
  struct(name: string, members: Readonly<Record<string, string>>): unknown;
  pack(members: Record<string, unknown>): unknown;
  array(type: unknown, length: number): unknown;
  sizeof(type: unknown): number;
  offsetof(type: unknown, member: string): number;
  proto(prototype: string): unknown;
}

export const koffi = createRequire(import.meta.url)('koffi') as Layouts;
const { array, struct } = koffi;

const [U8, U16, U32, U64, P] = ['uint8_t', 'uint16_t', 'uint32_t', 'uint64_t', 'void *'];
const GUID = struct({ Data1: U32, Data2: U16, Data3: U16, Data4: array(U8, 8) });
const SOCKET_ADDRESS = struct({ lpSockaddr: P, iSockaddrLength: 'int32_t' });
const SYSTEMTIME = array(U16, 8);

export const IP_ADAPTER_ADDRESSES = struct({
  Length: U32,
  IfIndex: U32,
  Next: P,
  AdapterName: P,
  FirstUnicastAddress: P,
  FirstAnycastAddress: P,
  FirstMulticastAddress: P,
  FirstDnsServerAddress: P,
  DnsSuffix: P,
  Description: P,
  FriendlyName: P,
  PhysicalAddress: array(U8, 8),
  PhysicalAddressLength: U32,
  Flags: U32,
  Mtu: U32,
  IfType: U32,
  OperStatus: U32,
  Ipv6IfIndex: U32,
  ZoneIndices: array(U32, 16),
  FirstPrefix: P,
  TransmitLinkSpeed: U64,
  ReceiveLinkSpeed: U64,
  FirstWinsServerAddress: P,
  FirstGatewayAddress: P,
  Ipv4Metric: U32,
  Ipv6Metric: U32,
  Luid: U64,
  Dhcpv4Server: SOCKET_ADDRESS,
  CompartmentId: U32,
  NetworkGuid: GUID,
  ConnectionType: U32,
  TunnelType: U32,
  Dhcpv6Server: SOCKET_ADDRESS,
  Dhcpv6ClientDuid: array(U8, 130),
  Dhcpv6ClientDuidLength: U32,
  Dhcpv6Iaid: U32,
  FirstDnsSuffix: P,
});
export const IP_ADAPTER_UNICAST_ADDRESS = struct({
  Length: U32,
  Flags: U32,
  Next: P,
  Address: SOCKET_ADDRESS,
  PrefixOrigin: U32,
  SuffixOrigin: U32,
  DadState: U32,
  ValidLifetime: U32,
  PreferredLifetime: U32,
  LeaseLifetime: U32,
  OnLinkPrefixLength: U8,
});
export const IP_ADAPTER_SERVER_ADDRESS = struct({ Length: U32, Reserved: U32, Next: P, Address: SOCKET_ADDRESS });
export const IP_ADAPTER_DNS_SUFFIX = struct({ Next: P, String: array(U16, 256) });

export const MIB_IF_ROW2 = struct({
  InterfaceLuid: U64,
  InterfaceIndex: U32,
  InterfaceGuid: GUID,
  Alias: array(U16, 257),
  Description: array(U16, 257),
  PhysicalAddressLength: U32,
  PhysicalAddress: array(U8, 32),
  PermanentPhysicalAddress: array(U8, 32),
  Mtu: U32,
  Type: U32,
  TunnelType: U32,
  MediaType: U32,
  PhysicalMediumType: U32,
  AccessType: U32,
  DirectionType: U32,
  InterfaceAndOperStatusFlags: U8,
  OperStatus: U32,
  AdminStatus: U32,
  MediaConnectState: U32,
  NetworkGuid: GUID,
  ConnectionType: U32,
  Speeds: array(U64, 2),
  Counters: array(U64, 18),
});

export const WLAN_INTERFACE_INFO = struct({
  InterfaceGuid: GUID,
  strInterfaceDescription: array(U16, 256),
  isState: U32,
});
export const WLAN_INTERFACE_INFO_LIST = struct({
  dwNumberOfItems: U32,
  dwIndex: U32,
  InterfaceInfo: array(WLAN_INTERFACE_INFO, 1),
});
/** With the structures within it spread out: none of their members needs more alignment than four bytes. */
export const WLAN_CONNECTION_ATTRIBUTES = struct({
  isState: U32,
  wlanConnectionMode: U32,
  strProfileName: array(U16, 256),
  uSSIDLength: U32,
  ucSSID: array(U8, 32),
  dot11BssType: U32,
  dot11Bssid: array(U8, 6),
  dot11PhyType: U32,
  uDot11PhyIndex: U32,
  wlanSignalQuality: U32,
  ulRxRate: U32,
  ulTxRate: U32,
  bSecurityEnabled: U32,
  bOneXEnabled: U32,
  dot11AuthAlgorithm: U32,
  dot11CipherAlgorithm: U32,
});

export const BLUETOOTH_DEVICE_INFO = struct({
  dwSize: U32,
  Address: U64,
  ulClassofDevice: U32,
  fConnected: U32,
  fRemembered: U32,
  fAuthenticated: U32,
  stLastSeen: SYSTEMTIME,
  stLastUsed: SYSTEMTIME,
  szName: array(U16, 248),
});
export const BLUETOOTH_DEVICE_SEARCH_PARAMS = struct({
  dwSize: U32,
  fReturnAuthenticated: U32,
  fReturnRemembered: U32,
  fReturnUnknown: U32,
  fReturnConnected: U32,
  fIssueInquiry: U32,
  cTimeoutMultiplier: U8,
  hRadio: P,
});
export const SOCKADDR_BTH = koffi.pack({ addressFamily: U16, btAddr: U64, serviceClassId: array(U8, 16), port: U32 });

/** Offsets of the members that `numbers` names, and the size where it has `bytes`. */
export const laidOut = (type: unknown, numbers: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.keys(numbers).map((name) => [name, name === 'bytes' ? koffi.sizeof(type) : koffi.offsetof(type, name)]),
  );

/** Memory that is filled by members' names, and in which things can be put and pointed to. */
export class PlayedMemory {
  readonly base: bigint;
  readonly #bytes: Buffer;
  #used = 0;

  constructor(base = 0x7ff0_0000_1000n, bytes = 65_536) {
    this.base = base;
    this.#bytes = Buffer.alloc(bytes);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, Math.max(this.#used, 8)));
  }

  /** @returns where it begins */
  take(type: unknown): number {
    return this.takeBytes(new Uint8Array(koffi.sizeof(type)));
  }

  takeBytes(bytes: Uint8Array): number {
    const at = this.#used;
    this.#bytes.set(bytes, at);
    this.#used = Math.ceil((at + bytes.length) / 8) * 8;
    return at;
  }

  takeText(text: string): number {
    return this.takeBytes(Buffer.from(`${text}\0`, 'utf16le'));
  }

  u8(at: number, value: number): void {
    this.#bytes.writeUInt8(value, at);
  }

  u32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value >>> 0, at);
  }

  u64(at: number, value: bigint): void {
    this.#bytes.writeBigUInt64LE(value, at);
  }

  set(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  point(at: number, to: number): void {
    this.u64(at, this.base + BigInt(to));
  }
}
