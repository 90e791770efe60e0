/**
 * The few marshalling rules that all of TPM 2.0 is made of (Part 2 §10): big-endian integers, and TPM2B, a 16-bit
 * length before the bytes.
 */
import { ByteReader, concat, u16 } from '../../base/bytes.ts';
import { UnlockdError } from '../../base/errors.ts';

/** The typed error of everything that is read here. */
export const malformed = (reason: string): UnlockdError =>
  new UnlockdError('ERR_TPM_MALFORMED_RESPONSE', `not a TPM 2.0 structure: ${reason}`);

export const reader = (bytes: Uint8Array): ByteReader => new ByteReader(bytes, malformed);

/** @throws {RangeError} longer than 65535 bytes: a mistake of the caller, never of a device */
export function tpm2b(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length > 0xffff) throw new RangeError('TPM2B longer than 65535 bytes');
  return concat(u16(bytes.length), bytes);
}

/** Reads a TPM2B of at most `max` bytes and returns its content. */
export function readTpm2b(from: ByteReader, what: string, max = 4096): Uint8Array<ArrayBuffer> {
  const size = from.u16(`${what}.size`);
  if (size > max) throw malformed(`${what}: ${size} bytes, at most ${max} expected`);
  return from.bytes(size, what);
}

/**
 * An authValue without its trailing zero bytes (Part 1 §19.6.4.3): what the TPM stores, and so what HMAC keys have to
 * be made of. Returns a view, not a copy.
 */
export function trimAuthValue(value: Uint8Array): Uint8Array {
  let end = value.length;
  while (end > 0 && value[end - 1] === 0) end--;
  return value.subarray(0, end);
}
