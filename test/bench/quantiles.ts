/**
 * What is said about a series of measurements: its median and two upper quantiles, interpolated linearly between the
 * neighbouring ranks. Means are never shown: one pause of the machine would move them.
 */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** @throws {TypeError} for no samples at all, or for one that is no number */
export function quantilesOf(samples: readonly number[]): Quantiles {
  if (samples.length === 0) throw new TypeError('nothing was measured');
  if (!samples.every(Number.isFinite)) throw new TypeError('a measurement is no number');
  const sorted = [...samples].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99) };
}
