/**
 * What the policy says of the caller now, before anything is presented: what lies around the machine counts, and the
 * rest is what would have to be shown.
 */
import type { PolicyExplanation } from '../api/ports.ts';
import { evaluate } from '../policy/evaluate.ts';
import { explain, missingWords } from '../policy/explain.ts';
import { requirementWords } from '../policy/words.ts';
import { currentPolicy, policyInForce } from './context.ts';
import type { ServiceParts } from './parts.ts';
import { situationOf } from './situation.ts';
import { hindrancesOf, NO_HINDRANCES, surroundings } from './surroundings.ts';

/**
 * Of the policy that the caller's container is sealed to; without a container of that of the machine.
 * @throws {ERR_STATE_CORRUPT | ERR_POLICY_INVALID}
 */
export async function policyExplanation(parts: ServiceParts, uid: number): Promise<PolicyExplanation> {
  const machine = await parts.store.readMachine();
  const state = await parts.store.readContainer(uid);
  const inForce = state !== null && state.policy !== null;
  const policy = inForce ? policyInForce(state) : (await currentPolicy(parts)).policy;
  const pinIsBound = machine?.lockout.protects ?? false;
  const hindrances = inForce ? hindrancesOf(state, policy, pinIsBound, parts.simulated) : NO_HINDRANCES;
  const options = situationOf(parts, policy, pinIsBound, uid);
  const decision = evaluate(policy, surroundings(parts, hindrances), parts.clock.now(), options);
  return {
    of: inForce ? 'container' : 'machine',
    words: requirementWords(policy.require),
    verdict: decision.verdict,
    reasons: explain(decision),
    missing: decision.missing,
    missingWords: missingWords(decision.missing),
  };
}
