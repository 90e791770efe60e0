/**
 * Encryption at rest and derivation of keys: AES-256-GCM with the context as additional data, HKDF-SHA-256 with a label
 * for each use. One place, so that no label is used for two things.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { concat, utf8 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { UNLOCK_CONTEXT } from './references.ts';

const NONCE = 12;
const TAG = 16;

/** Every label under which a key is derived. */
export type KeyLabel =
  | 'records v1'
  | 'purpose v1'
  | 'pin history v1'
  | 'recovery v1'
  | 'owner recovery v1'
  | 'key wrap v1'
  | 'key authValue v1'
  | 'recovery agreement v1'
  | 'recovery key v1'
  | 'context recovery v1';

/**
 * 32 bytes: HKDF-SHA-256(secret, salt, "unlockd " ‖ label ‖ 0 ‖ context).
 * @returns a secret that the caller disposes
 */
export function deriveKey(
  secret: Secret,
  label: KeyLabel,
  salt: Uint8Array,
  context: Uint8Array = new Uint8Array(0),
): Secret {
  const info = concat(utf8(`unlockd ${label}\0`), context);
  return Secret.take(new Uint8Array(hkdfSync('sha256', secret.expose(), salt, info, 32)));
}

/**
 * The key that programs get: of the key of a context, under a purpose. No purpose has a zero in it, so no two of them
 * are the same.
 */
export const derivePurposeKey = (key: Secret, containerId: Uint8Array, purpose: string, context: string): Secret =>
  deriveKey(key, 'purpose v1', containerId, utf8(context === UNLOCK_CONTEXT ? purpose : `${context}\0${purpose}`));

/** nonce ‖ ciphertext ‖ tag. `context` is authenticated: the box opens only where it was made for. */
export function sealBox(
  key: Secret,
  content: Uint8Array,
  context: Uint8Array,
  entropy: Entropy,
): Uint8Array<ArrayBuffer> {
  const nonce = entropy.bytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key.expose(), nonce);
  cipher.setAAD(context);
  return concat(nonce, cipher.update(content), cipher.final(), cipher.getAuthTag());
}

/** @returns null when the key or the context is another one, or the box was changed */
export function openBox(key: Secret, box: Uint8Array, context: Uint8Array): Secret | null {
  if (box.length < NONCE + TAG) return null;
  const decipher = createDecipheriv('aes-256-gcm', key.expose(), box.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(context);
  decipher.setAuthTag(box.subarray(box.length - TAG));
  const clear = decipher.update(box.subarray(NONCE, box.length - TAG));
  try {
    decipher.final();
    return Secret.take(clear);
  } catch {
    clear.fill(0);
    return null;
  }
}
