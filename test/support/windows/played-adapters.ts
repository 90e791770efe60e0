/** The buffer of GetAdaptersAddresses as Windows would fill it, from adapters in words. */
import { isIPv4 } from 'node:net';
import {
  IP_ADAPTER_ADDRESSES as ADAPTER,
  IP_ADAPTER_DNS_SUFFIX,
  IP_ADAPTER_SERVER_ADDRESS,
  koffi,
  MIB_IF_ROW2,
  PlayedMemory,
  IP_ADAPTER_UNICAST_ADDRESS as UNICAST,
} from './layouts.ts';

export interface PlayedAdapter {
  readonly name: string;
  readonly luid?: bigint;
  /** IFTYPE; 6: Ethernet. */
  readonly type?: number;
  /** IF_OPER_STATUS; 1: up. */
  readonly status?: number;
  readonly flags?: number;
  /** Address, length of its on-link prefix, IP_DAD_STATE (4: preferred). */
  readonly addresses?: readonly (readonly [string, number, number?])[];
  readonly gateways?: readonly string[];
  readonly dns?: readonly string[];
  readonly dhcpv4?: string;
  readonly dhcpv6?: string;
  readonly suffix?: string;
  readonly suffixes?: readonly string[];
}

/** Full IPv6 text without `::` but for one, with a scope behind `%`. */
function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  const out = Buffer.alloc(16);
  all.forEach((group, n) => {
    out.writeUInt16BE(group, 2 * n);
  });
  return out;
}

/** SOCKADDR_IN or SOCKADDR_IN6. */
function sockaddr(text: string): Buffer {
  const [address = '', scope = '0'] = text.split('%');
  if (isIPv4(address)) {
    const out = Buffer.alloc(16);
    out.writeUInt16LE(2, 0);
    out.set(address.split('.').map(Number), 4);
    return out;
  }
  const out = Buffer.alloc(28);
  out.writeUInt16LE(23, 0);
  out.set(ipv6Bytes(address), 8);
  out.writeUInt32LE(Number(scope), 24);
  return out;
}

function putAddress(memory: PlayedMemory, at: number, text: string): void {
  const bytes = sockaddr(text);
  memory.point(at, memory.takeBytes(bytes));
  memory.u32(at + 8, bytes.length);
}

/** Puts one entry after the other and links them, the first from `from`. */
function putList<T>(
  memory: PlayedMemory,
  from: number,
  type: unknown,
  entries: readonly T[],
  fill: (at: number, entry: T) => void,
): void {
  let link = from;
  for (const entry of entries) {
    const at = memory.take(type);
    memory.point(link, at);
    link = at + koffi.offsetof(type, 'Next');
    fill(at, entry);
  }
}

export function adapterBuffer(adapters: readonly PlayedAdapter[]): { bytes: Uint8Array; base: bigint } {
  const memory = new PlayedMemory();
  let link: number | null = null;
  for (const adapter of adapters) {
    const at = memory.take(ADAPTER);
    const member = (name: string) => at + koffi.offsetof(ADAPTER, name);
    if (link !== null) memory.point(link, at);
    link = member('Next');
    memory.u32(member('IfType'), adapter.type ?? 6);
    memory.u32(member('OperStatus'), adapter.status ?? 1);
    memory.u32(member('Flags'), adapter.flags ?? 0x4);
    memory.u64(member('Luid'), adapter.luid ?? 0x6_0000_0100_0000n);
    memory.point(member('FriendlyName'), memory.takeText(adapter.name));
    if (adapter.suffix !== undefined) memory.point(member('DnsSuffix'), memory.takeText(adapter.suffix));
    if (adapter.dhcpv4 !== undefined) putAddress(memory, member('Dhcpv4Server'), adapter.dhcpv4);
    if (adapter.dhcpv6 !== undefined) putAddress(memory, member('Dhcpv6Server'), adapter.dhcpv6);
    putList(memory, member('FirstUnicastAddress'), UNICAST, adapter.addresses ?? [], (entry, [text, length, state]) => {
      putAddress(memory, entry + koffi.offsetof(UNICAST, 'Address'), text);
      memory.u8(entry + koffi.offsetof(UNICAST, 'OnLinkPrefixLength'), length);
      memory.u32(entry + koffi.offsetof(UNICAST, 'DadState'), state ?? 4);
    });
    for (const [first, texts] of [
      ['FirstGatewayAddress', adapter.gateways ?? []],
      ['FirstDnsServerAddress', adapter.dns ?? []],
    ] as const) {
      putList(memory, member(first), IP_ADAPTER_SERVER_ADDRESS, texts, (entry, text) => {
        putAddress(memory, entry + koffi.offsetof(IP_ADAPTER_SERVER_ADDRESS, 'Address'), text);
      });
    }
    putList(memory, member('FirstDnsSuffix'), IP_ADAPTER_DNS_SUFFIX, adapter.suffixes ?? [], (entry, text) => {
      memory.set(entry + koffi.offsetof(IP_ADAPTER_DNS_SUFFIX, 'String'), Buffer.from(text, 'utf16le'));
    });
  }
  return { bytes: memory.bytes, base: memory.base };
}

/** @param flags InterfaceAndOperStatusFlags: 1 hardware, 2 filter, 4 connector */
export function interfaceRow(flags: number): Uint8Array {
  const row = new Uint8Array(koffi.sizeof(MIB_IF_ROW2));
  row[koffi.offsetof(MIB_IF_ROW2, 'InterfaceAndOperStatusFlags')] = flags;
  return row;
}
