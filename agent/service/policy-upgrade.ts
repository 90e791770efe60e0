/**
 * A policy that root has set since: each container follows at its user's next unlock, by the one protocol of changes.
 * Until then the old one is in force, and whoever asks is told why it is still pending.
 */

import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Draft } from '../container/change.ts';
import { policyOf } from '../container/plan.ts';
import { hasSigners, signersFor } from '../container/signers.ts';
import type { ContainerState, MachineState, PolicyState } from '../container/state.ts';
import { enforcedSets } from '../policy/branches.ts';
import { missingWords, stillMissing } from '../policy/explain.ts';
import { factorsIn } from '../policy/requirement.ts';
import type { Collected } from './collect.ts';
import { type CurrentPolicy, enrolledFactors, provableBranches, requireVerifiedKeys } from './context.ts';
import { observedProofsOf } from './observed-proofs.ts';
import { changeOpenContainer, type OpenContainer, withOpenContainer } from './open-container.ts';
import type { ServiceParts } from './parts.ts';

export type Upgrade =
  | { readonly is: 'none' }
  | { readonly is: 'done'; readonly state: ContainerState }
  /** The old policy stays in force. */
  | { readonly is: 'pending'; readonly why: UnlockdError };

/**
 * A container of an earlier version of the product, sealed without what its policy only observes. Where the authority is
 * elsewhere, that one is asked.
 */
const mayLackSigners = (state: ContainerState, { policy }: CurrentPolicy): boolean =>
  state.authority.kind === 'this-machine' && !hasSigners(factorsIn(policy.require), state.signers);

/** The container under the new policy, with signers for what that observes. */
async function draftUnder(
  parts: ServiceParts,
  { root }: OpenContainer,
  state: ContainerState,
  collected: Collected,
  { version, document }: CurrentPolicy,
  branches: PolicyState['branches'],
): Promise<Draft> {
  const { factors, records } = state;
  const signers = await signersFor(root, parts.entropy, branches.flat(), state.signers, parts.simulated);
  const proofs = new Map([...collected.proofs, ...observedProofsOf(parts, { ...state, signers })]);
  return { factors, signers, policy: { version, document, branches }, records, proofs };
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
    if (!isNewer && !mayLackSigners(state, current)) return { is: 'none' };
    requireVerifiedKeys(current.policy, state);
    const branches = enforcedSets(provableBranches(current.policy, enrolledFactors(state), machine));
    if (!isNewer && hasSigners(branches.flat(), state.signers)) return { is: 'none' };
    const decision = collected.judge(current.policy);
    if (decision.verdict === 'denied') {
      const missing = missingWords(stillMissing(decision));
      const message = `what was given does not satisfy the new policy, so it could not be rehearsed; missing: ${missing}`;
      throw new UnlockdError('ERR_POLICY_NO_BRANCH', message, { detail: { missing } });
    }
    const next = await withOpenContainer(parts, machine, state, collected, signal, (open) => {
      const draft = () => draftUnder(parts, open, state, collected, current, branches);
      return changeOpenContainer(parts, open, state, collected, draft, null, current.policy);
    });
    await parts.audit('policy-in-force', state.uid, { version: current.version, epoch: policyOf(next).n });
    return { is: 'done', state: next };
  } catch (error) {
    // An unlock does not fail because of a policy that could not be put in force, whatever the reason.
    if (!isUnlockdError(error) || signal.aborted) throw error;
    return { is: 'pending', why: error };
  }
}
