/**
 * CBOR as CTAP2 wants it (CTAP 2.1 §8, "message encoding"): the canonical form out, and in only what is well-formed,
 * definite, minimal and without duplicates. Everything is checked by a walk over the bytes before the codec builds a
 * value, so a hostile message costs no more than its own length.
 */
import { decode, encode } from 'cborg';
import { UnlockdError } from '../../base/errors.ts';
import { scanCbor } from './cbor-scan.ts';

/** What CTAP2 messages consist of. Integers only, within ±(2^53 - 1); maps are `Map`s, never objects. */
export type CborValue = null | boolean | number | string | Uint8Array | readonly CborValue[] | CborMap;
export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;

/** CTAP 2.1 §8: at most four levels of nesting. */
export const CTAP_MAX_DEPTH = 4;

export interface CborLimits {
  /** How many arrays and maps may stand inside each other; {@link CTAP_MAX_DEPTH} unless told. */
  readonly maxDepth?: number;
}

/** With the u flag a surrogate pair is one character, so this finds only halves. */
const LONE_SURROGATE = /\p{Surrogate}/u;

const refuse = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CTAP_INVALID_CBOR', `not CTAP2 canonical CBOR: ${reason}`, { detail: { reason }, cause });

function checkEncodable(value: unknown, depthLeft: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    if (LONE_SURROGATE.test(value)) throw refuse('text with a lone surrogate');
    return;
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw refuse('a number that is not a safe integer');
    return;
  }
  if (value instanceof Uint8Array) return;
  if (depthLeft === 0) throw refuse('nested too deep');
  if (Array.isArray(value)) {
    for (const item of value) checkEncodable(item, depthLeft - 1);
    return;
  }
  if (value instanceof Map) {
    for (const [key, item] of value) {
      if (typeof key !== 'number' && typeof key !== 'string')
        throw refuse('a map key that is neither integer nor text');
      checkEncodable(key, depthLeft);
      checkEncodable(item, depthLeft - 1);
    }
    return;
  }
  throw refuse(`a value of type ${typeof value}`);
}

/**
 * Encodes in the CTAP2 canonical form: shortest heads, definite lengths, map keys in bytewise order of their encoding.
 * @returns a buffer of its own, so that it can be zeroed after it was sent
 * @throws {ERR_CTAP_INVALID_CBOR} for floats, `undefined`, dates, unsafe integers, objects that are not `Map`s
 */
export function encodeCanonical(value: CborValue, limits: CborLimits = {}): Uint8Array<ArrayBuffer> {
  checkEncodable(value, limits.maxDepth ?? CTAP_MAX_DEPTH);
  return new Uint8Array(encode(value));
}

function decodeScanned(bytes: Uint8Array): CborValue {
  try {
    return decode(bytes, {
      useMaps: true,
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : 'the codec refused it', error);
  }
}

/**
 * Decodes a message that has to be canonical in every respect, the order of map keys included.
 * Byte strings in the result are copies.
 * @throws {ERR_CTAP_INVALID_CBOR} and nothing else
 */
export function decodeStrict(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  const { ordered } = scanCbor(bytes, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse);
  if (!ordered) throw refuse('map keys out of order');
  return decodeScanned(bytes);
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
  const { ordered } = scanCbor(bytes, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse);
  return { value: decodeScanned(bytes), canonical: ordered };
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
  const { ordered, length } = scanCbor(bytes, limits.maxDepth ?? CTAP_MAX_DEPTH, refuse, { prefix: true });
  return { value: decodeScanned(bytes.subarray(0, length)), length, canonical: ordered };
}
