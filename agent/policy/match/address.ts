/** IP addresses and prefixes as the rules compare them. What cannot be read matches nothing. */
import ipaddr from 'ipaddr.js';

export interface Address {
  readonly family: 4 | 6;
  /** Canonical text without scope. */
  readonly text: string;
  readonly bytes: readonly number[];
  readonly scope: string | null;
}

export interface Prefix {
  readonly family: 4 | 6;
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** Longer than an IPv6 address with its scope. */
const MAX_TEXT = 80;

/** IPv6 `address%scope`: the scope is the name of an interface, which may be anything, or its number. */
const SCOPED = /^([0-9A-Fa-f:.]+)%([^%]+)$/;

const isIpv4 = (text: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(text);

/** The dotted end of an IPv6 address in hexadecimal (RFC 4291 §2.2): a parser may take `::192.0.2.1` for another address. */
function withoutDots(text: string): string | null {
  const at = text.lastIndexOf(':') + 1;
  const end = text.slice(at);
  if (!end.includes('.')) return text;
  if (!isIpv4(end)) return null;
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(end).toByteArray();
  return `${text.slice(0, at)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

const addressOf = (bytes: readonly number[], scope: string | null): Address => ({
  family: bytes.length === 4 ? 4 : 6,
  text: ipaddr.fromByteArray([...bytes]).toString(),
  bytes,
  scope,
});

function parse(text: string): Address | null {
  const [, scopedHost, scope = null] = SCOPED.exec(text) ?? [];
  const host = scopedHost ?? text;
  if (!host.includes(':'))
    return scope === null && isIpv4(host) ? addressOf(ipaddr.IPv4.parse(host).toByteArray(), null) : null;
  const plain = withoutDots(host);
  return plain !== null && ipaddr.IPv6.isValid(plain) ? addressOf(ipaddr.IPv6.parse(plain).toByteArray(), scope) : null;
}

/** A machine sees the same few addresses all day. */
const KEPT = 512;
const kept = new Map<string, Address | null>();

/** @returns null for what is no address; IPv4 in dotted decimal only, as `010.1` has two readings */
export function readAddress(text: string): Address | null {
  if (typeof text !== 'string' || text.length > MAX_TEXT) return null;
  const known = kept.get(text);
  if (known !== undefined) return known;
  const address = parse(text);
  if (kept.size >= KEPT) kept.clear();
  kept.set(text, address);
  return address;
}

/** @returns null for what is no address with a length */
export function readPrefix(text: string): Prefix | null {
  if (typeof text !== 'string') return null;
  const [, host, length] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = host === undefined ? null : readAddress(host);
  const bits = Number(length);
  if (address === null || bits > address.bytes.length * 8) return null;
  return { family: address.family, bytes: address.bytes, bits };
}

/** Bits of the byte at `index` that belong to the network. */
const maskOf = (bits: number, index: number): number => (0xff00 >> Math.max(0, Math.min(8, bits - index * 8))) & 0xff;

/**
 * A host of the network: within the prefix, and of IPv4 neither its network nor its broadcast address where it has
 * them (`/24`: .1 to .254).
 */
export function isHostOf(address: Address, prefix: Prefix): boolean {
  const { family, bytes, bits } = prefix;
  if (address.family !== family) return false;
  let [allZeros, allOnes] = [true, true];
  for (let i = 0; i < bytes.length; i++) {
    const [own, mask] = [address.bytes[i] ?? 0, maskOf(bits, i)];
    if (((own ^ (bytes[i] ?? 0)) & mask) !== 0) return false;
    allZeros &&= (own & ~mask) === 0;
    allOnes &&= (own | mask) === 0xff;
  }
  return family === 6 || bits > 30 || (!allZeros && !allOnes);
}

/** The same address; a scope in `wanted` has to be the same too. */
export const isSameAddress = (wanted: Address, found: Address): boolean =>
  wanted.text === found.text && (wanted.scope === null || wanted.scope === found.scope);
