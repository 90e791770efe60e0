/**
 * The PIN of a security key as CTAP wants it (CTAP 2.1 §6.5.1, §6.5.5.5): UTF-8 in Normalization Form C, at least 4
 * code points, at most 63 bytes.
 */
import { createHash } from 'node:crypto';
import { UnlockdError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { PIN_MAX_BYTES, PIN_MIN_CODE_POINTS, PIN_PADDED_LENGTH } from './wire/constants.ts';

const refuse = (reason: string): UnlockdError =>
  new UnlockdError('ERR_CTAP_PIN_POLICY', `the PIN of the security key ${reason}`, { detail: { reason } });

/** Normalization Form C; ASCII, the usual case, never becomes a string. @returns a new secret */
function normalize(pin: Secret): Secret {
  const bytes = pin.expose();
  if (bytes.every((byte) => byte < 0x80)) return pin.clone();
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('is not UTF-8');
  }
  return Secret.take(new TextEncoder().encode(text.normalize('NFC')));
}

/** Code points in well-formed UTF-8: bytes that do not continue another. */
const codePoints = (utf8: Uint8Array): number => utf8.reduce((n, byte) => ((byte & 0xc0) === 0x80 ? n : n + 1), 0);

/** The first half of SHA-256 of the PIN, what the key compares. @returns 16 bytes */
export function pinHash(pin: Secret): Secret {
  using normal = normalize(pin);
  const digest = createHash('sha256').update(normal.expose()).digest();
  const left = Secret.copyOf(digest.subarray(0, 16));
  digest.fill(0);
  return left;
}

/**
 * A new PIN, padded with zeros to 64 bytes.
 * @param minLength code points; the key's minPINLength
 * @throws {ERR_CTAP_PIN_POLICY}
 */
export function paddedPin(pin: Secret, minLength: number): Secret {
  using normal = normalize(pin);
  const bytes = normal.expose();
  const least = Math.max(minLength, PIN_MIN_CODE_POINTS);
  if (codePoints(bytes) < least) throw refuse(`has fewer than ${least} characters`);
  if (bytes.length > PIN_MAX_BYTES) throw refuse(`is longer than ${PIN_MAX_BYTES} bytes`);
  if (bytes.at(-1) === 0) throw refuse('ends with a zero byte');
  const padded = new Uint8Array(PIN_PADDED_LENGTH);
  padded.set(bytes);
  return Secret.take(padded);
}
