/** The hosts of a prefix as a range of numbers, and an address of it that lies in as few other prefixes as can be. */
import ipaddr from 'ipaddr.js';
import { readPrefix } from '../match/address.ts';

export interface HostRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** IPv4 networks of at most 30 bits have a network and a broadcast address, which are no hosts. @returns null: no prefix */
export function hostRange(text: string): HostRange | null {
  const prefix = readPrefix(text);
  if (prefix === null) return null;
  const length = prefix.family === 4 ? 32 : 128;
  const value = prefix.bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const size = 1n << BigInt(length - prefix.bits);
  const network = value - (value % size);
  const edge = prefix.family === 4 && prefix.bits <= 30 ? 1n : 0n;
  return { family: prefix.family, first: network + edge, last: network + size - 1n - edge };
}

export function addressText(family: 4 | 6, value: bigint): string {
  const bytes = Array.from({ length: family === 4 ? 4 : 16 }, () => 0);
  for (let i = bytes.length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return ipaddr.fromByteArray(bytes).toString();
}

/**
 * Addresses of `range`, at least one of every smallest set of `others` that an address of it can lie in: which others it
 * lies in changes only where one of them begins or has just ended.
 */
export function addressesOf(range: HostRange, others: readonly HostRange[]): readonly string[] {
  const points = new Set<bigint>([range.first]);
  for (const { family, first, last } of others) {
    if (family !== range.family) continue;
    for (const point of [first, last + 1n]) if (point >= range.first && point <= range.last) points.add(point);
  }
  const within = (point: bigint): readonly number[] =>
    others.flatMap(({ family, first, last }, i) =>
      family === range.family && first <= point && point <= last ? [i] : [],
    );
  const least: { point: bigint; lies: readonly number[] }[] = [];
  const candidates = [...points].map((point) => ({ point, lies: within(point) }));
  for (const candidate of candidates.toSorted((a, b) => a.lies.length - b.lies.length)) {
    if (!least.some(({ lies }) => lies.every((each) => candidate.lies.includes(each)))) least.push(candidate);
  }
  return least.map(({ point }) => addressText(range.family, point));
}
