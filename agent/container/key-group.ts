/**
 * The security keys of a container: one TPM object, whose authValue comes from a random group secret; the group secret
 * is wrapped for each key with a wrap key derived from the key's hmac-secret output. A key that is added or removed means
 * a new group secret and a new object: deleting a wrap revokes nothing.
 */
import { concat, u32 } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { sha256 } from '../../drivers/tpm2/index.ts';
import { deriveKey, openBox, sealBox } from './secret-box.ts';

export interface WrapContext {
  readonly containerId: Uint8Array;
  readonly credentialId: Uint8Array;
  readonly generation: number;
}

const additionalData = ({ containerId, credentialId, generation }: WrapContext): Uint8Array =>
  concat(containerId, u32(generation), sha256(credentialId));

/** The key that wraps for one security key: HKDF of its hmac-secret output, salted with its credential id. */
export const wrapKeyOf = (hmacSecret: Secret, credentialId: Uint8Array): Secret =>
  deriveKey(hmacSecret, 'key wrap v1', sha256(credentialId));

export const newGroupSecret = (entropy: Entropy): Secret => Secret.take(entropy.bytes(32));

/** The authValue of the TPM object of all security keys of a container. */
export const groupAuthValue = (groupSecret: Secret, containerId: Uint8Array): Secret =>
  deriveKey(groupSecret, 'key authValue v1', containerId);

export const wrapGroupSecret = (
  wrapKey: Secret,
  groupSecret: Secret,
  context: WrapContext,
  entropy: Entropy,
): Uint8Array => sealBox(wrapKey, groupSecret.expose(), additionalData(context), entropy);

/** @returns null when the wrap is of another key, container or generation */
export const unwrapGroupSecret = (wrapKey: Secret, wrap: Uint8Array, context: WrapContext): Secret | null =>
  openBox(wrapKey, wrap, additionalData(context));
