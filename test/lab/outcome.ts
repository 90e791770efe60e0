/**
 * What one run of a walkthrough in the guest is worth. It has passed only when the guest ended in order with 0 and every
 * step of the file is there, in its turn, and none failed. Steps that this lane cannot do are told apart and counted.
 */
import type { Verdict } from './guest-image/verdict.ts';

export interface StepLine {
  readonly index: number;
  readonly action: string;
  readonly outcome: 'passed' | 'failed' | 'not here' | 'skipped';
  readonly why: readonly string[];
  /** On the guest's clock. */
  readonly ms: number;
}

export interface LabOutcome {
  /** `lab failed`: says nothing of what was to be shown. */
  readonly word: 'passed' | 'FAILED' | 'lab failed';
  readonly notHere: readonly StepLine[];
  /** Why it has not passed. */
  readonly why: readonly string[];
}

const OUTCOMES: readonly unknown[] = ['passed', 'failed', 'not here', 'skipped'];

/** @returns null for what is no step: the guest ended while it wrote, or something else is wrong */
function stepOf(line: string): StepLine | null {
  try {
    const step: unknown = JSON.parse(line);
    if (typeof step !== 'object' || step === null) return null;
    const { index, action, outcome, why, ms } = step as Readonly<Record<string, unknown>>;
    const isStep =
      typeof index === 'number' &&
      typeof action === 'string' &&
      OUTCOMES.includes(outcome) &&
      Array.isArray(why) &&
      why.every((each) => typeof each === 'string') &&
      typeof ms === 'number';
    return isStep ? (step as StepLine) : null;
  } catch {
    return null;
  }
}

/**
 * @param expected actions of the walkthrough's steps, in order
 * @param steps the lines that the guest left; null: none
 */
export function outcomeOf(verdict: Verdict, expected: readonly string[], steps: string | null): LabOutcome {
  const lines = (steps ?? '').split('\n').filter((line) => line !== '');
  const read = lines.map(stepOf);
  const known = read.filter((step) => step !== null);
  const notHere = known.filter(({ outcome }) => outcome === 'not here' || outcome === 'skipped');
  if (verdict.type === 'lab-failed') return { word: 'lab failed', notHere, why: [verdict.why] };
  const why: string[] = [];
  if (verdict.status !== 0) why.push(`the run ended with ${verdict.status}`);
  if (expected.length === 0) why.push('no step was expected');
  if (read.length !== expected.length) why.push(`${read.length} of ${expected.length} steps are there`);
  for (const [index, action] of expected.entries()) {
    const step = read[index];
    if (step === undefined) continue;
    if (step === null || step.index !== index || step.action !== action) why.push(`step ${index + 1} is no ${action}`);
    else if (step.outcome === 'failed') why.push(`step ${index + 1} ${action}: ${step.why.join('; ')}`);
  }
  return { word: why.length === 0 ? 'passed' : 'FAILED', notHere, why };
}
