/**
 * Which key an unlock is about: that of the context that was asked for, where the policy gives it one; a context that the
 * machine's policy names and the container has not yet is made on the way, by whoever presents what all contexts ask for.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { UnlockContext } from '../api/purpose.ts';
import { type ContainerView, policyOf, viewOf } from '../container/plan.ts';
import type { ContainerState } from '../container/state.ts';
import { branchesOf, enforcedSets } from '../policy/branches.ts';
import { jointSets } from '../policy/joint.ts';
import { contextsOf, type PolicyDocument, policyFor, type UnlockPolicy } from '../policy/model.ts';
import type { Collected } from './collect.ts';
import { currentPolicy, documentOf, policyInForce } from './context.ts';
import { observedProofsOf } from './observed-proofs.ts';
import type { ServiceParts } from './parts.ts';

export interface Opening {
  /** The context whose key it is: `unlock` for one that has none of its own. */
  readonly context: UnlockContext;
  /** Null: the context has to be made first. */
  readonly view: ContainerView | null;
  /** What has to be presented. */
  readonly policy: UnlockPolicy;
}

/** What the making of a context takes: the policy in force, everything that a change takes, and what will be in force. */
function addingPolicy(
  state: ContainerState,
  document: PolicyDocument,
  context: UnlockContext,
  pinIsBound: boolean,
): UnlockPolicy {
  const next = policyFor(document, 'unlock');
  const wanted = [next, policyFor(document, context)].map((policy) => enforcedSets(branchesOf(policy, { pinIsBound })));
  const { change } = state.authority;
  const sets = jointSets([policyOf(state).branches, ...(change === null ? [] : [change.branches]), ...wanted]);
  if (sets.length === 0) {
    throw new UnlockdError('ERR_POLICY_NO_BRANCH', `nothing satisfies ${context} and the other contexts at once`);
  }
  return Object.freeze({ ...next, require: { any: sets.map((all) => ({ all })) } });
}

/** The machine's policy, where it names the context; null: it does not, or is older than what the container has. */
async function awaiting(
  parts: ServiceParts,
  state: ContainerState,
  context: UnlockContext,
): Promise<PolicyDocument | null> {
  const current = await currentPolicy(parts);
  const document = documentOf(current.document);
  return current.version < policyOf(state).version || !contextsOf(document).includes(context) ? null : document;
}

/**
 * Whether a context that the container has not is to be made.
 * @throws {ERR_CONTAINER_PENDING_SIGNATURE | ERR_POLICY_INVALID | ERR_STATE_CORRUPT}
 */
export const isAwaited = async (parts: ServiceParts, state: ContainerState, context: UnlockContext): Promise<boolean> =>
  (await awaiting(parts, state, context)) !== null;

/** @throws {ERR_CONTAINER_PENDING_SIGNATURE | ERR_POLICY_INVALID | ERR_POLICY_NO_BRANCH} */
export async function openingOf(
  parts: ServiceParts,
  state: ContainerState,
  asked: UnlockContext,
  pinIsBound: boolean,
): Promise<Opening> {
  const unlock: Opening = { context: 'unlock', view: state, policy: policyInForce(state) };
  if (asked === 'unlock') return unlock;
  const view = viewOf(state, asked);
  if (view !== null) return { context: asked, view, policy: policyInForce(view) };
  const document = await awaiting(parts, state, asked);
  if (document === null) return unlock;
  if (state.authority.kind === 'managed') {
    throw new UnlockdError('ERR_POLICY_SIGNER_UNREACHABLE', `the key of ${asked} has to be approved elsewhere`);
  }
  return { context: asked, view: null, policy: addingPolicy(state, document, asked, pinIsBound) };
}

/** What was presented, for another context than that it was collected for. */
export const collectedFor = (parts: ServiceParts, collected: Collected, view: ContainerView): Collected => ({
  ...collected,
  mint: (under = policyInForce(view), context = view.context ?? 'unlock') => collected.mint(under, context),
  proofs: new Map([...collected.proofs, ...observedProofsOf(parts, view)]),
  hold: null,
});
