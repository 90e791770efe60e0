/**
 * The factors for an answer of the signer elsewhere: what opens the container now, and what each context of the new policy
 * asks for. All of it has to be there at once, since one answer is applied once and as a whole.
 */
import { type FactorKind, GESTURE_KINDS } from '../../drivers/signal.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { missingWords, stillMissing } from '../policy/explain.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { type CeremonyRun, Denied } from './ceremony-run.ts';
import { type Collected, collectFactors } from './collect.ts';
import type { CollectOptions } from './collector.ts';
import { enrolledFactors } from './context.ts';
import type { ServiceParts } from './parts.ts';

/**
 * @param policy that opens the container
 * @param further what is to be in force, of every context
 * @returns the caller disposes it
 * @throws {ERR_POLICY_DENIED} what was given does not satisfy all of them; nothing has changed, the answer is still good
 */
export async function collectForAll(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  policy: UnlockPolicy,
  further: readonly UnlockPolicy[],
  run: CeremonyRun,
  options: Pick<CollectOptions, 'settle'> = {},
): Promise<Collected> {
  const enrolled: readonly FactorKind[] = enrolledFactors(state);
  const notEnrolled = GESTURE_KINDS.filter((factor) => !enrolled.includes(factor));
  const collected = await collectFactors(parts, machine, state, policy, run, {
    ...options,
    ...(further.length === 0 ? {} : { further: { policies: further, notEnrolled } }),
  });
  for (const wanted of further) {
    const decision = collected.judge(wanted);
    if (decision.verdict === 'granted') continue;
    collected[Symbol.dispose]();
    const missing = missingWords(stillMissing(decision));
    const message = `the policy that was signed asks for more, and all of it is rehearsed at once; missing: ${missing}`;
    throw new Denied(message, { cause: null, missing }, decision);
  }
  return collected;
}
