/**
 * One element of a condition, made ready: what it asks for, what was found, and whether that holds. Verdict and reasons
 * come of the same predicates: {@link Matcher.holds} is asked for every verdict and builds nothing, {@link Matcher.match}
 * is asked when somebody wants to read why.
 */
import { closest, type ElementReason, element, type Match } from './element.ts';

/** An element held against candidates: an interface, a device, an association. */
export interface Check<C> {
  /** Name in the rule language. */
  readonly name: string;
  readonly holds: (candidate: C) => boolean;
  /** @param candidate or what stands for none */
  readonly expected: (candidate: C | null) => string;
  readonly found: (candidate: C) => string | null;
  /** Who said what was found. */
  readonly source?: (candidate: C) => string | null;
}

/** What a condition is held against: everything that could match, and what words are made of where there is none. */
export interface View<C> {
  readonly candidates: readonly C[];
  readonly none: C | null;
}

export interface Matcher<C> {
  readonly holds: (view: View<C>) => boolean;
  readonly match: (view: View<C>) => Match;
}

export interface MatcherParts<C> {
  readonly checks: readonly Check<C>[];
  /** Of elements of one name: `all` have to hold, or `any`. */
  readonly repeated: 'all' | 'any';
  readonly where: (candidate: C) => string;
}

/** One candidate has to satisfy all of it: elements of two of them never add up. Without an element nothing matches. */
export function matcherOf<C>({ checks, repeated, where }: MatcherParts<C>): Matcher<C> {
  const names = [...new Set(checks.map(({ name }) => name))];
  const groups = names.map((name) => checks.filter((check) => check.name === name));
  const holdsOn = (candidate: C): boolean => {
    if (checks.length === 0) return false;
    if (repeated === 'all') return checks.every((check) => check.holds(candidate));
    return groups.every((group) => group.some((check) => check.holds(candidate)));
  };
  const reasons = (candidate: C): ElementReason[] =>
    checks.map(({ name, expected, found, holds, source }) =>
      element(name, expected(candidate), found(candidate), holds(candidate), source?.(candidate) ?? null),
    );
  return {
    holds: ({ candidates }) => candidates.some(holdsOn),
    match: ({ candidates, none }) =>
      closest(
        candidates.map((candidate) => ({
          ok: holdsOn(candidate),
          where: where(candidate),
          elements: reasons(candidate),
        })),
        checks.map(({ name, expected }) => element(name, expected(none), null, false)),
      ),
  };
}
