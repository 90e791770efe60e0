/**
 * The one way in which a container changes (a PIN, a policy, a set of keys): burn a number, make what is new, have it
 * signed, rehearse the whole unlock, commit by one rename, and only then move the counter. A crash leaves the old
 * state or the new one; a number is never used twice; nothing is lost before the new state was seen to open.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { ObjectBlob, Signature } from '../../drivers/tpm2/index.ts';
import type { Approval } from './authority/local-authority.ts';
import { MAX_EPOCH_STEP, type PolicyStatement } from './authority/statement.ts';
import { bumpCounter, counterPublicArea, readCounter } from './counter.ts';
import { epochAhead, epochGap } from './epoch.ts';
import type { FactorProof, PassPlan } from './pass.ts';
import { counterOf, factorClaims, fromSignature, planOf, policyOf, toSignature } from './plan.ts';
import { CHANGE_CONTEXT, type SealedContext, UNLOCK_CONTEXT } from './references.ts';
import type { RootSession } from './root.ts';
import type { ContainerState, ContextState, PolicyState } from './state.ts';

/** Opens a sealed object after a pass through the policy; handed in by the release room, which has the grant. */
export type Unsealer = (
  plan: PassPlan,
  proofs: ReadonlyMap<FactorKind, FactorProof>,
  sealed: ObjectBlob,
) => Promise<Secret>;

/** What shall be different. What is absent stays. */
export interface Draft {
  readonly factors: ContainerState['factors'];
  /** Left out: those that are there. */
  readonly biometrics?: ContainerState['biometrics'];
  /** Left out: those that are there. */
  readonly signers?: ContainerState['signers'];
  readonly policy: Pick<PolicyState, 'version' | 'document' | 'branches'>;
  /** The contexts beside `unlock`; left out: those that are there, as they are. */
  readonly contexts?: readonly Omit<ContextState, 'signature'>[];
  /** What the authority's authValue is to be sealed under; left out: as it is. */
  readonly authority?: { readonly sealedAuth: ObjectBlob; readonly branches: PolicyState['branches'] };
  readonly records: Uint8Array;
  /** The proofs of the factors as they will be, for the rehearsal. */
  readonly proofs: ReadonlyMap<FactorKind, FactorProof>;
}

export interface ChangeParts {
  readonly root: RootSession;
  readonly state: ContainerState;
  /** Writes the state file durably. @throws {ERR_STATE_WRITE_FAILED} */
  readonly write: (state: ContainerState) => Promise<void>;
  readonly unseal: Unsealer;
  /** Has a statement signed. @throws {ERR_AUTHORITY_REFUSED | ERR_POLICY_SIGNER_UNREACHABLE} */
  readonly approve: (statement: PolicyStatement) => Promise<Approval>;
  /** Has a statement of another context signed, under the same number. */
  readonly approvePolicy: (statement: PolicyStatement) => Promise<Signature>;
  /** Makes the new objects, in memory and in the TPM only. */
  readonly draft: () => Promise<Draft>;
  /** Opens whatever else the new state is to open, before anything is committed; left out: nothing. */
  readonly rehearseFurther?: (next: ContainerState) => Promise<void>;
  /** The container key, from a pass just now. */
  readonly containerKey: Secret;
  /** A number that a request to an outside signer has burned already: the change is made under this one. */
  readonly burned?: number;
}

/**
 * The statement of a container's next policy.
 * @param context and `branches`: of another context than `unlock`
 */
export const statementOf = (
  state: ContainerState,
  draft: Pick<Draft, 'factors' | 'policy' | 'signers'>,
  counterValue: number,
  n: number,
  context: SealedContext = UNLOCK_CONTEXT,
  branches: PolicyState['branches'] = draft.policy.branches,
): PolicyStatement => ({
  containerId: state.containerId,
  context,
  factors: factorClaims({ factors: draft.factors, signers: draft.signers ?? state.signers }),
  branches,
  closing: { counter: counterPublicArea(counterOf(state)), counterValue, n },
  highestSigned: state.highestSigned,
});

