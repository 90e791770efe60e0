/**
 * A policy that root has set since: each container follows at its user's next unlock, by the one protocol of changes.
 * Until then the old one is in force, and whoever asks is told why it is still pending.
 */

import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Draft } from '../container/change.ts';
import { policyOf } from '../container/plan.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { enforcedSets } from '../policy/branches.ts';
import type { Collected } from './collect.ts';
import { type CurrentPolicy, enrolledFactors, provableBranches, requireVerifiedKeys } from './context.ts';
import { changeOpenContainer, withOpenContainer } from './open-container.ts';
import type { ServiceParts } from './parts.ts';

export type Upgrade =
  | { readonly is: 'none' }
  | { readonly is: 'done'; readonly state: ContainerState }
  /** The old policy stays in force. */
  | { readonly is: 'pending'; readonly why: UnlockdError };

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((entry) => b.includes(entry));

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
    if (current.version <= policyOf(state).version) return { is: 'none' };
    requireVerifiedKeys(current.policy, state);
    const branches = provableBranches(current.policy, enrolledFactors(state), machine);
    const atHand = [...collected.proofs.keys()];
    const rehearsable = branches.some(({ factors }) => sameSet(factors, atHand));
    const draft = async (): Promise<Draft> => ({
      factors: state.factors,
      policy: {
        version: current.version,
        document: current.document,
        branches: enforcedSets(branches),
      },
      records: state.records,
      proofs: collected.proofs,
    });
    if (!rehearsable) {
      const message = 'the factors that were given do not satisfy the new policy, so it could not be rehearsed';
      throw new UnlockdError('ERR_POLICY_NO_BRANCH', message);
    }
    const next = await withOpenContainer(parts, machine, state, collected, signal, (open) =>
      changeOpenContainer(parts, open, state, collected, draft),
    );
    await parts.audit('policy-in-force', state.uid, { version: current.version, epoch: policyOf(next).n });
    return { is: 'done', state: next };
  } catch (error) {
    // An unlock does not fail because of a policy that could not be put in force, whatever the reason.
    if (!isUnlockdError(error) || signal.aborted) throw error;
    return { is: 'pending', why: error };
  }
}
