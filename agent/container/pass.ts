/**
 * One pass through the unlock policy inside the TPM: a policy session is satisfied factor by factor, closed by the
 * epoch and the authority, and left ready for the one command that it may authorise. Nothing here decides; the TPM does.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import {
  cpHashOf,
  emptyAuth,
  load,
  type ObjectBlob,
  type PublicArea,
  policyNv,
  policyOr,
  policySecret,
  policySigned,
  type Session,
  type Signature,
  sessionAuth,
  startAuthSession,
  type Ticket,
  TPM_CC,
  TPM_EO,
  type Tpm,
} from '../../drivers/tpm2/index.ts';
import { type ApprovedPolicy, authorizePolicy, verifyApproval } from './approval.ts';
import { type CompiledPolicy, epochOperand } from './compile/compile.ts';
import { type CounterIdentity, writtenCounter } from './counter.ts';
import { assertReference } from './references.ts';
import type { RootSession } from './root.ts';

/** Seconds that an assertion is good for; the signer fixes it, never the caller. */
export const ASSERTION_SECONDS = 30;

/** All that a signer is told of a pass. Never a cpHash, a reference or an expiration: it makes these itself. */
export interface AssertionRequest {
  /** Of the policy session. */
  readonly nonceTPM: Uint8Array;
  /** The Name of the object that the session is to open. */
  readonly sealedName: Uint8Array;
}

/** What proves a factor to the TPM. */
export type FactorProof =
  | { readonly check: 'secret'; readonly blob: ObjectBlob; readonly authValue: Secret }
  | {
      readonly check: 'signed';
      /** The signer's key. */
      readonly key: ObjectBlob;
      /** Has the observation asserted by its signer. */
      readonly assert: (request: AssertionRequest) => Promise<Signature>;
    };

/** Everything of a container that a pass needs; assembled from a state file or from a change that is not yet one. */
export interface PassPlan {
  readonly compiled: CompiledPolicy;
  readonly counter: CounterIdentity;
  readonly authority: PublicArea;
  readonly policyRef: Uint8Array;
  readonly signature: Signature;
  /** What the TPM said of the signature earlier in the same ceremony. */
  readonly ticket?: Ticket | null;
}

const approvalOf = (plan: PassPlan): ApprovedPolicy => ({
  digest: plan.compiled.digest,
  policyRef: plan.policyRef,
  signature: plan.signature,
});

/** Has the TPM check the signature of a plan ahead of the pass. @throws {ERR_TPM_RESPONSE} 0x2DB: not by the authority */
export const verifyPlan = (tpm: Tpm, plan: PassPlan): Promise<Ticket> =>
  verifyApproval(tpm, plan.authority, approvalOf(plan));

/** Two sets of factors are the same branch whatever their order. */
const sameFactors = (a: readonly FactorKind[], b: readonly FactorKind[]): boolean =>
  a.length === b.length && a.every((factor) => b.includes(factor));

async function proveFactor(
  root: RootSession,
  policy: Session,
  proof: FactorProof,
  policyRef: Uint8Array,
  sealedName: Uint8Array,
): Promise<void> {
  const { tpm, srk, session } = root;
  // The session's own nonce in every assertion: otherwise somebody between us and the TPM puts a session of his own
  // under our handle and collects the factors.
  const { nonceTPM } = policy;
  if (proof.check === 'secret') {
    await using object = await load(tpm, srk, proof.blob, { auth: sessionAuth(session) });
    await policySecret(tpm, policy, object, sessionAuth(session, proof.authValue), { nonceTPM });
    return;
  }
  const cpHashA = cpHashOf(TPM_CC.Unseal, [sealedName]);
  const signature = await proof.assert({ nonceTPM, sealedName });
  await using key = await load(tpm, srk, proof.key, { auth: sessionAuth(session) });
  await policySigned(tpm, policy, key, signature, { nonceTPM, cpHashA, policyRef, expiration: ASSERTION_SECONDS });
}

/**
 * @param sealedName the Name of the object that the session is to open: assertions are made for it alone
 * @returns a policy session that is satisfied; the caller closes it
 * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_LOCKED_OUT} a wrong PIN or key
 * @throws {ERR_TPM_RESPONSE} 0x126 the policy is revoked, 0x2DB not signed by the authority, 0x1C4 not this policy
 */
export async function satisfyPolicy(
  root: RootSession,
  plan: PassPlan,
  branchFactors: readonly FactorKind[],
  proofs: ReadonlyMap<FactorKind, FactorProof>,
  sealedName: Uint8Array,
): Promise<Session> {
  const { tpm, session } = root;
  const branch = plan.compiled.branches.find(({ factors }) => sameFactors(factors, branchFactors));
  if (branch === undefined) {
    throw new UnlockdError('ERR_GRANT_INVALID', `the policy has no branch ${branchFactors.join(' + ')}`);
  }
  const policy = await startAuthSession(tpm, { kind: 'policy', sessions: [{ session, flags: { audit: true } }] });
  try {
    for (const factor of branch.factors) {
      const proof = proofs.get(factor);
      if (proof === undefined) throw new UnlockdError('ERR_GRANT_INVALID', `no proof of ${factor}`);
      await proveFactor(root, policy, proof, assertReference(factor, plan.counter.containerId), sealedName);
    }
    for (const digests of branch.orPath) await policyOr(tpm, policy, digests);
    const operand = epochOperand(plan.compiled.n);
    await policyNv(tpm, policy, writtenCounter(plan.counter), emptyAuth, operand, TPM_EO.UNSIGNED_LE);
    await authorizePolicy(tpm, policy, plan.authority, approvalOf(plan), plan.ticket);
    return policy;
  } catch (error) {
    await policy.close();
    throw error;
  }
}
