/**
 * SOCKET_ADDRESS and what it points to (ws2def.h, ws2ipdef.h): SOCKADDR_IN and SOCKADDR_IN6, as text. IPv6 text is that
 * of RFC 5952; a scope stands behind it as Windows writes it, a number (`fe80::1%12`).
 */
import type { MemoryImage } from '../memory-image.ts';

const AF_INET = 2;
const AF_INET6 = 23;
const IN_BYTES = 16;
const IN6_BYTES = 28;
const ADDRESS_AT = { ipv4: 4, ipv6: 8 } as const;
const SCOPE_AT = 24;

export interface HostAddress {
  readonly family: 'ipv4' | 'ipv6';
  readonly text: string;
}

/** The eight groups with the longest run of zeros, of two at least, left out; the first of several as long. */
export function ipv6Text(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_, n) => view.getUint16(2 * n));
  let [from, length] = [0, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (groups[end] === 0) end++;
    if (end - at > length) [from, length] = [at, end - at];
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}

const isLinkLocal = (bytes: Uint8Array): boolean => bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;

/**
 * @param at of the SOCKET_ADDRESS: a pointer, then the length as a DWORD
 * @returns null: there is none, or it is of another family
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function socketAddress(image: MemoryImage, at: number): HostAddress | null {
  const to = image.pointer(at);
  const length = image.u32(at + 8);
  if (to === null || length < 2) return null;
  const family = image.u16(to);
  if (family === AF_INET && length >= IN_BYTES) {
    return { family: 'ipv4', text: [...image.bytes(to + ADDRESS_AT.ipv4, 4)].join('.') };
  }
  if (family !== AF_INET6 || length < IN6_BYTES) return null;
  const bytes = image.bytes(to + ADDRESS_AT.ipv6, 16);
  const scope = image.u32(to + SCOPE_AT);
  const scoped = isLinkLocal(bytes) && scope !== 0 ? `%${scope}` : '';
  return { family: 'ipv6', text: `${ipv6Text(bytes)}${scoped}` };
}
