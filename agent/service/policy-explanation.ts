/**
 * What the policy says of the caller now, before anything is presented: what lies around the machine counts, and the
 * rest is what would have to be shown.
 */
import type { PolicyExplanation } from '../api/ports.ts';
import type { UnlockContext } from '../api/purpose.ts';
import { type ContainerView, viewOf } from '../container/plan.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import { evaluate } from '../policy/evaluate.ts';
import { explain, missingWords } from '../policy/explain.ts';
import { contextsOf, policyFor, type UnlockPolicy } from '../policy/model.ts';
import { requirementWords } from '../policy/words.ts';
import { currentPolicy, documentOf, policyInForce } from './context.ts';
import type { ServiceParts } from './parts.ts';
import { situationOf } from './situation.ts';
import { hindrancesOf, NO_HINDRANCES, surroundings } from './surroundings.ts';
import { isAwaited } from './unlock-context.ts';

/** Whose policy, and of which context. */
interface Explained extends Pick<PolicyExplanation, 'of' | 'context'> {
  readonly policy: UnlockPolicy;
  /** What of it is sealed; null: nothing is. */
  readonly sealed: ContainerView | null;
}

/** That of the container as it is sealed; of a context that it has not yet, and without a container, that of the machine. */
async function explained(parts: ServiceParts, uid: number, asked: UnlockContext): Promise<Explained> {
  const state = await parts.store.readContainer(uid);
  if (state === null || state.policy === null) {
    const document = documentOf((await currentPolicy(parts)).document);
    const context = contextsOf(document).includes(asked) ? asked : UNLOCK_CONTEXT;
    return { of: 'machine', context, policy: policyFor(document, context), sealed: null };
  }
  const view = asked === UNLOCK_CONTEXT ? state : viewOf(state, asked);
  if (view !== null) return { of: 'container', context: asked, policy: policyInForce(view), sealed: view };
  if (await isAwaited(parts, state, asked)) {
    const document = documentOf((await currentPolicy(parts)).document);
    return { of: 'machine', context: asked, policy: policyFor(document, asked), sealed: null };
  }
  return { of: 'container', context: UNLOCK_CONTEXT, policy: policyInForce(state), sealed: state };
}

/**
 * Of the policy that the caller's container is sealed to; without a container of that of the machine.
 * @param asked what it would be unlocked for
 * @throws {ERR_STATE_CORRUPT | ERR_POLICY_INVALID}
 */
export async function policyExplanation(
  parts: ServiceParts,
  uid: number,
  asked: UnlockContext,
): Promise<PolicyExplanation> {
  const machine = await parts.store.readMachine();
  const { of, context, policy, sealed } = await explained(parts, uid, asked);
  const pinIsBound = machine?.lockout.protects ?? false;
  const hindrances = sealed === null ? NO_HINDRANCES : hindrancesOf(sealed, policy, pinIsBound, parts.simulated);
  const options = situationOf(parts, policy, pinIsBound, uid);
  const decision = evaluate(policy, surroundings(parts, hindrances), parts.clock.now(), options);
  return {
    of,
    context,
    words: requirementWords(policy.require),
    verdict: decision.verdict,
    reasons: explain(decision),
    missing: decision.missing,
    missingWords: missingWords(decision.missing),
  };
}
