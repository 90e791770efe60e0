/**
 * One line of the benchmark: what was measured, against what, and whether the limit was kept. The ratio is ours to the
 * other's at the median; where there is no other program but a limit (memory, wake-ups) it is our value to the limit.
 */
import { type Quantiles, quantilesOf } from './quantiles.ts';

export interface NamedQuantiles extends Quantiles {
  readonly name: string;
}

export interface Lane {
  readonly name: string;
  readonly n: number;
  readonly unit: string;
  readonly ours: Quantiles;
  readonly other: (Quantiles & { readonly what: string }) | null;
  readonly ratio: number | null;
  readonly limit: number | null;
  readonly ok: boolean;
  /** What the other's time consists of, each measured bare. */
  readonly parts?: readonly NamedQuantiles[];
  /** What was subtracted from ours. */
  readonly apart?: readonly NamedQuantiles[];
}

export interface Compared {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly other: { readonly what: string; readonly samples: readonly number[] };
  /** Largest ratio that is still good; null: none is named. */
  readonly limit: number | null;
  readonly parts?: Readonly<Record<string, readonly number[]>>;
  readonly apart?: Readonly<Record<string, readonly number[]>>;
}

const named = (series: Readonly<Record<string, readonly number[]>>): NamedQuantiles[] =>
  Object.entries(series).map(([name, samples]) => ({ name, ...quantilesOf(samples) }));

/** @throws {TypeError} when a series is empty or the other took no time at all */
export function comparedLane({ name, unit, ours, other, limit, parts, apart }: Compared): Lane {
  const mine = quantilesOf(ours);
  const theirs = quantilesOf(other.samples);
  if (theirs.p50 <= 0) throw new TypeError(`${name}: the other's median is not positive`);
  const ratio = mine.p50 / theirs.p50;
  return {
    name,
    n: ours.length,
    unit,
    ours: mine,
    other: { what: other.what, ...theirs },
    ratio,
    limit,
    ok: limit === null || ratio <= limit,
    ...(parts === undefined ? {} : { parts: named(parts) }),
    ...(apart === undefined ? {} : { apart: named(apart) }),
  };
}

/** @param most the median, or the quantile `at`, has to stay at or below it; with `below`, below it */
export function boundedLane(
  name: string,
  unit: string,
  samples: readonly number[],
  most: number,
  options: { readonly below?: boolean; readonly at?: 'p50' | 'p95' } = {},
): Lane {
  const ours = quantilesOf(samples);
  const value = ours[options.at ?? 'p50'];
  const ok = options.below === true ? value < most : value <= most;
  return { name, n: samples.length, unit, ours, other: null, ratio: value / most, limit: most, ok };
}
