/**
 * The sets of factors that satisfy several policies at once, for what is to open only to whoever passes all of them.
 */
import type { FactorKind } from '../../drivers/signal.ts';
import { absorbSupersets, CANONICAL_ORDER, compareFactors, familyOf } from './requirement.ts';

type Sets = readonly (readonly FactorKind[])[];

/** In canonical order; null: the phone and the network are one factor and cannot both be asked for. */
function union(a: readonly FactorKind[], b: readonly FactorKind[]): readonly FactorKind[] | null {
  const factors = CANONICAL_ORDER.filter((factor) => a.includes(factor) || b.includes(factor));
  return new Set(factors.map(familyOf)).size === factors.length ? factors : null;
}

function both(joint: Sets, sets: Sets): Sets {
  const unions = joint.flatMap((a) => sets.map((b) => union(a, b)));
  return absorbSupersets(unions.filter((factors) => factors !== null));
}

/** @returns the smallest sets, in canonical order; empty: nothing satisfies all of them */
export function jointSets([first = [], ...others]: readonly Sets[]): Sets {
  return others.reduce(both, first).toSorted(compareFactors);
}
