/**
 * Addresses of the second evaluator: text read by hand into one big number (RFC 4291 §2.2 for IPv6), so that a prefix
 * is a range of numbers. Shares nothing with the product's reading.
 */
export interface PlainAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
  readonly scope: string | null;
}

function ipv4Value(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (part === '' || part.length > 3 || (part.length > 1 && part.startsWith('0'))) return null;
    if ([...part].some((digit) => digit < '0' || digit > '9')) return null;
    const number = Number(part);
    if (number > 255) return null;
    value = value * 256n + BigInt(number);
  }
  return value;
}

/** Sixteen-bit groups of one side of `::`; null: it is none. */
function groupsOf(text: string): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const tail = i === parts.length - 1 ? ipv4Value(part) : null;
      if (tail === null) return null;
      groups.push(Number(tail / 65_536n), Number(tail % 65_536n));
      continue;
    }
    if (part.length < 1 || part.length > 4) return null;
    if ([...part.toLowerCase()].some((digit) => !'0123456789abcdef'.includes(digit))) return null;
    groups.push(Number.parseInt(part, 16));
  }
  return groups;
}

function ipv6Value(text: string): bigint | null {
  const sides = text.split('::');
  if (sides.length > 2) return null;
  const [head, tail] = [groupsOf(sides[0] ?? ''), groupsOf(sides[1] ?? '')];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 1 ? missing !== 0 || text === '' : missing < 1) return null;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((value, group) => value * 65_536n + BigInt(group), 0n);
}

/** Null: it is no address. */
export function plainAddress(text: string): PlainAddress | null {
  if (text.length > 80) return null;
  if (!text.includes(':')) {
    const value = ipv4Value(text);
    return value === null ? null : { bits: 32, value, scope: null };
  }
  const percent = text.indexOf('%');
  const scope = percent < 0 ? null : text.slice(percent + 1);
  if (scope !== null && (scope === '' || scope.includes('%'))) return null;
  const value = ipv6Value(percent < 0 ? text : text.slice(0, percent));
  return value === null ? null : { bits: 128, value, scope };
}

/**
 * Whether an address is a host of a network: in its range; of an IPv4 network with at least four addresses neither the
 * first nor the last one.
 */
export function isInNetwork(text: string, prefix: string): boolean {
  const [network, length] = prefix.split('/');
  const [address, base] = [plainAddress(text), plainAddress(network ?? '')];
  if (address === null || base === null || address.bits !== base.bits) return false;
  const size = 2n ** BigInt(base.bits - Number(length));
  const first = (base.value / size) * size;
  const last = first + size - 1n;
  if (address.value < first || address.value > last) return false;
  return base.bits === 128 || size < 4n || (address.value !== first && address.value !== last);
}

/** The same number in the same family; and the same scope, where the rule names one. */
export function isThatAddress(found: string, wanted: string): boolean {
  const [a, b] = [plainAddress(found), plainAddress(wanted)];
  return (
    a !== null && b !== null && a.bits === b.bits && a.value === b.value && (b.scope === null || a.scope === b.scope)
  );
}
