/**
 * What a granted decision says of a factor that is only observed, for the signer that has it asserted to the TPM. It is
 * judged once more at the moment of signing, by the same rules and on the same signals, so that what has become stale
 * since the grant is not asserted any more.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, FactorSignal } from '../../drivers/signal.ts';
import type { Decision, FactorReason } from './decision.ts';
import { evaluate, situationOf } from './evaluate.ts';

/** A factor that holds now. */
export interface ObservedFactor {
  /** The signals that it rests on; at least one. */
  readonly signals: readonly FactorSignal[];
  /** Whom the decision was made for; null: nobody in particular. */
  readonly user: number | null;
}

const kindsOf = (leaf: FactorReason): readonly FactorSignal['kind'][] => {
  if (leaf.factor !== 'phone' && leaf.factor !== 'network') return [leaf.factor];
  const held = leaf.children.find(({ ok }) => ok);
  return held === undefined ? [] : [...new Set(held.children.map(({ type }) => type))];
};

/**
 * @param decision of `evaluate()`; any other object asserts nothing
 * @returns null: the decision does not grant by this factor, or it does not hold any more
 */
export function observedIn(decision: Decision, factor: FactorKind, now: MonotonicMs): ObservedFactor | null {
  const situation = situationOf(decision);
  if (situation === undefined || decision.verdict !== 'granted' || !decision.branch.factors.includes(factor))
    return null;
  const { prepared, snapshot, options } = situation;
  const again = evaluate(prepared.policy, snapshot, now, options);
  const { factors, rules } = decision.branch;
  const leaf = again.reasons.children
    .filter(({ branch }) => branch.factors.join() === factors.join() && branch.rules.join() === rules.join())
    .flatMap(({ children }) => children)
    .find((child) => child.factor === factor && child.ok);
  if (leaf === undefined) return null;
  const kinds = kindsOf(leaf);
  const signals = kinds.flatMap((kind) => snapshot.get(kind) ?? []);
  if (kinds.length === 0 || signals.length !== kinds.length) return null;
  return { signals, user: options.user ?? null };
}
