/**
 * The hmac-secret extension (CTAP 2.1 §12.5): asked for when a credential is made, and afterwards a keyed hash of one
 * or two salts. A key keeps two secrets per credential, one for assertions with user verification and one without, so
 * the answer belongs to the salt *and* to whether the user was verified.
 */
import { concat } from '../base/bytes.ts';
import type { Entropy } from '../base/entropy.ts';
import { UnlockdError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { AuthenticatorData } from './auth-data.ts';
import { asBytes, malformed, optionalMember } from './fields.ts';
import { authenticate, decrypt, encrypt, type SharedSecret } from './pin-uv-protocol.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import { HMAC_SECRET_INPUT } from './wire/constants.ts';

export const HMAC_SECRET = 'hmac-secret';
/** CTAP 2.2 §12.8: the first outputs together with the new credential. */
export const HMAC_SECRET_MC = 'hmac-secret-mc';
/** Salts and outputs. */
export const HMAC_SECRET_LENGTH = 32;

export const noHmacSecret = (reason: string): UnlockdError =>
  new UnlockdError('ERR_CTAP_NO_HMAC_SECRET', `the security key ${reason}`, { detail: { reason } });

/** @throws {ERR_CTAP_NO_HMAC_SECRET} where the key did not say that the credential has the secrets */
export function checkHmacSecretCreated(data: AuthenticatorData): void {
  if (data.extensions.get(HMAC_SECRET) !== true) throw noHmacSecret('made a credential without hmac-secret');
}

/**
 * The input for one or two salts.
 * @param salts each 32 bytes
 */
export function hmacSecretInput(shared: SharedSecret, salts: readonly Uint8Array[], entropy: Entropy): CborMap {
  if (salts.length < 1 || salts.length > 2 || salts.some((salt) => salt.length !== HMAC_SECRET_LENGTH)) {
    throw new TypeError('hmac-secret takes one or two salts of 32 bytes');
  }
  const saltEnc = encrypt(shared, concat(...salts), entropy);
  const input = new Map<number, CborValue>([
    [HMAC_SECRET_INPUT.keyAgreement, shared.keyAgreement],
    [HMAC_SECRET_INPUT.saltEnc, saltEnc],
    [HMAC_SECRET_INPUT.saltAuth, authenticate(shared.protocol, shared.secret, saltEnc)],
  ]);
  // Protocol 1 is what a key assumes when nothing is said, and keys of CTAP 2.0 know no such member.
  if (shared.protocol !== 1) input.set(HMAC_SECRET_INPUT.pinUvAuthProtocol, shared.protocol);
  return input;
}

/**
 * The outputs, one per salt, in order. The caller disposes them.
 * @param extension the one whose output it is
 * @throws {ERR_CTAP_NO_HMAC_SECRET | ERR_CTAP_MALFORMED_RESPONSE}
 */
export function hmacSecretOutputs(
  data: AuthenticatorData,
  shared: SharedSecret,
  salts: number,
  extension: typeof HMAC_SECRET | typeof HMAC_SECRET_MC = HMAC_SECRET,
): Secret[] {
  const encrypted = optionalMember(data.extensions, extension, asBytes, `the output of ${extension}`);
  if (encrypted === undefined) throw noHmacSecret(`gave no output of ${extension}`);
  using plain = decrypt(shared, encrypted);
  if (plain.length !== salts * HMAC_SECRET_LENGTH) throw malformed(`${plain.length} bytes of hmac-secret output`);
  return Array.from({ length: salts }, (_, i) =>
    Secret.copyOf(plain.expose().subarray(i * HMAC_SECRET_LENGTH, (i + 1) * HMAC_SECRET_LENGTH)),
  );
}
