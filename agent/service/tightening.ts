/**
 * What an unlock asks for besides what opens, while a newer policy of the machine waits: what that one and the making of
 * a change take, so that it comes in force. Otherwise one that asks for more would wait for ever at a place where the old
 * one asks for less. It keeps nobody out: without it the old one opens as before.
 */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { type FactorKind, GESTURE_KINDS } from '../../drivers/signal.ts';
import type { UnlockContext } from '../api/purpose.ts';
import { type ContainerView, policyOf, viewOf } from '../container/plan.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { policyFor, type UnlockPolicy } from '../policy/model.ts';
import type { FurtherWanted } from '../unlock/state.ts';
import {
  type CurrentPolicy,
  changePolicyOf,
  documentOf,
  enrolledFactors,
  policyInForce,
  provableBranches,
  requireVerifiedKeys,
} from './context.ts';

/** What a change takes, with the rules and time windows of each context. Without contexts it is what opens. */
function ofChange(state: ContainerState): readonly UnlockPolicy[] {
  if (state.contexts.length === 0) return [];
  const views = state.contexts.flatMap(({ context }) => viewOf(state, context) ?? []);
  return [...[state, ...views].map(policyInForce), changePolicyOf(state)];
}

/**
 * @param view of the context that is unlocked
 * @param reading the machine's policy as it is now
 * @returns null: nothing newer waits, or nobody here could ever satisfy it; why not is told when it is put in force
 */
export async function furtherWanted(
  machine: MachineState,
  state: ContainerState,
  view: ContainerView,
  reading: Promise<CurrentPolicy>,
): Promise<FurtherWanted | null> {
  // Its policy comes in force elsewhere.
  if (state.authority.kind === 'managed') return null;
  try {
    const { version, document } = await reading;
    if (version <= policyOf(view).version) return null;
    const contexts = [...new Set<UnlockContext>([UNLOCK_CONTEXT, view.context ?? UNLOCK_CONTEXT])];
    const wanted = contexts.map((context) => policyFor(documentOf(document), context));
    const enrolled: readonly FactorKind[] = enrolledFactors(state);
    for (const policy of wanted) {
      requireVerifiedKeys(policy, state);
      provableBranches(policy, enrolled, machine);
    }
    const notEnrolled = GESTURE_KINDS.filter((factor) => !enrolled.includes(factor));
    return { policies: [...wanted, ...ofChange(state)], notEnrolled };
  } catch (error) {
    if (isUnlockdError(error)) return null;
    throw error;
  }
}
