/** From a state file to what a pass needs: everything is computed anew from public areas, nothing is taken on trust. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import { decodePublicArea, nameOf, type Signature, TPM_ALG } from '../../drivers/tpm2/index.ts';
import { factorWords } from '../policy/words.ts';
import type { FactorClaim } from './authority/statement.ts';
import { compilePolicy, type Leaf } from './compile/compile.ts';
import { type CounterIdentity, writtenCounter } from './counter.ts';
import { nameOfBlob } from './objects.ts';
import type { PassPlan } from './pass.ts';
import {
  assertReference,
  CHANGE_CONTEXT,
  type FurtherContext,
  policyReference,
  type RequestContext,
  type SealedContext,
  UNLOCK_CONTEXT,
} from './references.ts';
import type { ContainerState, PolicyState } from './state.ts';

export const toSignature = (stored: { readonly r: Uint8Array; readonly s: Uint8Array }): Signature => ({
  scheme: 'ecdsa',
  hash: TPM_ALG.SHA256,
  r: stored.r,
  s: stored.s,
});

/** @throws {ERR_POLICY_SIGNATURE} for a signature of another scheme */
export function fromSignature(signature: Signature): { r: Uint8Array; s: Uint8Array } {
  if (signature.scheme !== 'ecdsa') {
    throw new UnlockdError('ERR_POLICY_SIGNATURE', 'the authority did not sign with ECDSA P-256');
  }
  return { r: signature.r, s: signature.s };
}

type IdentityParts = Pick<ContainerState, 'containerId' | 'counterIndex' | 'authority'>;

export function counterOf(state: IdentityParts): CounterIdentity {
  const authority = decodePublicArea(state.authority.publicArea);
  return { index: state.counterIndex, containerId: state.containerId, authority, authorityName: nameOf(authority) };
}

/** What a policy is compiled from beside its branches. */
export type Provable = Pick<ContainerState, 'containerId' | 'factors' | 'signers'>;

/** The factors of a container as the authority is told of them. */
export function factorClaims({ factors, signers }: Omit<Provable, 'containerId'>): FactorClaim[] {
  const claims: FactorClaim[] = [];
  if (factors.pin) claims.push({ factor: 'pin', check: 'secret', publicArea: factors.pin.blob.publicArea });
  if (factors.securityKey) {
    claims.push({ factor: 'securityKey', check: 'secret', publicArea: factors.securityKey.blob.publicArea });
  }
  for (const { kind, blob } of signers) claims.push({ factor: kind, check: 'signed', publicArea: blob.publicArea });
  return claims;
}

function leavesOf({ containerId, factors, signers }: Provable): Map<FactorKind, Leaf> {
  const leaves = new Map<FactorKind, Leaf>();
  if (factors.pin) leaves.set('pin', { check: 'secret', name: nameOfBlob(factors.pin.blob) });
  if (factors.securityKey) leaves.set('securityKey', { check: 'secret', name: nameOfBlob(factors.securityKey.blob) });
  for (const { kind, blob } of signers) {
    leaves.set(kind, { check: 'signed', name: nameOfBlob(blob), policyRef: assertReference(kind, containerId) });
  }
  return leaves;
}

function requireLeaves(
  { branches }: Pick<PolicyState, 'branches'>,
  leaves: ReadonlyMap<FactorKind, Leaf>,
  context: SealedContext,
): void {
  const factor = branches.flat().find((each) => !leaves.has(each));
  if (factor === undefined) return;
  const what = factorWords(factor);
  const whose = context === UNLOCK_CONTEXT ? 'the container' : `the context ${context}`;
  throw new UnlockdError(
    'ERR_CONTAINER_FACTOR_MISSING',
    `${whose} is sealed to ${what}, among others, and its state file holds none`,
    { detail: { factor, context } },
  );
}

/** @throws {ERR_CONTAINER_PENDING_SIGNATURE} when no policy has been signed yet */
export function policyOf(state: ContainerState): PolicyState {
  if (state.policy === null) {
    throw new UnlockdError('ERR_CONTAINER_PENDING_SIGNATURE', 'the policy of this container is not signed yet');
  }
  return state.policy;
}

/** A container as one of its contexts sees it: the key and the policy are that context's. Never written. */
export interface ContainerView extends ContainerState {
  readonly context?: FurtherContext;
}

/** @returns null: the container has no such context yet */
export function viewOf(state: ContainerState, context: FurtherContext): ContainerView | null {
  const found = state.contexts.find((entry) => entry.context === context);
  if (found === undefined) return null;
  const { sealedKey, version, document, branches, signature } = found;
  const policy = policyOf(state);
  return {
    ...state,
    context,
    sealedKey,
    policy: { ...policy, version, document: document ?? policy.document, branches, signature },
  };
}

/**
 * Whether everything is there that the policy of the container, or of the context, was compiled from. To be asked before
 * anybody is asked for a factor.
 * @throws {ERR_CONTAINER_FACTOR_MISSING | ERR_CONTAINER_PENDING_SIGNATURE}
 */
export function requireFactors(state: ContainerView): void {
  requireLeaves(policyOf(state), leavesOf(state), state.context ?? UNLOCK_CONTEXT);
}

/** What the authority's authValue is sealed under. @throws {ERR_CONTAINER_PENDING_SIGNATURE} */
export function changePlanOf(state: ContainerState): PassPlan {
  const { change } = state.authority;
  if (change === null) return planOf(state);
  return planUnder(state, { ...policyOf(state), ...change }, CHANGE_CONTEXT);
}

/** @throws {ERR_CONTAINER_PENDING_SIGNATURE} */
export const planOf = (state: ContainerView): PassPlan =>
  planUnder(state, policyOf(state), state.context ?? UNLOCK_CONTEXT);

/** A context as it would be under these branches, whether the container has it or not; its signature is not looked at. */
export const planOfContext = (
  state: ContainerState,
  context: RequestContext,
  branches: PolicyState['branches'],
): PassPlan => planUnder(state, { ...policyOf(state), branches }, context);

function planUnder(state: ContainerState, policy: PolicyState, context: SealedContext): PassPlan {
  const counter = counterOf(state);
  const leaves = leavesOf(state);
  requireLeaves(policy, leaves, context);
  return {
    compiled: compilePolicy(policy.branches, leaves, writtenCounter(counter).name, policy.n),
    counter,
    authority: counter.authority,
    policyRef: policyReference(state.containerId, context),
    signature: toSignature(policy.signature),
  };
}
