/** Shows generated policies and snapshots to both evaluators and counts what they say. */
import { evaluate } from '../../agent/policy/evaluate.ts';
import type { UnlockPolicy } from '../../agent/policy/model.ts';
import { monotonicMs } from '../../drivers/base/brand.ts';
import type { FactorSignal, SignalKind } from '../../drivers/signal.ts';
import { SeededDice } from './dice.ts';
import { type PlainVerdict, plainVerdict } from './evaluator.ts';
import type { Facts } from './facts.ts';
import { generatedPolicy } from './generate-policy.ts';
import { generatedFacts } from './generate-snapshot.ts';

export interface Tally {
  pairs: number;
  policies: number;
  granted: number;
  denied: number;
  /** Grants by how many of their factors the TPM enforces. */
  readonly grantedBy: Record<'bound-2' | 'bound-1' | 'asserted', number>;
  /** Cases that were not decided alike, with what it takes to see them again. */
  readonly disagreements: string[];
}

const STRENGTHS = ['asserted', 'bound-1', 'bound-2'] as const;
const MAX_REPORTED = 5;
/** Snapshots for each policy. */
const PER_POLICY = 20;

/** What the product says, in the words of the second evaluator; the tree of reasons has to agree with its verdict. */
function productVerdict(policy: UnlockPolicy, facts: Facts): PlainVerdict & { readonly treeAgrees: boolean } {
  const { machineSimulated, pinIsBound, user, localTime } = facts;
  const signals = facts.signals as unknown as ReadonlyMap<SignalKind, FactorSignal>;
  const decision = evaluate(policy, signals, monotonicMs(facts.now), { machineSimulated, pinIsBound, user, localTime });
  const granted = decision.verdict === 'granted';
  const { ok, children } = decision.reasons;
  const branch = granted ? children.find((child) => child.branch === decision.branch) : undefined;
  return {
    granted,
    bound: granted ? STRENGTHS.indexOf(decision.strength) : null,
    missing: decision.missing.map((way) => [...way].sort().join('+')).sort(),
    treeAgrees: ok === granted && (branch === undefined ? !granted : branch.ok),
  };
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner instanceof Map
      ? Object.fromEntries(inner)
      : typeof inner === 'number' && !Number.isFinite(inner)
        ? String(inner)
        : inner,
  );

/**
 * @param pairs how many at least
 * @param seed each policy has a seed of its own, derived from it, which is named with a disagreement
 */
export function compareEvaluators(pairs: number, seed: number): Tally {
  const tally: Tally = {
    pairs: 0,
    policies: 0,
    granted: 0,
    denied: 0,
    grantedBy: { 'bound-2': 0, 'bound-1': 0, asserted: 0 },
    disagreements: [],
  };
  while (tally.pairs < pairs) {
    const policySeed = (Math.imul(seed, 0x01000193) ^ Math.imul(tally.policies + 1, 0x9e3779b1)) >>> 0;
    const dice = new SeededDice(policySeed);
    const policy = generatedPolicy(dice);
    tally.policies++;
    for (let i = 0; i < PER_POLICY; i++) {
      const facts = generatedFacts(dice, policy);
      const plain = plainVerdict(policy, facts);
      const { treeAgrees, ...ours } = productVerdict(policy, facts);
      tally.pairs++;
      if (ours.granted) tally.granted++;
      else tally.denied++;
      if (ours.bound !== null) tally.grantedBy[STRENGTHS[ours.bound] ?? 'asserted']++;
      if (treeAgrees && JSON.stringify(plain) === JSON.stringify(ours)) continue;
      if (tally.disagreements.length < MAX_REPORTED) {
        const { require, acceptAsserted, rules, windows, matching, freshnessSeconds } = policy;
        const told = { require, acceptAsserted, rules, windows, matching, freshnessSeconds };
        tally.disagreements.push(
          `policy seed ${policySeed}, snapshot ${i}${treeAgrees ? '' : ' (its reasons do not agree with its verdict)'}\n` +
            `  ours:   ${shown(ours)}\n  second: ${shown(plain)}\n  policy: ${shown(told)}\n  facts:  ${shown(facts)}`,
        );
      } else tally.disagreements.push(`policy seed ${policySeed}, snapshot ${i}`);
    }
  }
  return tally;
}

export const tallyLines = ({
  pairs,
  policies,
  granted,
  denied,
  grantedBy,
  disagreements,
}: Tally): readonly string[] => {
  const share = (count: number): string => `${((100 * count) / pairs).toFixed(1)} %`;
  return [
    `${pairs} pairs of ${policies} policies: ${granted} granted (${share(granted)}), ${denied} denied (${share(denied)})`,
    `granted by bound-2 ${share(grantedBy['bound-2'])}, bound-1 ${share(grantedBy['bound-1'])}, asserted ${share(grantedBy.asserted)}`,
    `${disagreements.length} disagreements`,
    ...disagreements.slice(0, 20),
  ];
};
