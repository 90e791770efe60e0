/** Shows generated cases to the targets and counts what became of them. Whatever is not a value or a typed error is kept. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../drivers/base/clock.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { Dice } from './mutate.ts';
import type { Target } from './targets.ts';

export interface Result {
  readonly name: string;
  readonly cases: number;
  readonly values: number;
  readonly typedErrors: number;
  /** What should not have been thrown, with the seed of its case. */
  readonly faults: readonly string[];
  /** Milliseconds. */
  readonly took: number;
  readonly slowest: number;
  /** Bytes by which the heap is larger afterwards, collected. */
  readonly heapGrowth: number;
}

const MAX_FAULTS = 10;

/** A collected heap. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}

/** @param progress told before every case: for a watchdog that is no part of this thread */
export async function runTarget(
  target: Target,
  cases: number,
  seed: number,
  progress: (done: number) => void = () => undefined,
): Promise<Result> {
  const faults: string[] = [];
  let [values, typedErrors, slowest] = [0, 0, 0];
  const heapBefore = heapUsed();
  const begun = systemClock.now();
  for (let number = 0; number < cases; number++) {
    progress(number);
    const caseSeed = (Math.imul(seed, 0x01000193) ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0;
    const started = systemClock.now();
    try {
      const read = target.read(new Dice(caseSeed));
      const value = read instanceof Promise ? await read : read;
      if (value === false) typedErrors++;
      else values++;
    } catch (error) {
      if (isUnlockdError(error)) typedErrors++;
      else if (faults.length < MAX_FAULTS) {
        faults.push(`case ${caseSeed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
    }
    slowest = Math.max(slowest, systemClock.now() - started);
  }
  const took = systemClock.now() - begun;
  const heapGrowth = heapUsed() - heapBefore;
  return { name: target.name, cases, values, typedErrors, faults, took, slowest, heapGrowth };
}
