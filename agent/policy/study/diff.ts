/**
 * Which situations change their verdict between two policies, over all combinations of the elements of their rules. As more
 * never turns a grant into a denial, the policies differ just where the smallest situations of a way to a grant do; each is
 * made concrete, and `evaluate()` itself says both verdicts. Decision diagrams over all combinations that can be then have to
 * show of every other way that it leads only where the other policy leads: a second proof that leans on neither.
 */
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { BranchOptions } from '../branches.ts';
import { CONTEXT_NAMES, type ContextName, type PolicyDocument, policyFor, type UnlockPolicy } from '../model.ts';
import { DIAGRAM_LIMITS, Diagram, type DiagramLimits, NO, type Node } from './diagram.ts';
import { Elements, freshnessDifferences } from './elements.ts';
import { conditionsOfPossible } from './possible.ts';
import { type SituationExample, smallestSituations, verdictIn } from './situation.ts';
import { PolicyDiagram, type Way } from './verdict-diagram.ts';

export interface Difference {
  /** Which of the two grants; the other one denies. */
  readonly grantedBy: 'a' | 'b';
  /** The way to that grant. The other policy has none in some of the situations that satisfy it, the example among them. */
  readonly way: {
    readonly factors: readonly string[];
    readonly rule: string | null;
    readonly during: readonly string[];
  };
  /** What the way takes in the example, in words. */
  readonly situation: readonly string[];
  /** One smallest situation, of which `evaluate()` says these verdicts. */
  readonly example: SituationExample;
}

export interface PolicyDiff {
  readonly differences: readonly Difference[];
  /** True: every situation that changes its verdict satisfies the way of a difference listed here. */
  readonly complete: boolean;
  /** Why not, in words; empty when complete. */
  readonly bounds: readonly string[];
  /**
   * `diagram`: all combinations were gone through as well. `smallest-situations`: their diagram grew beyond its limit, and
   * it rests on evaluation being monotone.
   */
  readonly proof: 'diagram' | 'smallest-situations';
  /** Elements that the verdicts depend on: two to this power are the combinations. */
  readonly elements: number;
}

export interface DiffOptions extends BranchOptions {
  readonly limits?: DiagramLimits;
  /** Differences listed in each direction. */
  readonly most?: number;
}

const MOST_DIFFERENCES = 500;
/** Sets of elements that satisfy one way: more come only of long lists that are read as "any of them". */
const MOST_SETS = 1024;

/** Rules of both policies: each is held against each. */
const MOST_RULES = 2000;

const tooMany = (): PolicyDiff => ({
  differences: [],
  complete: false,
  bounds: [`more than ${MOST_RULES} rules in both policies: they were not compared`],
  proof: 'smallest-situations',
  elements: 0,
});

interface Side {
  readonly name: 'a' | 'b';
  readonly policy: UnlockPolicy;
  readonly ways: readonly Way[];
}

class Comparison {
  readonly elements = new Elements();
  readonly bounds = new Set<string>();
  readonly #options: DiffOptions;
  /** Of ways and rules alone, each of which is small. */
  readonly #diagram = new Diagram({ nodes: Number.POSITIVE_INFINITY, steps: Number.POSITIVE_INFINITY });

  constructor(options: DiffOptions) {
    this.#options = options;
  }

