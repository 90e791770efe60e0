/**
 * CBOR as CTAP2 wants it (CTAP 2.1 §8, "message encoding"): the canonical form out, and in only what is well-formed,
 * definite, minimal and without duplicates. A hostile message costs no more than its own length.
 */
import { UnlockdError } from '../../base/errors.ts';
import { readCbor } from './cbor-read.ts';
import type { CborValue } from './cbor-value.ts';
import { writeCbor } from './cbor-write.ts';

export type { CborKey, CborMap, CborValue } from './cbor-value.ts';

/** CTAP 2.1 §8: at most four levels of nesting. */
export const CTAP_MAX_DEPTH = 4;

export interface CborLimits {
  /** How many arrays and maps may stand inside each other; {@link CTAP_MAX_DEPTH} unless told. */
  readonly maxDepth?: number;
}

const refuse = (reason: string): UnlockdError =>
  new UnlockdError('ERR_CTAP_INVALID_CBOR', `not CTAP2 canonical CBOR: ${reason}`, { detail: { reason } });

/**
 * Encodes in the CTAP2 canonical form: shortest heads, definite lengths, map keys in bytewise order of their encoding.
 * @returns a buffer of its own, so that it can be zeroed after it was sent
 * @throws {ERR_CTAP_INVALID_CBOR} for floats, `undefined`, dates, unsafe integers, objects that are not `Map`s
 */
export function encodeCanonical(value: CborValue, limits: CborLimits = {}): Uint8Array<ArrayBuffer> {
  return writeCbor(value, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse);
}

/**
 * Decodes a message that has to be canonical in every respect, the order of map keys included.
 * Byte strings in the result are copies.
 * @throws {ERR_CTAP_INVALID_CBOR} and nothing else
 */
export function decodeStrict(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  const { value, ordered } = readCbor(bytes, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse);
  if (!ordered) throw refuse('map keys out of order');
  return value;
}

/**
 * Decodes a message of an authenticator. Real ones send map keys out of order, which is tolerated and told in
 * `canonical`; nothing else is tolerated.
 * @throws {ERR_CTAP_INVALID_CBOR} and nothing else
 */
export function decodeLenient(
  bytes: Uint8Array,
  limits: CborLimits = {},
): { readonly value: CborValue; readonly canonical: boolean } {
  const { value, ordered } = readCbor(bytes, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse);
  return { value, canonical: ordered };
}

/**
 * Decodes the one CBOR item at the start of `bytes` (authenticator data carries a COSE key and then more bytes).
 * Tolerates the order of map keys like {@link decodeLenient}.
 * @returns the value, and how many bytes it took
 * @throws {ERR_CTAP_INVALID_CBOR} and nothing else
 */
export function decodePrefix(
  bytes: Uint8Array,
  limits: CborLimits = {},
): { readonly value: CborValue; readonly length: number; readonly canonical: boolean } {
  const { value, ordered, length } = readCbor(bytes, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse, { prefix: true });
  return { value, length, canonical: ordered };
}
