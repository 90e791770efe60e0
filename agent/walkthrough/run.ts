/**
 * Runs a walkthrough on a lane: step by step, each with a deadline, each held against what is expected of it. A step that
 * the lane cannot do is told apart from one that passed. After a step that failed the others are run all the same: what
 * they do then is evidence too.
 */
import { type Milliseconds, milliseconds, monotonicMs, seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { CarryOut } from './carry-out.ts';
import type { Lane } from './lane.ts';
import { builtOnWords, isBuiltOn, lackOf } from './not-here.ts';
import type { Asked } from './person.ts';
import { Pins } from './pins.ts';
import { isCeremony, type Step, type Walkthrough } from './schema.ts';
import { differences } from './verdict.ts';

/** `not here`: the lane cannot do it; `skipped`: the person said so. Neither has passed. */
export type Outcome = 'passed' | 'failed' | 'not here' | 'skipped';

export interface StepResult {
  readonly step: Step;
  readonly outcome: Outcome;
  /** What differs from what was expected, or why the lane cannot; nothing where it passed. */
  readonly why: readonly string[];
  /** Null: no ceremony, or none came about. */
  readonly asked: Asked | null;
  /** When it was begun and when it had ended, since the run began. */
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
}

export interface RunOptions {
  readonly lane: Lane;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  /** Told when everything that is given is there, and when a step begins. */
  readonly onStepBegun?: (step: Step, index: number) => void;
  /** Told after each step. */
  readonly onStep?: (result: StepResult, index: number) => void;
}

const ENROL_WITHIN = seconds(120);

const words = (error: unknown): string =>
  isUnlockdError(error) ? `${error.message} (${error.code})` : error instanceof Error ? error.message : String(error);

/** The event at which the daemon was to be killed did not come: what ended the ceremony was something else. */
function killMissed(step: Step, asked: Asked | null): readonly string[] {
  const killAt = isCeremony(step) ? step.value.killAt : undefined;
  if (killAt === undefined || asked === null) return [];
  if (asked.events.some((event) => event === killAt || event.startsWith(`${killAt} `))) return [];
  return [`the daemon was not killed at “${killAt}”: ${asked.events.join(', ')}`];
}

type Came = Omit<StepResult, 'startMs' | 'endMs'>;

/** A person who does not do a step says why; that ends the step and nothing else. */
const SKIPPED: string = 'ERR_OPERATOR_SKIPPED';

/** Which deadline a step has, and what it comes to. Never throws but for the caller's own signal. */
async function runStep(run: CarryOut, step: Step, { clock, signal }: RunOptions): Promise<Came> {
  const span = seconds(step.withinSeconds);
  using deadline = startDeadline(clock, span, { what: step.action, signal });
  let asked: Asked | null = null;
  let seen: readonly string[] = [];
  try {
    const logEnd = await deadline.race(run.logEnd(step, deadline.signal));
    const came = await deadline.race(run.carryOut(step, deadline.signal));
    if (typeof came === 'string') return { step, outcome: 'not here', why: [came], asked: null };
    asked = came;
    const last = (found: readonly string[]): void => {
      seen = found;
    };
    const afterwards = await deadline.race(run.afterwards(step, logEnd, last, deadline.signal));
    const why = [...differences(step.expect, asked), ...killMissed(step, asked), ...afterwards];
    return { step, outcome: why.length === 0 ? 'passed' : 'failed', why, asked };
  } catch (error) {
    signal.throwIfAborted();
    if (isUnlockdError(error) && error.code === SKIPPED)
      return { step, outcome: 'skipped', why: [error.message], asked };
    return { step, outcome: 'failed', why: [...seen, words(error)], asked };
  }
}

/**
 * Runs all steps. The lane has the keys and the policy that are given, its machine is set up, and nobody is enrolled.
 * @throws {ERR_WALKTHROUGH_NOT_GIVEN} when the person who is given cannot be enrolled; and the signal's reason
 */
export async function runWalkthrough(walkthrough: Walkthrough, options: RunOptions): Promise<readonly StepResult[]> {
  const { lane, clock, entropy, onStep, onStepBegun } = options;
  const signal = lane.ended === undefined ? options.signal : AbortSignal.any([options.signal, lane.ended]);
  const begun = clock.now();
  using pins = new Pins(entropy);
  using run = new CarryOut(lane, clock, pins, walkthrough);
  const { enrolled } = walkthrough.given;
  // Why no further step is done; null: they are.
  let undone = lackOf(walkthrough.given, lane.lacks ?? {});
  if (enrolled !== undefined && undone === null) {
    using deadline = startDeadline(clock, ENROL_WITHIN, { what: 'enrolling', signal });
    const { code, message } = await deadline.race(run.enrolGiven(enrolled, deadline.signal));
    if (code !== null)
      throw new UnlockdError('ERR_WALKTHROUGH_NOT_GIVEN', `nobody could be enrolled: ${message} (${code})`);
  }
  const results: StepResult[] = [];
  for (const [index, step] of walkthrough.steps.entries()) {
    onStepBegun?.(step, index);
    const endsAt = monotonicMs(clock.now() + seconds(step.withinSeconds));
    lane.begins?.(step, { index, of: walkthrough.steps.length, endsAt });
    const startMs = milliseconds(clock.now() - begun);
    const came =
      undone === null
        ? await runStep(run, step, { ...options, signal })
        : ({ step, outcome: 'not here', why: [undone], asked: null } as const);
    if (undone === null && ['not here', 'skipped'].includes(came.outcome) && isBuiltOn(step)) {
      undone = builtOnWords(index, step);
    }
    const result = { ...came, startMs, endMs: milliseconds(clock.now() - begun) };
    results.push(result);
    onStep?.(result, index);
  }
  return results;
}
