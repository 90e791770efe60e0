/**
 * What of a walkthrough a lane cannot do, and what that means for the steps after it: a step that builds on one that was
 * not done shows nothing, whatever comes of it.
 */
import { type ActionName, isCeremony, type Step, type Walkthrough } from './schema.ts';

/** What is given beside keys. */
export const GIVEN_KINDS = ['phones', 'networks', 'wifi', 'fingerprint'] as const;
export type GivenKind = (typeof GIVEN_KINDS)[number];

/** Why there is nothing of a kind; a kind that is not named is there. */
export type Lacks = Readonly<Partial<Record<GivenKind, string>>>;

const isGiven = (given: Walkthrough['given'], kind: GivenKind): boolean =>
  typeof given[kind] === 'object' ? Object.keys(given[kind]).length > 0 : given[kind] !== undefined;

/** Why nothing of a walkthrough can be shown: something that is given is not there. Null: all of it is. */
export function lackOf(given: Walkthrough['given'], lacks: Lacks): string | null {
  const lacking = GIVEN_KINDS.filter((kind) => isGiven(given, kind)).flatMap((kind) => lacks[kind] ?? []);
  return lacking.length === 0 ? null : lacking.join('; ');
}

/** What they leave as it is, on disk and around the machine: what comes after them holds without them. */
const LEAVES_NO_TRACE: ReadonlySet<ActionName> = new Set<ActionName>(['daemon', 'restart', 'wait']);

/** Whether the steps after a step build on it. A ceremony whose daemon is killed has changed nothing. */
export const isBuiltOn = (step: Step): boolean =>
  !LEAVES_NO_TRACE.has(step.action) && !(isCeremony(step) && step.value.killAt !== undefined);

/** For each step after one that was not done. @param at index of that one */
export const builtOnWords = (at: number, { action }: Step): string =>
  `it comes after step ${at + 1} (${action}), which was not done`;
