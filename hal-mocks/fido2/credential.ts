/**
 * Credentials. An id is the credential itself, wrapped: a seed and its protection level under AES-256-GCM with the
 * relying party as associated data (WebAuthn §4, "credential ID", second form). The signing key and the two hmac-secret
 * values (CTAP 2.1 §12.5, CredRandomWithUV and CredRandomWithoutUV) are derived from the seed and the master secret.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { bytesEqual, concat, u8, utf8 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { keyPairFrom, type P256KeyPair } from './p256.ts';
import type { AuthenticatorState, ResidentCredential } from './state.ts';

/** §12.1 credProtect: optional, optional with credential id list, required. */
export type ProtectionLevel = 1 | 2 | 3;

export interface Credential {
  readonly id: Uint8Array;
  readonly rpId: string;
  readonly protection: ProtectionLevel;
  readonly keys: P256KeyPair;
  /** Null for credentials that live in their id alone. */
  readonly resident: ResidentCredential | null;
}

const NONCE = 12;
const TAG = 16;
const SEED = 32;
const RESIDENT_BIT = 0x80;
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
  options: { rpId: string; protection: ProtectionLevel; resident: boolean },
): Uint8Array {
  const nonce = entropy.bytes(NONCE);
  const head = u8(options.protection | (options.resident ? RESIDENT_BIT : 0));
  const cipher = createCipheriv('aes-256-gcm', wrapKey(state), nonce);
  cipher.setAAD(rpIdHashOf(options.rpId));
  const body = concat(cipher.update(concat(head, entropy.bytes(SEED))), cipher.final());
  return concat(nonce, body, cipher.getAuthTag());
}

interface Unwrapped {
  readonly protection: ProtectionLevel;
  readonly isResident: boolean;
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
  const protection = head & ~RESIDENT_BIT;
  if (protection !== 1 && protection !== 2 && protection !== 3) return null;
  return { protection, isResident: (head & RESIDENT_BIT) !== 0, seed: body.slice(1) };
}

/** The credential behind an id, or null: not of this authenticator, not of this relying party, or replaced since. */
export function findCredential(state: AuthenticatorState, id: Uint8Array, rpId: string): Credential | null {
  const unwrapped = unwrap(state, id, rpId);
  if (unwrapped === null) return null;
  const resident = state.residents.find((it) => it.rpId === rpId && bytesEqual(it.id, id)) ?? null;
  if (unwrapped.isResident && resident === null) return null;
  const keys = keyPairFrom(expand(unwrapped.seed, state.masterSecret, 'signing key', 48));
  unwrapped.seed.fill(0);
  return { id, rpId, protection: unwrapped.protection, keys, resident };
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
