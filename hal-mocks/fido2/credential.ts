/**
 * Credentials. An id is the credential itself, wrapped: a seed and its protection level under AES-256-GCM with the
 * relying party as associated data (WebAuthn §4, "credential ID", second form). The signing key and the two hmac-secret
 * values (CTAP 2.1 §12.5, CredRandomWithUV and CredRandomWithoutUV) are derived from the seed and the master secret.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { bytesEqual, concat, u8, utf8 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { COSE_ALG } from '../../drivers/fido2/wire/constants.ts';
import { KEY_RANDOM, type SigningAlgorithm, type SigningKey, signingKeyFrom } from './signing-key.ts';
import type { AuthenticatorState, ResidentCredential } from './state.ts';

/** §12.1 credProtect: optional, optional with credential id list, required. */
export type ProtectionLevel = 1 | 2 | 3;

export interface Credential {
  readonly id: Uint8Array;
  readonly rpId: string;
  readonly protection: ProtectionLevel;
  readonly key: SigningKey;
  /** §12.3; null: none was asked for. */
  readonly largeBlobKey: Uint8Array | null;
  /** Null for credentials that live in their id alone. */
  readonly resident: ResidentCredential | null;
}

const NONCE = 12;
const TAG = 16;
const SEED = 32;
const RESIDENT_BIT = 0x80;
const EDDSA_BIT = 0x40;
const LARGE_BLOB_BIT = 0x20;
const PROTECTION_BITS = 0x03;
export const CREDENTIAL_ID_LENGTH = NONCE + 1 + SEED + TAG;

const expand = (secret: Uint8Array, salt: Uint8Array, info: string, length: number): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, salt, utf8(`unlockd virtual authenticator ${info}`), length));

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

export const rpIdHashOf = (rpId: string): Uint8Array => sha256(utf8(rpId));

const wrapKey = (state: AuthenticatorState) => expand(state.masterSecret, new Uint8Array(0), 'credential id', 32);

/** A new id with a fresh seed, valid for this relying party until the next reset. */
export function newCredentialId(
  state: AuthenticatorState,
  entropy: Entropy,
  options: {
    readonly rpId: string;
    readonly protection: ProtectionLevel;
    readonly resident: boolean;
    readonly alg: SigningAlgorithm;
    readonly largeBlob: boolean;
  },
): Uint8Array {
  const nonce = entropy.bytes(NONCE);
  const bit = (on: boolean, mask: number): number => (on ? mask : 0);
  const head = u8(
    options.protection |
      bit(options.resident, RESIDENT_BIT) |
      bit(options.alg === COSE_ALG.EdDSA, EDDSA_BIT) |
      bit(options.largeBlob, LARGE_BLOB_BIT),
  );
  const cipher = createCipheriv('aes-256-gcm', wrapKey(state), nonce);
  cipher.setAAD(rpIdHashOf(options.rpId));
  const body = concat(cipher.update(concat(head, entropy.bytes(SEED))), cipher.final());
  return concat(nonce, body, cipher.getAuthTag());
}

interface Unwrapped {
  readonly protection: ProtectionLevel;
  readonly isResident: boolean;
  readonly alg: SigningAlgorithm;
  readonly hasLargeBlob: boolean;
  readonly seed: Uint8Array;
}

function unwrap(state: AuthenticatorState, id: Uint8Array, rpId: string): Unwrapped | null {
  if (id.length !== CREDENTIAL_ID_LENGTH) return null;
  const decipher = createDecipheriv('aes-256-gcm', wrapKey(state), id.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(rpIdHashOf(rpId));
  decipher.setAuthTag(id.subarray(id.length - TAG));
  let body: Uint8Array;
  try {
    body = concat(decipher.update(id.subarray(NONCE, id.length - TAG)), decipher.final());
  } catch {
    return null;
  }
  const head = body[0] ?? 0;
  const protection = head & PROTECTION_BITS;
  if (protection !== 1 && protection !== 2 && protection !== 3) return null;
  return {
    protection,
    isResident: (head & RESIDENT_BIT) !== 0,
    alg: (head & EDDSA_BIT) === 0 ? COSE_ALG.ES256 : COSE_ALG.EdDSA,
    hasLargeBlob: (head & LARGE_BLOB_BIT) !== 0,
    seed: body.slice(1),
  };
}

/** The credential behind an id, or null: not of this authenticator, not of this relying party, or replaced since. */
export function findCredential(state: AuthenticatorState, id: Uint8Array, rpId: string): Credential | null {
  const unwrapped = unwrap(state, id, rpId);
  if (unwrapped === null) return null;
  const resident = state.residents.find((it) => it.rpId === rpId && bytesEqual(it.id, id)) ?? null;
  if (unwrapped.isResident && resident === null) return null;
  const { protection, alg, seed, hasLargeBlob } = unwrapped;
  const key = signingKeyFrom(alg, expand(seed, state.masterSecret, 'signing key', KEY_RANDOM));
  const largeBlobKey = hasLargeBlob ? expand(seed, state.masterSecret, 'largeBlobKey', 32) : null;
  seed.fill(0);
  return { id, rpId, protection, key, largeBlobKey, resident };
}

/** CredRandomWithUV or CredRandomWithoutUV, 32 bytes. The caller zeroes it. */
export const credRandom = (state: AuthenticatorState, credential: Credential, uv: boolean): Uint8Array => {
  const unwrapped = unwrap(state, credential.id, credential.rpId);
  if (unwrapped === null) throw new TypeError('a credential of another authenticator');
  const random = expand(unwrapped.seed, state.masterSecret, uv ? 'CredRandomWithUV' : 'CredRandomWithoutUV', 32);
  unwrapped.seed.fill(0);
  return random;
};

/** Every resident credential of a relying party, newest first. */
export const residentsOf = (state: AuthenticatorState, rpId: string): Credential[] =>
  state.residents
    .filter((it) => it.rpId === rpId)
    .sort((a, b) => b.serial - a.serial)
    .flatMap((it) => findCredential(state, it.id, rpId) ?? []);
