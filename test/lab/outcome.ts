/**
 * What one run of a walkthrough in the guest is worth. It has passed only when the guest ended in order with 0, and
 * `unlockctl` told of every step of the file, in its turn, and of none that failed. Steps that this lane cannot do are told
 * apart and counted. A lane that broke is a failure of the lab: it says nothing of what was to be shown.
 */
import type { Verdict } from './guest-image/verdict.ts';

/** What lies in the folder that the guest shares: the walkthrough, what `unlockctl` says, its report. */
export const JOB_FOLDER = 'walkthrough';
export const RESULT = 'result.json';
export const REPORT = 'report.html';
export const STRANGERS = 'strangers.json';

export interface LabStep {
  readonly number: number;
  readonly action: string;
  readonly outcome: 'passed' | 'failed' | 'not here' | 'skipped';
  readonly why: readonly string[];
  /** Milliseconds on the guest's clock since the run began. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface LabOutcome {
  readonly word: 'passed' | 'FAILED' | 'lab failed';
  readonly steps: readonly LabStep[];
  /** Why it has not passed. */
  readonly why: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const OUTCOMES: readonly unknown[] = ['passed', 'failed', 'not here', 'skipped'];
const LANE_BROKE = /^ERR_LANE_/;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

function isStep(value: unknown): value is LabStep {
  if (!isFields(value)) return false;
  const { number, action, outcome, why, startMs, endMs } = value;
  return (
    [number, startMs, endMs].every((each) => typeof each === 'number') &&
    typeof action === 'string' &&
    OUTCOMES.includes(outcome) &&
    Array.isArray(why) &&
    why.every((each) => typeof each === 'string')
  );
}

interface Told {
  /** Null: what stands there is none. */
  readonly steps: readonly (LabStep | null)[];
  /** What kept it from its end. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What `unlockctl walkthrough run --json` has written. */
function toldBy(text: string): Told | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isFields(answer)) return null;
  const walkthroughs = isFields(answer.result) ? answer.result.walkthroughs : undefined;
  const run: unknown = Array.isArray(walkthroughs) ? walkthroughs[0] : answer;
  if (!isFields(run)) return null;
  const { error, steps } = run;
  const came = isFields(error) ? { code: String(error.code), message: String(error.message) } : null;
  return { steps: Array.isArray(steps) ? steps.map((step) => (isStep(step) ? step : null)) : [], error: came };
}

/**
 * @param expected actions of the walkthrough's steps, in order
 * @param result what `unlockctl` has written; null: nothing
 */
export function outcomeOf(verdict: Verdict, expected: readonly string[], result: string | null): LabOutcome {
  const told = result === null ? null : toldBy(result);
  const steps = (told?.steps ?? []).filter((step) => step !== null);
  if (verdict.type === 'lab-failed') return { word: 'lab failed', steps, why: [verdict.why] };
  if (told?.error != null && LANE_BROKE.test(told.error.code)) {
    return { word: 'lab failed', steps, why: [`${told.error.message} (${told.error.code})`] };
  }
  const why: string[] = [];
  if (verdict.status !== 0) why.push(`the run ended with ${verdict.status}`);
  if (told === null) why.push('unlockctl left no result');
  else if (told.error !== null) why.push(`${told.error.message} (${told.error.code})`);
  if (expected.length === 0) why.push('no step was expected');
  const count = told?.steps.length ?? 0;
  if (count !== expected.length) why.push(`${count} of ${expected.length} steps are there`);
  for (const [at, action] of expected.entries()) {
    const step = told?.steps[at];
    if (step === undefined) continue;
    if (step === null || step.number !== at + 1 || step.action !== action) why.push(`step ${at + 1} is no ${action}`);
    else if (step.outcome === 'failed') why.push(`step ${at + 1} ${action}: ${step.why.join('; ')}`);
  }
  return { word: why.length === 0 ? 'passed' : 'FAILED', steps, why };
}

/** What strangers said beside what the daemon said. @returns one line each, and what they do not agree on */
export function strangersSay(text: string | null): {
  readonly lines: readonly string[];
  readonly against: readonly string[];
} {
  let compared: unknown;
  try {
    compared = JSON.parse(text ?? '');
  } catch {
    return { lines: [], against: ['what the strangers of the guest say is not there'] };
  }
  const known = (Array.isArray(compared) ? compared : []).filter(isFields);
  const words = ({ what, ours, theirs }: Fields) =>
    ours === theirs ? `${what}: ${theirs}` : `${what}: ${theirs}, where the daemon says ${ours}`;
  return { lines: known.map(words), against: known.filter(({ ours, theirs }) => ours !== theirs).map(words) };
}

/** What was not done: the lane cannot. */
export const notHere = ({ steps }: LabOutcome): readonly LabStep[] =>
  steps.filter(({ outcome }) => outcome === 'not here' || outcome === 'skipped');
