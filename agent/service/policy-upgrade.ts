/**
 * A policy that root has set since: each container follows at its user's next unlock, by the one protocol of changes.
 * Until then the old one is in force, and whoever asks is told why it is still pending.
 */

import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { Draft } from '../container/change.ts';
import { policyOf } from '../container/plan.ts';
import { CHANGE_CONTEXT } from '../container/references.ts';
import type { RootSession } from '../container/root.ts';
import { hasSigners, signersFor } from '../container/signers.ts';
import type { ContainerState, MachineState, PolicyState } from '../container/state.ts';
import { enforcedSets } from '../policy/branches.ts';
import { missingWords, stillMissing } from '../policy/explain.ts';
import { factorsIn } from '../policy/requirement.ts';
import type { Collected } from './collect.ts';
import { type CurrentPolicy, enrolledFactors, provableBranches, requireVerifiedKeys } from './context.ts';
import { ContextKeys } from './context-keys.ts';
import { type ContextPlan, changeSets, lacksContexts, type PlannedContext, planContexts } from './context-plan.ts';
import { observedProofsOf } from './observed-proofs.ts';
import { changeOpenContainer, withOpenContainer } from './open-container.ts';
import type { ServiceParts } from './parts.ts';

export type Upgrade =
  | { readonly is: 'none' }
  /** `pending`: a context that has to wait; the others are in force. */
  | { readonly is: 'done'; readonly state: ContainerState; readonly pending: UnlockdError | null }
  /** The old policy stays in force. */
  | { readonly is: 'pending'; readonly why: UnlockdError };

/**
 * A container of an earlier version of the product, sealed without what its policy only observes. Where the authority is
 * elsewhere, that one is asked.
 */
const mayLackSigners = (state: ContainerState, { policy }: CurrentPolicy): boolean =>
  state.authority.kind === 'this-machine' && !hasSigners(factorsIn(policy.require), state.signers);

const contextPending = ({ context, why }: ContextPlan['pending'][number]): UnlockdError =>
  new UnlockdError(why.code, `the context ${context} waits: ${why.message}`, { detail: { ...why.detail, context } });

/** What is to be in force. */
interface Target {
  readonly current: CurrentPolicy;
  readonly branches: PolicyState['branches'];
  readonly contexts: readonly PlannedContext[];
}

/** The container under the new policy, with signers for what that observes and keys for its new contexts. */
async function draftUnder(
  parts: ServiceParts,
  root: RootSession,
  state: ContainerState,
  collected: Collected,
  { current: { version, document }, branches, contexts: planned }: Target,
  keys: ContextKeys,
  authValue: Secret | null,
): Promise<Draft> {
  const { factors, records, authority } = state;
  const contexts = await keys.entries(planned);
  const observed = [...branches, ...contexts.flatMap((entry) => entry.branches)].flat();
  const signers = await signersFor(root, parts.entropy, observed, state.signers, parts.simulated);
  const proofs = new Map([...collected.proofs, ...observedProofsOf(parts, { ...state, signers })]);
  const draft = { factors, signers, policy: { version, document, branches }, contexts, records, proofs };
  if (authValue === null || authority.sealedAuth === null) return draft;
  // Version 1 sealed it under `unlock`; with more contexts that would be the weakest of them.
  const moves = authority.change === null && contexts.length > 0;
  if (authority.change === null && !moves) return draft;
  const sealedAuth = moves ? await keys.seal(CHANGE_CONTEXT, authValue) : authority.sealedAuth;
  return { ...draft, authority: { sealedAuth, branches: changeSets(branches, contexts) } };
}

/**
 * Puts the machine's policy in force for this container, if it is a newer one and the factors at hand allow it.
 * @param reading the machine's policy, read since the factors were presented
 */
export async function upgradePolicy(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  collected: Collected,
  reading: Promise<CurrentPolicy>,
  signal: AbortSignal,
): Promise<Upgrade> {
  try {
    const current = await reading;
    if (current.version < policyOf(state).version) return { is: 'none' };
    const isNewer = current.version > policyOf(state).version;
    const lacks = mayLackSigners(state, current) || lacksContexts(state, current);
    if (!isNewer && !lacks) return { is: 'none' };
    requireVerifiedKeys(current.policy, state);
    const branches = enforcedSets(provableBranches(current.policy, enrolledFactors(state), machine));
    const { contexts, pending, changes } = planContexts(machine, state, current, branches, collected);
    const [waits] = pending;
    const later: Upgrade = waits === undefined ? { is: 'none' } : { is: 'pending', why: contextPending(waits) };
    if (!isNewer && !changes && hasSigners(branches.flat(), state.signers)) return later;
    const decision = collected.judge(current.policy);
    if (decision.verdict === 'denied') {
      const missing = missingWords(stillMissing(decision));
      const message = `what was given does not satisfy the new policy, so it could not be rehearsed; missing: ${missing}`;
      throw new UnlockdError('ERR_POLICY_NO_BRANCH', message, { detail: { missing } });
    }
    const next = await withOpenContainer(parts, machine, state, collected, signal, async (open) => {
      using keys = new ContextKeys(parts, open.root, state, open.containerKey);
      const target = { current, branches, contexts };
      return await changeOpenContainer(
        parts,
        open,
        state,
        collected,
        (authValue) => draftUnder(parts, open.root, state, collected, target, keys, authValue),
        { under: current.policy, rehearseFurther: (made) => keys.rehearse(made, contexts, collected) },
      );
    });
    const names = next.contexts.map(({ context }) => context).join(' ');
    const detail = { version: current.version, epoch: policyOf(next).n, ...(names === '' ? {} : { contexts: names }) };
    await parts.audit('policy-in-force', state.uid, detail);
    return { is: 'done', state: next, pending: waits === undefined ? null : contextPending(waits) };
  } catch (error) {
    // An unlock does not fail because of a policy that could not be put in force, whatever the reason.
    if (!isUnlockdError(error) || signal.aborted) throw error;
    return { is: 'pending', why: error };
  }
}
