/**
 * The contexts of a policy beside `unlock`, held against a container: which of them can be sealed now, with what was
 * presented, and which have to wait and why. Each that is sealed has a key of its own; one that the policy does not name
 * any more goes, and its key with it.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Draft } from '../container/change.ts';
import { policyOf } from '../container/plan.ts';
import type { FurtherContext } from '../container/references.ts';
import type { ContainerState, ContextState, MachineState, PolicyState } from '../container/state.ts';
import { enforcedSets } from '../policy/branches.ts';
import { missingWords, stillMissing } from '../policy/explain.ts';
import { jointSets } from '../policy/joint.ts';
import { contextsOf, policyFor, type UnlockPolicy } from '../policy/model.ts';
import type { Collected } from './collect.ts';
import {
  type CurrentPolicy,
  documentOf,
  enrolledFactors,
  provableBranches,
  requireOwnAuthority,
  requireVerifiedKeys,
} from './context.ts';

/** A context as it will be; `sealedKey` null: it gets its key in this change. */
export interface PlannedContext {
  readonly entry: Omit<ContextState, 'signature' | 'sealedKey'> & {
    readonly sealedKey: ContextState['sealedKey'] | null;
  };
  /** The policy that its rehearsal is granted under; null: it stays as it is. */
  readonly policy: UnlockPolicy | null;
}

export interface ContextPlan {
  readonly contexts: readonly PlannedContext[];
  readonly pending: readonly { readonly context: FurtherContext; readonly why: UnlockdError }[];
  /** Whether anything would be different from what the container has. */
  readonly changes: boolean;
}

const furtherOf = (current: CurrentPolicy): readonly FurtherContext[] =>
  contextsOf(documentOf(current.document)).filter((context) => context !== 'unlock');

/** Whether the policy names a context that the container has not, or not as the policy has it. */
export const lacksContexts = (state: ContainerState, current: CurrentPolicy): boolean =>
  furtherOf(current).some(
    (context) => !state.contexts.some((known) => known.context === context && known.version === current.version),
  );

function sealable(
  machine: MachineState,
  state: ContainerState,
  policy: UnlockPolicy,
  collected: Pick<Collected, 'judge'>,
): PolicyState['branches'] {
  requireOwnAuthority(state);
  requireVerifiedKeys(policy, state);
  const branches = enforcedSets(provableBranches(policy, enrolledFactors(state), machine));
  const decision = collected.judge(policy);
  if (decision.verdict === 'granted') return branches;
  const missing = missingWords(stillMissing(decision));
  const message = `what was given does not satisfy it, so it could not be rehearsed; missing: ${missing}`;
  throw new UnlockdError('ERR_POLICY_NO_BRANCH', message, { detail: { missing } });
}

/** @param unlock what the TPM will enforce of the context `unlock` */
export function planContexts(
  machine: MachineState,
  state: ContainerState,
  current: CurrentPolicy,
  unlock: PolicyState['branches'],
  collected: Pick<Collected, 'judge'>,
): ContextPlan {
  const document = documentOf(current.document);
  const contexts: PlannedContext[] = [];
  const pending: ContextPlan['pending'][number][] = [];
  let joint = unlock;
  const wanted = furtherOf(current);
  for (const context of wanted) {
    const known = state.contexts.find((entry) => entry.context === context);
    const policy = policyFor(document, context);
    try {
      const branches = sealable(machine, state, policy, collected);
      const sets = jointSets([joint, branches]);
      if (sets.length === 0) {
        throw new UnlockdError('ERR_POLICY_NO_BRANCH', 'nothing satisfies it and the other contexts at once');
      }
      joint = sets;
      const sealedKey = known?.sealedKey ?? null;
      const recovery = known?.recovery ?? null;
      const entry = { context, sealedKey, version: current.version, document: null, branches, recovery };
      contexts.push({ entry, policy });
    } catch (error) {
      if (!isUnlockdError(error)) throw error;
      pending.push({ context, why: error });
      if (known === undefined) continue;
      // Its own document from now on: that of `unlock` is a newer one.
      const entry = { ...known, document: known.document ?? policyOf(state).document };
      contexts.push({ entry, policy: null });
      joint = jointSets([joint, known.branches]);
    }
  }
  const gone = state.contexts.some(({ context }) => !wanted.includes(context));
  const changes = gone || contexts.some(({ policy, entry }) => policy !== null && !isAsItWas(state, entry));
  return { contexts, pending, changes };
}

const isAsItWas = (state: ContainerState, entry: PlannedContext['entry']): boolean =>
  state.contexts.some(({ context, version }) => context === entry.context && version === entry.version);

/** What the authority's authValue is to be under: every context at once. */
export const changeSets = (
  unlock: PolicyState['branches'],
  contexts: NonNullable<Draft['contexts']>,
): PolicyState['branches'] => jointSets([unlock, ...contexts.map(({ branches }) => branches)]);
