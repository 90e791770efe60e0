/** Making the TPM objects of a container. Secrets cross encrypted under the salted session. */
import type { Entropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import {
  create,
  decodePublicArea,
  factorTemplate,
  nameOf,
  type ObjectBlob,
  SIGNING_KEY,
  sealedTemplate,
  sessionAuth,
} from '../../drivers/tpm2/index.ts';
import type { RootSession } from './root.ts';

/** Parent authorization by the salted session, with the sensitive part encrypted. */
const encrypted = (root: RootSession) => sessionAuth(root.session, undefined, { decrypt: true });

export const nameOfBlob = (blob: ObjectBlob): Uint8Array => nameOf(decodePublicArea(blob.publicArea));

/** A factor object: its data are random bytes that nobody needs, its authValue is the factor. */
export async function createFactor(
  root: RootSession,
  factor: FactorKind,
  authValue: Secret,
  entropy: Entropy,
): Promise<ObjectBlob> {
  using data = Secret.take(entropy.bytes(32));
  const template = factorTemplate(factor === 'pin');
  return await create(root.tpm, root.srk, template, { auth: encrypted(root), sensitive: { authValue, data } });
}

/** Seals `data` under a policy; nothing else opens it. */
export const createSealed = (root: RootSession, authPolicy: Uint8Array, data: Secret): Promise<ObjectBlob> =>
  create(root.tpm, root.srk, sealedTemplate(authPolicy), { auth: encrypted(root), sensitive: { data } });

/** A P-256 signing key that is made in this TPM and never leaves it. */
export const createSigningKey = (root: RootSession, authValue: Secret): Promise<ObjectBlob> =>
  create(root.tpm, root.srk, SIGNING_KEY, { auth: encrypted(root), sensitive: { authValue } });
