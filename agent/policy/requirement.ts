/**
 * What a context asks for, as a tree, and the tree as alternatives. A factor is spent once: whoever satisfies two parts
 * of an `all` or two of an `atLeast` does so with two different factors (Windows rule V4). The phone and the network are
 * one factor here, Windows' Trusted Signal (V2, V3).
 */
import type { FactorKind } from '../../drivers/signal.ts';
import { factorOfRule, type SignalRule } from './rules.ts';

/** `trustedSignal`: the phone or the network, whatever the rules are of. `rule:NAME`: that one rule. */
export type FactorName = FactorKind | 'trustedSignal' | `rule:${string}`;

export type Requirement =
  | FactorName
  | { readonly any: readonly Requirement[] }
  | { readonly all: readonly Requirement[] }
  | { readonly atLeast: number; readonly of: readonly Requirement[] }
  /** Only within the time window of that name. A gate: no TPM can check the time of day. */
  | { readonly during: string; readonly need: Requirement };

export type FactorFamily = Exclude<FactorKind, 'phone' | 'network'> | 'trustedSignal';

export const familyOf = (factor: FactorKind): FactorFamily =>
  factor === 'phone' || factor === 'network' ? 'trustedSignal' : factor;

/** One alternative: every factor, within every window; its phone or network by one of `rules`. */
export interface FactorSet {
  /** Canonical order, no family twice. */
  readonly factors: readonly FactorKind[];
  /** Names of rules, in the order of the policy; empty: no phone and no network in it. */
  readonly rules: readonly string[];
  /** Names of windows, sorted. */
  readonly during: readonly string[];
}

/** Assertions first; the PIN before the security key, so that a wrong PIN is refused before a touch is asked for. */
export const CANONICAL_ORDER = ['fingerprint', 'face', 'phone', 'network', 'pin', 'securityKey'] as const;

const ORDER: ReadonlyMap<FactorKind, number> = new Map(CANONICAL_ORDER.map((factor, index) => [factor, index]));
const indexOf = (factor: FactorKind): number => ORDER.get(factor) ?? CANONICAL_ORDER.length;

export const compareFactors = (a: readonly FactorKind[], b: readonly FactorKind[]): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = indexOf(a[i] as FactorKind) - indexOf(b[i] as FactorKind);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
};

const isSubset = (a: readonly string[], b: readonly string[]): boolean => a.every((entry) => b.includes(entry));

/** The sets of which no other one is a subset: whatever satisfies the larger one satisfies the smaller one too. */
export function absorbSupersets(sets: readonly (readonly FactorKind[])[]): (readonly FactorKind[])[] {
  const unique = sets.filter((set, i) => sets.findIndex((other) => compareFactors(set, other) === 0) === i);
  return unique.filter((set) => !unique.some((other) => other.length < set.length && isSubset(other, set)));
}

const NOTHING: FactorSet = { factors: [], rules: [], during: [] };

const keyOf = ({ factors, during }: FactorSet): string => `${factors.join()} ${during.join()}`;

function together(a: FactorSet, b: FactorSet): FactorSet | null {
  const families = new Set(a.factors.map(familyOf));
  if (b.factors.some((factor) => families.has(familyOf(factor)))) return null;
  return {
    factors: [...a.factors, ...b.factors].sort((x, y) => indexOf(x) - indexOf(y)),
    // At most one of the two has a phone or a network.
    rules: a.rules.length > 0 ? a.rules : b.rules,
    during: [...new Set([...a.during, ...b.during])].sort(),
  };
}

/** Alternatives of the same factors and windows become one that any of their rules satisfies. */
function merged(sets: readonly FactorSet[], order: readonly string[]): FactorSet[] {
  const byKey = new Map<string, FactorSet>();
  for (const set of sets) {
    const known = byKey.get(keyOf(set));
    const rules = known === undefined ? set.rules : union(known.rules, set.rules, order);
    byKey.set(keyOf(set), { ...set, rules });
  }
  return [...byKey.values()];
}

function union(a: readonly string[], b: readonly string[], order: readonly string[]): readonly string[] {
  if (a === b) return a;
  const either = new Set([...a, ...b]);
  return order.filter((name) => either.has(name));
}

/**
 * Whatever satisfies `set` satisfies `other`, rules aside. A single factor absorbs no two of them: alone it grants
 * nothing, and the two do.
 */
const isCoveredBy = (set: FactorSet, other: FactorSet): boolean =>
  other !== set &&
  (other.factors.length >= 2 || other.factors.length === set.factors.length) &&
  isSubset(other.factors, set.factors) &&
  isSubset(other.during, set.during);

/** A set without the rules by which a smaller one is satisfied too; null: nothing of it is left. */
function withoutCovered(set: FactorSet, sets: readonly FactorSet[]): FactorSet | null {
  const smaller = sets.filter((other) => isCoveredBy(set, other));
  if (smaller.length === 0) return set;
  if (smaller.some(({ rules }) => rules.length === 0)) return null;
  const covered = new Set(smaller.flatMap(({ rules }) => rules));
  const rules = set.rules.filter((name) => !covered.has(name));
  return rules.length === 0 ? null : { ...set, rules };
}

