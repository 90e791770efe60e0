/**
 * What one condition of a rule asks of a single interface, association or device. "One exists that is so" is an element
 * of the comparison of policies. Which of them can be so together is read off concrete ones (`options`), judged by the
 * very matchers that `evaluate()` uses, never off a second idea of what the rules mean.
 */
import type { BluetoothDevice, IpInterface, WifiAssociation } from '../../../drivers/observation.ts';
import type { SurroundingKind } from '../../../drivers/signal.ts';

export interface Individuals {
  readonly ipConfig: IpInterface;
  readonly wifi: WifiAssociation;
  readonly bluetooth: BluetoothDevice;
}

export interface Pattern<T> {
  /** Equal patterns have equal keys. */
  readonly key: string;
  /** For people: `ipv4Gateway 192.0.2.1`. */
  readonly words: string;
  readonly holds: (individual: T) => boolean;
}

/** A pattern among all others, and the concrete ones that satisfy it with as little else as can be. */
export interface Option<T> {
  readonly individual: T;
  /** Indexes of all patterns that it satisfies. */
  readonly satisfies: ReadonlySet<number>;
}

/** Options of one pattern that are looked at; beyond this the comparison says that it is not complete. */
export const MAX_OPTIONS = 256;

interface Known<T> {
  readonly options: readonly Option<T>[];
  readonly cut: boolean;
}

const includesAll = (outer: ReadonlySet<number>, inner: ReadonlySet<number>): boolean => {
  if (inner.size > outer.size) return false;
  for (const each of inner) if (!outer.has(each)) return false;
  return true;
};

/** Those of which no other one satisfies a part of what they do, one of equals. */
function leastOf<T>(options: readonly Option<T>[]): readonly Option<T>[] {
  const least: Option<T>[] = [];
  for (const option of options.toSorted((a, b) => a.satisfies.size - b.satisfies.size)) {
    if (!least.some((known) => includesAll(option.satisfies, known.satisfies))) least.push(option);
  }
  return least;
}

/**
 * All patterns of one kind that the compared policies ask for, in the order in which they were asked for first.
 * @typeParam K the kind of surroundings that the individuals are of
 */
export class PatternSpace<K extends SurroundingKind> {
  readonly kind: K;
  readonly #patterns: Pattern<Individuals[K]>[] = [];
  readonly #index = new Map<string, number>();
  readonly #propose: (index: number, patterns: readonly Pattern<Individuals[K]>[]) => readonly Individuals[K][];
  readonly #options = new Map<number, Known<Individuals[K]>>();

  constructor(
    kind: K,
    /** Concrete ones for the pattern of that index: of every smallest set of patterns that goes with it, one. */
    propose: (index: number, patterns: readonly Pattern<Individuals[K]>[]) => readonly Individuals[K][],
  ) {
    this.kind = kind;
    this.#propose = propose;
  }

  get patterns(): readonly Pattern<Individuals[K]>[] {
    return this.#patterns;
  }

  /** @returns the index of the pattern */
  add(pattern: Pattern<Individuals[K]>): number {
    const known = this.#index.get(pattern.key);
    if (known !== undefined) return known;
    this.#options.clear();
    this.#index.set(pattern.key, this.#patterns.length);
    return this.#patterns.push(pattern) - 1;
  }

  /** To be asked when all patterns are there. Empty: nothing can satisfy it. */
  optionsOf(index: number): readonly Option<Individuals[K]>[] {
    return this.#known(index).options;
  }

  /** True: more concrete ones would have to be looked at than are. */
  isCut(index: number): boolean {
    return this.#known(index).cut;
  }

  #known(index: number): Known<Individuals[K]> {
    const already = this.#options.get(index);
    if (already !== undefined) return already;
    const proposed = this.#propose(index, this.#patterns);
    const made = proposed
      .slice(0, MAX_OPTIONS)
      .map((individual) => ({ individual, satisfies: this.#satisfiedBy(individual) }))
      .filter(({ satisfies }) => satisfies.has(index));
    const known = { options: leastOf(made), cut: proposed.length > MAX_OPTIONS };
    this.#options.set(index, known);
    return known;
  }

  #satisfiedBy(individual: Individuals[K]): ReadonlySet<number> {
    const out = new Set<number>();
    for (const [i, pattern] of this.#patterns.entries()) if (pattern.holds(individual)) out.add(i);
    return out;
  }
}
