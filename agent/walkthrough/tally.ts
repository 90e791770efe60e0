/**
 * What came of whole runs. A run has passed when it got to its end, no step failed or was skipped, and at least one passed:
 * steps that a lane cannot do are counted and listed, and never make a run pass. Pure.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Outcome, StepResult } from './run.ts';
import type { Walkthrough } from './schema.ts';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly notHere: number;
  /** The run ended before it got to them. */
  readonly notReached: number;
}

/** One walkthrough on one lane, as it was when it ended. */
export interface WalkthroughRun {
  /** What the command line calls it. */
  readonly file: string;
  readonly walkthrough: Walkthrough;
  readonly results: readonly StepResult[];
  /** Why it did not get to its end; null: it did. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly spanMs: Milliseconds;
}

export function tallyOf({ results, walkthrough }: Pick<WalkthroughRun, 'results' | 'walkthrough'>): Tally {
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length;
  return {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    notHere: count('not here'),
    notReached: walkthrough.steps.length - results.length,
  };
}

export const addTallies = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
  notHere: a.notHere + b.notHere,
  notReached: a.notReached + b.notReached,
});

export const NO_TALLY: Tally = { passed: 0, failed: 0, skipped: 0, notHere: 0, notReached: 0 };

/** Why a run has not passed, in words; null: it has. @param strict steps that are not on the lane do not do either */
export function shortcoming(run: WalkthroughRun, strict = false): string | null {
  const { passed, failed, skipped, notHere, notReached } = tallyOf(run);
  if (run.error !== null) return `it did not get to its end: ${run.error.message} (${run.error.code})`;
  if (failed > 0) return `${failed} ${failed === 1 ? 'step' : 'steps'} failed`;
  if (notReached > 0) return `${notReached} ${notReached === 1 ? 'step was' : 'steps were'} not reached`;
  if (skipped > 0) return `${skipped} ${skipped === 1 ? 'step was' : 'steps were'} skipped`;
  if (passed === 0) return 'no step passed: on this lane it shows nothing';
  if (strict && notHere > 0) return `${notHere} ${notHere === 1 ? 'step is' : 'steps are'} not on this lane`;
  return null;
}

/** `5 passed, 1 failed, 2 not on this lane`. */
export function tallyWords({ passed, failed, skipped, notHere, notReached }: Tally): string {
  const parts = [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(notHere > 0 ? [`${notHere} not on this lane`] : []),
    ...(notReached > 0 ? [`${notReached} not reached`] : []),
  ];
  return parts.join(', ');
}
