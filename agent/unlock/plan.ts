/**
 * Which factor to ask for next. Pairs are tried in the order in which the policy writes them: the first of list A with
 * the first of list B and so on, passing over pairs of which a factor cannot be had in this attempt.
 */
import type { FactorKind, FactorSignal } from '../../drivers/signal.ts';
import type { Decision } from '../policy/decision.ts';
import { familyOf, type UnlockPolicy } from '../policy/model.ts';
import type { UnlockPlan } from './state.ts';

/** The pairs of two different factors as the policy writes them, list A in front. */
export function pairsInOrder(policy: Pick<UnlockPolicy, 'first' | 'then'>): readonly (readonly FactorKind[])[] {
  return policy.first.flatMap((a) => policy.then.filter((b) => familyOf(a) !== familyOf(b)).map((b) => [a, b]));
}

const sameSet = (a: readonly FactorKind[], b: readonly FactorKind[]): boolean =>
  a.length === b.length && a.every((factor) => b.includes(factor));

/**
 * The next factor that would help, or null when no pair can be completed any more.
 * Pairs of which no device is missing come first, then those that need the fewest more factors, so that what is there
 * is used.
 */
export function nextFactor(
  plan: UnlockPlan,
  decision: Decision,
  givenUp: ReadonlyMap<FactorKind, FactorSignal>,
): FactorKind | null {
  let best: { readonly needed: readonly FactorKind[]; readonly cost: number } | null = null;
  for (const pair of pairsInOrder(plan.policy)) {
    const reason = decision.reasons.children.find(({ branch }) => sameSet(branch.factors, pair));
    if (reason === undefined || reason.refusedAsAsserted) continue;
    const open = reason.children.filter(({ ok }) => !ok);
    const needed = pair.filter((f) => open.some(({ factor }) => factor === f));
    if (needed.length === 0 || needed.some((f) => givenUp.has(f))) continue;
    const absent = open.some(({ finding }) => finding.is === 'unavailable');
    const cost = needed.length + (absent ? pair.length : 0);
    if (best === null || cost < best.cost) best = { needed, cost };
  }
  return best?.needed[0] ?? null;
}
