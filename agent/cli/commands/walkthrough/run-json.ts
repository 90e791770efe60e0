/** A run for programs: one line of JSON for each thing that happens, and at the end all of it. Secrets are in neither. */
import { stepWords } from '../../../report/step-words.ts';
import type { StepResult } from '../../../walkthrough/run.ts';
import { shortcoming, tallyOf, type WalkthroughRun } from '../../../walkthrough/tally.ts';
import type { Output } from '../../output.ts';
import type { Progress } from './progress.ts';

function stepFacts(result: StepResult, index: number): Readonly<Record<string, unknown>> {
  const { step, outcome, why, asked, startMs, endMs } = result;
  return {
    number: index + 1,
    action: step.action,
    what: stepWords(step),
    note: step.note,
    outcome,
    why,
    verdict: asked?.verdict ?? null,
    code: asked?.code ?? null,
    reasons: asked?.reasons ?? [],
    events: asked?.events ?? [],
    startMs: Math.round(startMs),
    endMs: Math.round(endMs),
  };
}

/** @param strict whether steps that are not on the lane keep it from having passed */
export function runFacts(run: WalkthroughRun, strict: boolean): Readonly<Record<string, unknown>> {
  const { file, walkthrough, results, error, spanMs } = run;
  const why = shortcoming(run, strict);
  return {
    file,
    name: walkthrough.name,
    passed: why === null,
    why,
    error,
    tally: tallyOf(run),
    spanMs: Math.round(spanMs),
    steps: results.map(stepFacts),
  };
}

export function jsonProgress(output: Output): Progress {
  const note = (event: Readonly<Record<string, unknown>>) => output.note('', event);
  return {
    begun: (title) => note({ type: 'begun', title }),
    busy: (words) => note({ type: 'busy', words }),
    stepBegun: (step, index) => note({ type: 'step', number: index + 1, action: step.action, what: stepWords(step) }),
    event: (words) => note({ type: 'event', event: words }),
    stepEnded: (result, index) => note({ type: 'ended', ...stepFacts(result, index) }),
    say: (words) => note({ type: 'said', words: words.trim() }),
    [Symbol.dispose]: () => undefined,
  };
}
