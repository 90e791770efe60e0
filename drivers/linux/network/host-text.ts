/**
 * Text that came from a network by way of a daemon, a program or a file of this host, before anything is made of it:
 * addresses in the one spelling of RFC 5952, names of interfaces and of domains with nothing else in them.
 */
import { isIP, SocketAddress } from 'node:net';
import type { FieldSource, Sourced } from '../../hal/network.ts';

export type FamilyNumber = 4 | 6;

/** Entries of one list that are kept, and that are looked at. */
const KEPT = 64;
const LOOKED_AT = 1024;

/** Longest text of an address. */
const MAX_ADDRESS = 45;

/** @returns null for what is no address of this family, or one with a scope of its own */
export function addressText(text: unknown, family: FamilyNumber): string | null {
  if (typeof text !== 'string' || text.length > MAX_ADDRESS || text.includes('%') || isIP(text) !== family) return null;
  return new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' }).address;
}

/** @param bytes in network order. @returns null for what are not 4 or 16 bytes */
export function addressOfBytes(bytes: readonly number[] | Uint8Array, family: FamilyNumber): string | null {
  if (bytes.length !== (family === 4 ? 4 : 16)) return null;
  const each = [...bytes];
  if (!each.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return null;
  if (family === 4) return each.join('.');
  const hex = each.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return addressText(hex.replace(/(.{4})(?=.)/g, '$1:'), 6);
}

/** An address that says nothing of another host. */
export const isUnspecified = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** With the interface as its scope, where it means nothing without (RFC 4007 §11). */
export const scoped = (address: string, name: string): string =>
  /^fe[89ab][0-9a-f]:/.test(address) ? `${address}%${name}` : address;

/** A name that the kernel would give (dev_valid_name); also safe as a part of a path. */
export function isInterfaceName(name: unknown): name is string {
  return typeof name === 'string' && /^[!-.0-~]{1,15}$/.test(name) && name !== '.' && name !== '..';
}

const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const DOMAIN = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`);

/** @returns without the dot of the root; null for what is no name of a domain (also `~name`, which only routes) */
export function domainText(text: unknown): string | null {
  if (typeof text !== 'string' || text.length > 254 || !DOMAIN.test(text)) return null;
  return text.replace(/\.$/, '');
}

/** What is left of a list when everything that is none of it is taken away; each once, at most 64. */
export function kept<T>(list: readonly T[], textOf: (entry: T) => string | null): readonly string[] {
  const out = new Set<string>();
  for (const entry of list.slice(0, LOOKED_AT)) {
    if (out.size >= KEPT) break;
    const text = textOf(entry);
    if (text !== null) out.add(text);
  }
  return [...out];
}

export const sourced = <T>(value: T, source: FieldSource): Sourced<T> => ({ value, source });
