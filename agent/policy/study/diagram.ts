/**
 * Reduced ordered binary decision diagrams: a yes-or-no question over many elements, kept so that equal questions are the
 * same node. They answer "for all combinations", which no list of combinations could. Nodes are numbers; 0 is "no", 1 is
 * "yes". What grows beyond the limit ends with an error, never with the machine's memory.
 */
import { UnlockdError } from '../../../drivers/base/errors.ts';

export type Node = number;
export const NO: Node = 0;
export const YES: Node = 1;

const AND = 0;
const OR = 1;
const XOR = 2;
type Operation = typeof AND | typeof OR | typeof XOR;

/** Nodes fit twenty bits, and elements eleven, so that three of them are one exact number. */
const NODE_SPACE = 2 ** 20;
export const MAX_ELEMENTS = 2 ** 11;

export interface DiagramLimits {
  /** Nodes in all. */
  readonly nodes: number;
  /** Steps of all operations. */
  readonly steps: number;
}

export const DIAGRAM_LIMITS: DiagramLimits = Object.freeze({ nodes: 200_000, steps: 1_000_000 });

export class Diagram {
  readonly #limits: DiagramLimits;
  readonly #element: number[] = [MAX_ELEMENTS, MAX_ELEMENTS];
  readonly #low: Node[] = [NO, YES];
  readonly #high: Node[] = [NO, YES];
  readonly #unique = new Map<number, Node>();
  readonly #known = new Map<number, Node>();
  #steps = 0;

  constructor(limits: DiagramLimits = DIAGRAM_LIMITS) {
    this.#limits = { nodes: Math.min(limits.nodes, NODE_SPACE), steps: limits.steps };
  }

  /** Nodes so far. */
  get size(): number {
    return this.#element.length;
  }

  #make(element: number, low: Node, high: Node): Node {
    if (low === high) return low;
    const key = (element * NODE_SPACE + low) * NODE_SPACE + high;
    const known = this.#unique.get(key);
    if (known !== undefined) return known;
    if (this.size >= this.#limits.nodes) throw tooLarge('nodes', this.#limits.nodes);
    const node = this.size;
    this.#element.push(element);
    this.#low.push(low);
    this.#high.push(high);
    this.#unique.set(key, node);
    return node;
  }

  /** "Is this element so?" @param element 0 to {@link MAX_ELEMENTS} - 1; the smaller one is asked first */
  variable(element: number): Node {
    if (element >= MAX_ELEMENTS) throw tooLarge('elements', MAX_ELEMENTS);
    return this.#make(element, NO, YES);
  }

  /** What is known without looking into the nodes. */
  #shortcut(operation: Operation, a: Node, b: Node): Node | null {
    if (operation === XOR) return a === b ? NO : a === NO ? b : b === NO ? a : null;
    const [strong, weak] = operation === AND ? [NO, YES] : [YES, NO];
    if (a === strong || b === strong) return strong;
    if (a === weak || a === b) return b;
    return b === weak ? a : null;
  }

  #apply(operation: Operation, first: Node, second: Node): Node {
    const [a, b] = first < second ? [first, second] : [second, first];
    const short = this.#shortcut(operation, a, b);
    if (short !== null) return short;
    const key = (operation * NODE_SPACE + a) * NODE_SPACE + b;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (++this.#steps > this.#limits.steps) throw tooLarge('steps', this.#limits.steps);
    const element = Math.min(this.elementOf(a), this.elementOf(b));
    const low = this.#apply(operation, this.#branch(a, element, NO), this.#branch(b, element, NO));
    const high = this.#apply(operation, this.#branch(a, element, YES), this.#branch(b, element, YES));
    const node = this.#make(element, low, high);
    this.#known.set(key, node);
    return node;
  }

  #branch(node: Node, element: number, answer: Node): Node {
    if (this.elementOf(node) !== element) return node;
    return (answer === YES ? this.#high[node] : this.#low[node]) ?? NO;
  }

  elementOf(node: Node): number {
    return this.#element[node] ?? MAX_ELEMENTS;
  }

  and(...nodes: readonly Node[]): Node {
    return nodes.reduce((all, node) => this.#apply(AND, all, node), YES);
  }

  or(...nodes: readonly Node[]): Node {
    return nodes.reduce((any, node) => this.#apply(OR, any, node), NO);
  }

  not(node: Node): Node {
    return this.#apply(XOR, node, YES);
  }

  /** `a` and not `b`. */
  without(a: Node, b: Node): Node {
    return this.and(a, this.not(b));
  }

  /** The elements that the answer depends on, in order. */
  support(root: Node): readonly number[] {
    const elements = new Set<number>();
    const seen = new Set<Node>([NO, YES]);
    const open = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      elements.add(this.elementOf(node));
      open.push(this.#low[node] ?? NO, this.#high[node] ?? NO);
    }
    return [...elements].sort((a, b) => a - b);
  }

  /**
   * The smallest sets of elements that make the answer yes, where more of them never makes it no.
   * @throws {ERR_POLICY_STUDY_LIMIT} when there are more than `most`
   */
  smallestSets(root: Node, most: number): readonly ReadonlySet<number>[] {
    const known = new Map<Node, readonly ReadonlySet<number>[]>([
      [NO, []],
      [YES, [new Set()]],
    ]);
    const of = (node: Node): readonly ReadonlySet<number>[] => {
      const already = known.get(node);
      if (already !== undefined) return already;
      const without = of(this.#low[node] ?? NO);
      const beyond = of(this.#high[node] ?? NO).filter((set) => !without.some((each) => isWithin(each, set)));
      const sets = [...without, ...beyond.map((set) => new Set([this.elementOf(node), ...set]))];
      if (sets.length > most) throw tooLarge('ways to satisfy one rule', most);
      known.set(node, sets);
      return sets;
    };
    return of(root);
  }
}

const isWithin = (inner: ReadonlySet<number>, outer: ReadonlySet<number>): boolean => {
  for (const each of inner) if (!outer.has(each)) return false;
  return true;
};

const tooLarge = (what: string, limit: number): UnlockdError =>
  new UnlockdError('ERR_POLICY_STUDY_LIMIT', `more than ${limit} ${what}`, { detail: { what, limit } });
