/**
 * TPM2_PolicyAuthorize with everything around it: the authority's public key is loaded, its signature checked by the
 * TPM, and the session's policy replaced by "approved by the authority for this reference".
 */
import {
  authorizationHash,
  isTpmResponse,
  loadExternal,
  nameOf,
  type PublicArea,
  policyAuthorize,
  type Session,
  type Signature,
  type Ticket,
  type Tpm,
  verifySignature,
} from '../../drivers/tpm2/index.ts';

export interface ApprovedPolicy {
  readonly digest: Uint8Array;
  readonly policyRef: Uint8Array;
  readonly signature: Signature;
}

/**
 * Has the TPM check the authority's signature ahead of the pass that needs it. The ticket is the TPM's own word under its
 * own key, and says nothing that the signature does not.
 * @throws {ERR_TPM_RESPONSE} 0x2DB: not signed by this key
 */
export async function verifyApproval(tpm: Tpm, authority: PublicArea, approved: ApprovedPolicy): Promise<Ticket> {
  await using key = await loadExternal(tpm, authority);
  return await verifySignature(tpm, key, authorizationHash(approved.digest, approved.policyRef), approved.signature);
}

/**
 * @param ticket of {@link verifyApproval}, where there is one; one that the TPM refuses is asked for again
 * @throws {ERR_TPM_RESPONSE} 0x2DB: not signed by this key; 0x1C4: the session's policy is not the approved one
 */
export async function authorizePolicy(
  tpm: Tpm,
  session: Session,
  authority: PublicArea,
  approved: ApprovedPolicy,
  ticket: Ticket | null = null,
): Promise<void> {
  const { digest, policyRef } = approved;
  const authorize = (by: Ticket) => policyAuthorize(tpm, session, digest, policyRef, nameOf(authority), by);
  if (ticket !== null) {
    try {
      await authorize(ticket);
      return;
    } catch (error) {
      // Cleared since then: its tickets are void. A command that failed has left the session as it was.
      if (!isTpmResponse(error)) throw error;
    }
  }
  await authorize(await verifyApproval(tpm, authority, approved));
}
