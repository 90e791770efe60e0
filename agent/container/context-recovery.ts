/**
 * The keys of contexts on the recovery sheet. A context may be made long after the sheet was put away, so each key is
 * wrapped to an X25519 key (RFC 7748) whose private half follows from the sheet: its public half stands in the state
 * file and encrypts, and only the sheet opens. It stands there under the container key: whoever could put another one in
 * its place would be given the keys of all contexts that are made from then on.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { concat, utf8 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { deriveKey, openBox, sealBox } from './secret-box.ts';
import { corrupt } from './shape.ts';

const AGREEMENT_KEY_BYTES = 32;
/** DER in front of the 32 bytes (RFC 8410 section 7 and 4). */
const PKCS8 = Uint8Array.from(Buffer.from('302e020100300506032b656e04220420', 'hex'));
const SPKI = Uint8Array.from(Buffer.from('302a300506032b656e032100', 'hex'));

function privateKeyOf(raw: Secret): KeyObject {
  const der = concat(PKCS8, raw.expose());
  try {
    return createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

const publicKeyOf = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(concat(SPKI, raw)), format: 'der', type: 'spki' });

function rawPublicOf(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(SPKI.length));
}

const additionalData = (containerId: Uint8Array, context: string): Uint8Array => concat(containerId, utf8(context));

function sheetKey(sheet: Secret, containerId: Uint8Array): KeyObject {
  using raw = deriveKey(sheet, 'recovery agreement v1', containerId);
  return privateKeyOf(raw);
}

function boxKey(own: KeyObject, other: KeyObject, ephemeral: Uint8Array, recipient: Uint8Array): Secret {
  using shared = Secret.take(new Uint8Array(diffieHellman({ privateKey: own, publicKey: other })));
  return deriveKey(shared, 'context recovery v1', concat(ephemeral, recipient));
}

/** What keys are wrapped to. */
export const recoveryPublicKey = (sheet: Secret, containerId: Uint8Array): Uint8Array =>
  rawPublicOf(sheetKey(sheet, containerId));

/** For the state file, when the sheet is made. */
export function sealRecoveryKey(
  containerKey: Secret,
  containerId: Uint8Array,
  publicKey: Uint8Array,
  entropy: Entropy,
): Uint8Array {
  using key = deriveKey(containerKey, 'recovery key v1', containerId);
  return sealBox(key, publicKey, containerId, entropy);
}

/** @throws {ERR_STATE_CORRUPT} it is not what was put there when the sheet was made */
export function openRecoveryKey(containerKey: Secret, containerId: Uint8Array, sealed: Uint8Array): Uint8Array {
  using key = deriveKey(containerKey, 'recovery key v1', containerId);
  using clear = openBox(key, sealed, containerId);
  if (clear === null || clear.length !== AGREEMENT_KEY_BYTES)
    throw corrupt('container.recovery.publicKey', 'it does not open under the container key');
  return new Uint8Array(clear.expose());
}

/** ephemeral public key ‖ box. */
export function wrapContextKey(
  publicKey: Uint8Array,
  containerId: Uint8Array,
  context: string,
  key: Secret,
  entropy: Entropy,
): Uint8Array {
  using random = Secret.take(entropy.bytes(AGREEMENT_KEY_BYTES));
  const own = privateKeyOf(random);
  const ephemeral = rawPublicOf(own);
  using wrapping = boxKey(own, publicKeyOf(publicKey), ephemeral, publicKey);
  return concat(ephemeral, sealBox(wrapping, key.expose(), additionalData(containerId, context), entropy));
}

/** @returns null: another sheet, container or context, or the wrap was changed */
export function openContextKey(
  sheet: Secret,
  containerId: Uint8Array,
  context: string,
  wrap: Uint8Array,
): Secret | null {
  if (wrap.length <= AGREEMENT_KEY_BYTES) return null;
  const ephemeral = wrap.subarray(0, AGREEMENT_KEY_BYTES);
  const own = sheetKey(sheet, containerId);
  try {
    using wrapping = boxKey(own, publicKeyOf(ephemeral), ephemeral, rawPublicOf(own));
    return openBox(wrapping, wrap.subarray(AGREEMENT_KEY_BYTES), additionalData(containerId, context));
  } catch {
    // OpenSSL refuses points of low order: nothing of ours was wrapped to one.
    return null;
  }
}
