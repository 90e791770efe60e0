/** Advertisement reports as the seam has them, and private addresses made as a phone makes them. */
import { createCipheriv } from 'node:crypto';

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const text = (bytes: Iterable<number>): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** @param random the three bytes of the random part, as they are: the two most significant bits are the caller's */
export function privateAddress(identityKey: Uint8Array, random: readonly [number, number, number]): string {
  const cipher = createCipheriv('aes-128-ecb', identityKey, null).setAutoPadding(false);
  const block = cipher.update(Uint8Array.from([...new Uint8Array(13), ...random]));
  return text([...random, ...block.subarray(13)]);
}

/** Reports of addresses, with their strengths in dBm (127: not known); random unless it says otherwise. */
export function reports(...heard: readonly (readonly [string, number, ('public' | 'random')?])[]): Uint8Array {
  const bytes = new Uint8Array(8 * heard.length);
  for (const [n, [address, strength, type = 'random']] of heard.entries()) {
    bytes.set(hex(address.replaceAll(':', '')), 8 * n);
    bytes.set([type === 'random' ? 1 : 0, strength & 255], 8 * n + 6);
  }
  return bytes;
}
