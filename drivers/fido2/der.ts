/**
 * A reader of DER (X.690 §8, §10.1) that takes what an X.509 certificate needs and no more: definite lengths in the fewest
 * bytes, tags of one byte. It builds nothing but views, so a hostile certificate costs no more than its own length.
 */
import { malformed } from './fields.ts';

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** More elements than any certificate has in one place. */
const MAX_ELEMENTS = 256;

/** The elements that stand one behind the other. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export function derElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (elements.length >= MAX_ELEMENTS) throw malformed('a certificate of too many elements');
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1];
    if (first === undefined || (tag & 0x1f) === 0x1f) throw malformed('a certificate that is not DER');
    let length = first;
    let start = at + 2;
    if (first >= 0x80) {
      const size = first & 0x7f;
      if (size < 1 || size > 3) throw malformed('a certificate that is not DER');
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + (bytes[start + i] ?? 0);
      if (length < (size === 1 ? 0x80 : 2 ** (8 * (size - 1)))) throw malformed('a certificate that is not DER');
      start += size;
    }
    if (start + length > bytes.length) throw malformed('a certificate that ends too early');
    elements.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return elements;
}

/** What is inside the first element, which has to have `tag`. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export function derInside(element: DerElement | undefined, tag: number): readonly DerElement[] {
  if (element?.tag !== tag) throw malformed('a certificate of another shape');
  return derElements(element.content);
}