const absorbed = (sets: readonly FactorSet[]): FactorSet[] => sets.flatMap((set) => withoutCovered(set, sets) ?? []);

/** Pairs of alternatives that are looked at for one requirement; a document that needs more is refused when it is read. */
const MOST_PAIRS = 500_000;

const TOO_MANY = Symbol('too many alternatives');

class Expansion {
  readonly #rules: readonly SignalRule[];
  readonly #names: readonly string[];
  #left: number;

  /** @param pairs that it may look at */
  constructor(rules: readonly SignalRule[], pairs = Number.POSITIVE_INFINITY) {
    this.#rules = rules;
    this.#names = rules.map(({ name }) => name);
    this.#left = pairs;
  }

  /** Before the work, so that it is never begun. */
  #spend(pairs: number): void {
    this.#left -= pairs;
    if (this.#left < 0) throw TOO_MANY;
  }

  #ofRules(rules: readonly SignalRule[]): FactorSet[] {
    return (['phone', 'network'] as const).flatMap((factor) => {
      const names = rules.filter((rule) => factorOfRule(rule) === factor).map(({ name }) => name);
      return names.length === 0 ? [] : [{ factors: [factor], rules: names, during: [] }];
    });
  }

  #ofName(name: FactorName): FactorSet[] {
    if (name === 'trustedSignal') return this.#ofRules(this.#rules);
    if (name === 'phone' || name === 'network')
      return this.#ofRules(this.#rules.filter((r) => factorOfRule(r) === name));
    if (name.startsWith('rule:')) return this.#ofRules(this.#rules.filter((rule) => `rule:${rule.name}` === name));
    return [{ factors: [name as FactorKind], rules: [], during: [] }];
  }

  #simplify(sets: readonly FactorSet[]): FactorSet[] {
    const distinct = new Set(sets.map(keyOf)).size;
    // What is merged goes through the names of all rules each time.
    this.#spend((sets.length - distinct) * Math.ceil(this.#names.length / 100) + distinct ** 2);
    return absorbed(merged(sets, this.#names));
  }

  /** Ways to satisfy `count` of the parts, each with factors of its own. */
  #some(count: number, parts: readonly (readonly FactorSet[])[]): FactorSet[] {
    // ways[k]: with k of the parts seen so far.
    let ways: FactorSet[][] = [[NOTHING], ...Array.from({ length: count }, (): FactorSet[] => [])];
    for (const part of parts) {
      ways = ways.map((already, k) => {
        const before = ways[k - 1] ?? [];
        this.#spend(before.length * part.length);
        const taken = before.flatMap((way) => part.flatMap((set) => together(way, set) ?? []));
        return this.#simplify([...already, ...taken]);
      });
    }
    return ways[count] ?? [];
  }

  of(requirement: Requirement): FactorSet[] {
    if (typeof requirement === 'string') return this.#ofName(requirement);
    if ('any' in requirement) return this.#simplify(requirement.any.flatMap((part) => this.of(part)));
    if ('all' in requirement) {
      return this.#some(
        requirement.all.length,
        requirement.all.map((part) => this.of(part)),
      );
    }
    if ('atLeast' in requirement) {
      return this.#some(
        requirement.atLeast,
        requirement.of.map((part) => this.of(part)),
      );
    }
    const windows = (set: FactorSet) => [...new Set([...set.during, requirement.during])].sort();
    return this.of(requirement.need).map((set) => ({ ...set, during: windows(set) }));
  }
}

/** The alternatives of a requirement with at least two factors each, supersets absorbed, in canonical order. */
export function factorSetsOf(requirement: Requirement, rules: readonly SignalRule[]): readonly FactorSet[] {
  const sets = new Expansion(rules).of(requirement).filter(({ factors }) => factors.length >= 2);
  return sets.sort((a, b) => compareFactors(a.factors, b.factors) || (a.during.join() < b.during.join() ? -1 : 1));
}

/**
 * Whether the alternatives of a requirement can be worked out in a bounded time: parts that differ in their time windows
 * multiply, so that a small document may have more of them than anybody could wait for.
 */
export function isBounded(requirement: Requirement, rules: readonly SignalRule[]): boolean {
  try {
    new Expansion(rules, MOST_PAIRS).of(requirement);
    return true;
  } catch (error) {
    if (error === TOO_MANY) return false;
    throw error;
  }
}

/** Every name that a requirement mentions, once, in order. */
export function namesIn(requirement: Requirement): readonly FactorName[] {
  if (typeof requirement === 'string') return [requirement];
  if ('need' in requirement) return namesIn(requirement.need);
  const parts = 'any' in requirement ? requirement.any : 'all' in requirement ? requirement.all : requirement.of;
  return [...new Set(parts.flatMap(namesIn))];
}

/** Every factor that a requirement can ask for. */
export const factorsIn = (requirement: Requirement): readonly FactorKind[] => [
  ...new Set(
    namesIn(requirement).flatMap((name): readonly FactorKind[] =>
      name === 'trustedSignal' || name.startsWith('rule:') ? ['phone', 'network'] : [name as FactorKind],
    ),
  ),
];
