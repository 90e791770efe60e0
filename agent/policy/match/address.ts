/** IP addresses and prefixes as the rules compare them. What cannot be read matches nothing. */
import ipaddr from 'ipaddr.js';

interface Address {
  readonly family: 4 | 6;
  /** Canonical text without scope. */
  readonly text: string;
  readonly bytes: readonly number[];
  readonly scope: string | null;
}

interface Prefix {
  readonly family: 4 | 6;
  readonly bytes: readonly number[];
  readonly bits: number;
}

const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;

/** @returns null for what is no address; IPv4 in dotted decimal only, as `010.1` has two readings */
export function readAddress(text: string): Address | null {
  if (typeof text !== 'string' || text.length > 80) return null;
  if (!text.includes(':') && !IPV4.test(text)) return null;
  try {
    const parsed = ipaddr.parse(text);
    const scope = parsed.kind() === 'ipv6' ? ((parsed as ipaddr.IPv6).zoneId ?? null) : null;
    const bytes = parsed.toByteArray();
    return { family: bytes.length === 4 ? 4 : 6, text: ipaddr.fromByteArray(bytes).toString(), bytes, scope };
  } catch {
    return null;
  }
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

const maskOf = (bits: number, index: number): number => (0xff00 >> Math.max(0, Math.min(8, bits - index * 8))) & 0xff;

/**
 * A host of the network: within the prefix, and of IPv4 neither its network nor its broadcast address where it has
 * them (`/24`: .1 to .254).
 */
export function isHostOf(address: Address, prefix: Prefix): boolean {
  const { family, bytes, bits } = prefix;
  if (address.family !== family) return false;
  const within = address.bytes.every((byte, i) => ((byte ^ (bytes[i] ?? 0)) & maskOf(bits, i)) === 0);
  if (!within || family === 6 || bits > 30) return within;
  const rest = address.bytes.map((byte, i) => byte & ~maskOf(bits, i) & 0xff);
  const ones = address.bytes.map((_, i) => ~maskOf(bits, i) & 0xff);
  return rest.some((byte) => byte !== 0) && rest.some((byte, i) => byte !== ones[i]);
}

/** The same address; a scope in `wanted` has to be the same too. */
export const isSameAddress = (wanted: Address, found: Address): boolean =>
  wanted.family === found.family &&
  wanted.text === found.text &&
  (wanted.scope === null || wanted.scope === found.scope);