  side(name: 'a' | 'b', policy: UnlockPolicy, other: UnlockPolicy, diagram: Diagram = this.#diagram): Side {
    const limits = freshnessDifferences(policy, other);
    return { name, policy, ways: new PolicyDiagram(policy, this.elements, diagram, limits).ways(this.#options) };
  }

  /** The first smallest situation of the way that the other policy denies. */
  #deniedOf(
    way: Way,
    own: UnlockPolicy,
    other: UnlockPolicy,
  ): { so: ReadonlySet<number>; example: SituationExample } | null {
    for (const so of this.#diagram.smallestSets(way.node, MOST_SETS)) {
      const { situations, cut } = smallestSituations(this.elements, so);
      if (cut) this.bounds.add('an element has more concrete forms than were looked at');
      for (const example of situations) {
        if (verdictIn(other, example, this.#options) === 'granted') continue;
        if (verdictIn(own, example, this.#options) === 'granted') return { so, example };
      }
    }
    return null;
  }

  /** What `own` alone grants, one difference for each way. */
  differences(own: Side, other: Side): readonly (Difference & { readonly of: Way })[] {
    const most = this.#options.most ?? MOST_DIFFERENCES;
    const out: (Difference & { readonly of: Way })[] = [];
    for (const way of own.ways) {
      const found = this.#deniedOf(way, own.policy, other.policy);
      if (found === null) continue;
      if (out.length >= most) {
        this.bounds.add(`more than ${most} differences in one direction`);
        break;
      }
      const { branch, rule } = way;
      out.push({
        grantedBy: own.name,
        way: { factors: branch.factors, rule, during: branch.during },
        situation: this.#words(found.so),
        example: found.example,
        of: way,
      });
    }
    return out;
  }

  #words(so: ReadonlySet<number>): readonly string[] {
    return [...so]
      .sort((a, b) => a - b)
      .flatMap((at) => {
        const element = this.elements.all[at];
        return element === undefined ? [] : [this.elements.words(element)];
      });
  }
}

const keyOf = ({ branch, rule }: Way): string => JSON.stringify([branch.factors, branch.during, rule]);

/** Whether the way, in all combinations that can be, is one of the others or leads only where they lead together. */
function isCovered(diagram: Diagram, way: Node, others: readonly Node[], possible: Node): boolean {
  const own = diagram.and(way, possible);
  if (own === NO || others.some((other) => diagram.without(own, other) === NO)) return true;
  let left = own;
  for (const other of others) left = diagram.without(left, other);
  return left === NO;
}

/**
 * Whether, of all combinations that can be, none outside the ways that were found changes its verdict: every other way of one
 * policy leads only where the ways of the other one lead.
 * @throws {ERR_POLICY_STUDY_LIMIT}
 */
function nothingElse(
  comparison: Comparison,
  [a, b]: readonly [UnlockPolicy, UnlockPolicy],
  found: Readonly<Record<'a' | 'b', ReadonlySet<string>>>,
  limits: DiagramLimits,
): boolean {
  const diagram = new Diagram(limits);
  const [ofA, ofB] = [comparison.side('a', a, b, diagram), comparison.side('b', b, a, diagram)];
  const pairs = [
    { own: ofA, others: ofB.ways.map(({ node }) => node) },
    { own: ofB, others: ofA.ways.map(({ node }) => node) },
  ].map(({ own, others }) => {
    const known = new Set(others);
    const open = own.ways.filter((way) => !found[own.name].has(keyOf(way)) && !known.has(way.node));
    return { open: open.map(({ node }) => node), others };
  });
  if (pairs.every(({ open }) => open.length === 0)) return true;
  const support = new Set(
    pairs.flatMap(({ open, others }) => [...open, ...others]).flatMap((node) => diagram.support(node)),
  );
  const conditions = conditionsOfPossible(comparison.elements, diagram, [...support]);
  const possible = diagram.and(...conditions);
  return pairs.every(({ open, others }) => open.every((way) => isCovered(diagram, way, others, possible)));
}

/**
 * Compares two policies of one context.
 * @returns differences whose examples `evaluate()` confirms; where a bound was hit it says so in `bounds`
 */
export function diffPolicies(a: UnlockPolicy, b: UnlockPolicy, options: DiffOptions): PolicyDiff {
  const comparison = new Comparison(options);
  if (a.rules.length + b.rules.length > MOST_RULES) return tooMany();
  const found: (Difference & { readonly of: Way })[] = [];
  try {
    const sides = [comparison.side('a', a, b), comparison.side('b', b, a)] as const;
    found.push(...comparison.differences(sides[0], sides[1]), ...comparison.differences(sides[1], sides[0]));
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_POLICY_STUDY_LIMIT')) throw error;
    comparison.bounds.add(error.message);
  }
  const keys = (name: 'a' | 'b') =>
    new Set(found.filter((each) => each.grantedBy === name).map((each) => keyOf(each.of)));
  let proof: PolicyDiff['proof'] = 'diagram';
  try {
    if (!nothingElse(comparison, [a, b], { a: keys('a'), b: keys('b') }, options.limits ?? DIAGRAM_LIMITS)) {
      comparison.bounds.add('there are combinations that change their verdict and are of no difference listed here');
    }
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_POLICY_STUDY_LIMIT')) throw error;
    proof = 'smallest-situations';
  }
  const bounds = [...comparison.bounds];
  return {
    differences: found.map(({ of: _of, ...difference }) => difference),
    complete: bounds.length === 0,
    bounds,
    proof,
    elements: comparison.elements.all.length,
  };
}

/**
 * One situation that a policy grants and the other one denies, without the proof over all combinations that
 * {@link diffPolicies} adds: by the smallest situations of every way, which is enough as long as no bound was hit.
 * @returns the difference with `grantedBy` `b`; null: there is none, or none was found where `bounds` says so
 */
export function firstGrantedOnlyBy(
  policy: UnlockPolicy,
  other: UnlockPolicy,
  options: BranchOptions & { readonly rules?: number },
): { readonly difference: Difference | null; readonly bounds: readonly string[] } {
  const most = options.rules ?? MOST_RULES;
  if (JSON.stringify(policy) === JSON.stringify(other)) return { difference: null, bounds: [] };
  if (policy.rules.length + other.rules.length > most)
    return { difference: null, bounds: [`more than ${most} rules in both policies: they were not compared`] };
  const comparison = new Comparison({ ...options, most: 1 });
  try {
    const [found] = comparison.differences(comparison.side('b', policy, other), comparison.side('a', other, policy));
    if (found === undefined) return { difference: null, bounds: [...comparison.bounds] };
    const { of: _of, ...difference } = found;
    return { difference, bounds: [] };
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_POLICY_STUDY_LIMIT')) throw error;
    return { difference: null, bounds: [error.message] };
  }
}

export interface ContextDiff extends PolicyDiff {
  readonly context: ContextName;
}

/** Every context that one of the documents has a policy of its own for; `unlock` always. */
export function diffDocuments(a: PolicyDocument, b: PolicyDocument, options: DiffOptions): readonly ContextDiff[] {
  return CONTEXT_NAMES.filter((name) => a.contexts[name] !== undefined || b.contexts[name] !== undefined).map(
    (context) => ({ context, ...diffPolicies(policyFor(a, context), policyFor(b, context), options) }),
  );
}
