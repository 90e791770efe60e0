/** Runs that were never run, for tests of what is made of them. */
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import type { Outcome, StepResult } from '../../../agent/walkthrough/run.ts';
import type { Step, Walkthrough } from '../../../agent/walkthrough/schema.ts';
import type { WalkthroughRun } from '../../../agent/walkthrough/tally.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';

/** A walkthrough of so many steps that lock. */
export const lockSteps = (count: number): Walkthrough =>
  readWalkthrough(`{walkthrough: 1, name: n, about: a, steps: [${'{lock: true},'.repeat(count)}]}`, checkedDocument);

export const step = lockSteps(1).steps[0] as Step;

export const stepResult = (outcome: Outcome, more: Partial<StepResult> = {}): StepResult => ({
  step,
  outcome,
  why: outcome === 'passed' ? [] : [`${outcome}: why`, 'more'],
  asked: null,
  startMs: milliseconds(1000),
  endMs: milliseconds(2500),
  ...more,
});

/** @param options `steps`: how many there are, where the run did not get to all of them; `error`: a code */
export const run = (options: {
  readonly name: string;
  readonly outcomes: readonly Outcome[];
  readonly steps?: number;
  readonly error?: string;
}): WalkthroughRun => ({
  file: `${options.name.toLowerCase()}.yaml`,
  walkthrough: { ...lockSteps(options.steps ?? options.outcomes.length), name: options.name },
  results: options.outcomes.map((outcome) => stepResult(outcome)),
  error: options.error === undefined ? null : { code: options.error, message: 'broken' },
  spanMs: milliseconds(6000),
});
