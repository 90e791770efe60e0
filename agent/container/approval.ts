/**
 * TPM2_PolicyAuthorize with everything around it: the authority's public key is loaded, its signature checked by the
 * TPM, and the session's policy replaced by "approved by the authority for this reference".
 */
import {
  authorizationHash,
  loadExternal,
  type PublicArea,
  policyAuthorize,
  type Session,
  type Signature,
  type Tpm,
  verifySignature,
} from '../../drivers/tpm2/index.ts';

export interface ApprovedPolicy {
  readonly digest: Uint8Array;
  readonly policyRef: Uint8Array;
  readonly signature: Signature;
}

/** @throws {ERR_TPM_RESPONSE} 0x2DB: not signed by this key; 0x1C4: the session's policy is not the approved one */
export async function authorizePolicy(
  tpm: Tpm,
  session: Session,
  authority: PublicArea,
  approved: ApprovedPolicy,
): Promise<void> {
  await using key = await loadExternal(tpm, authority);
  const hash = authorizationHash(approved.digest, approved.policyRef);
  const ticket = await verifySignature(tpm, key, hash, approved.signature);
  await policyAuthorize(tpm, session, approved.digest, approved.policyRef, key.name, ticket);
}