/**
 * @returns the state that is in force now
 * @throws {ERR_CHANGE_NOT_REVOKED} the new state is in force, but the counter could not be moved; start-up does it
 * @throws everything else: nothing has changed
 */
export async function changeContainer(parts: ChangeParts): Promise<ContainerState> {
  const { root, state } = parts;
  const counter = counterOf(state);
  const value = await readCounter(root, counter);
  if (value !== policyOf(state).n) throw epochAhead(policyOf(state).n, value);
  const n = parts.burned ?? Math.max(value, state.highestSigned) + 1;
  if (n - value > MAX_EPOCH_STEP) throw epochGap(n, value);
  const burned: ContainerState = { ...state, highestSigned: n };
  if (parts.burned === undefined) await parts.write(burned);

  const draft = await parts.draft();
  const approval = await parts.approve(statementOf(state, draft, value, n));
  const signed = async (context: SealedContext, branches: PolicyState['branches']) =>
    fromSignature(await parts.approvePolicy(statementOf(state, draft, value, n, context, branches)));
  const contexts: ContextState[] = [];
  for (const entry of draft.contexts ?? state.contexts)
    contexts.push({ ...entry, signature: await signed(entry.context, entry.branches) });
  const sealed = draft.authority?.sealedAuth ?? state.authority.sealedAuth;
  const change = draft.authority?.branches ?? state.authority.change?.branches ?? null;
  const next: ContainerState = {
    ...burned,
    authority: {
      ...state.authority,
      sealedAuth: sealed,
      change: change === null ? null : { branches: change, signature: await signed(CHANGE_CONTEXT, change) },
    },
    contexts,
    factors: draft.factors,
    biometrics: draft.biometrics ?? state.biometrics,
    signers: draft.signers ?? state.signers,
    records: draft.records,
    policy: { ...draft.policy, n, signature: fromSignature(approval.policy), bump: fromSignature(approval.bump) },
  };
  await rehearse(parts, next, draft);
  await parts.rehearseFurther?.(next);
  await putInForce(root, next, parts.write);
  return next;
}

/**
 * The end of every change of a container, once its new state was seen to open: the one rename, then the counter.
 * @throws {ERR_CHANGE_NOT_REVOKED} it is in force, but the counter was not moved {ERR_STATE_WRITE_FAILED} it is not
 */
export async function putInForce(
  root: RootSession,
  next: ContainerState,
  write: (state: ContainerState) => Promise<void>,
): Promise<void> {
  const { n, bump } = policyOf(next);
  await commit(() => write(next));
  await revoke(() => bumpCounter(root, counterOf(next), n, toSignature(bump)));
}

/** The old state is still good in the TPM: the next start finds out which one the disk has kept, and finishes. */
export const notRevoked = (cause: unknown): UnlockdError =>
  new UnlockdError('ERR_CHANGE_NOT_REVOKED', 'changed, but the old state is not revoked yet', { cause });

/**
 * Writes the state that is to be in force. When it is in place but may not last, the counter must not move: after a
 * power cut the old file would be back, and neither would open.
 * @throws {ERR_CHANGE_NOT_REVOKED} it is in place {ERR_STATE_WRITE_FAILED} it is not
 */
export async function commit(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw isUnlockdError(error, 'ERR_STATE_NOT_DURABLE') ? notRevoked(error) : error;
  }
}

/** Moves the counter after the commit. @throws {ERR_CHANGE_NOT_REVOKED} */
export async function revoke(bump: () => Promise<unknown>): Promise<void> {
  try {
    await bump();
  } catch (error) {
    throw isUnlockdError(error) ? notRevoked(error) : error;
  }
}

/** The whole unlock with the new factors, before anything is committed. */
async function rehearse(parts: ChangeParts, next: ContainerState, draft: Draft): Promise<void> {
  let opened: Secret;
  try {
    opened = await parts.unseal(planOf(next), draft.proofs, next.sealedKey);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    throw new UnlockdError('ERR_REHEARSAL_FAILED', 'the new state does not open the container', { cause: error });
  }
  using key = opened;
  if (!key.equals(parts.containerKey)) {
    throw new UnlockdError('ERR_REHEARSAL_FAILED', 'the new state opens to something else');
  }
}
