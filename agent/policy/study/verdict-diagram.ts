/** A policy as a diagram over its elements: under which combinations `evaluate()` grants. */
import type { SignalKind } from '../../../drivers/signal.ts';
import type { Branch } from '../branch.ts';
import { type BranchOptions, branchesOf } from '../branches.ts';
import type { UnlockPolicy } from '../model.ts';
import type { IpConfigCondition, SignalCondition, SignalRule } from '../rules.ts';
import { type Diagram, NO, type Node, YES } from './diagram.ts';
import type { Elements, FreshnessLimits } from './elements.ts';
import { STUDIED_USER } from './elements.ts';
import { ipElements, ipPattern, singleElement } from './ip-pattern.ts';
import { bluetoothPattern, wifiPattern } from './radio-pattern.ts';

/** One way to a grant: a branch, and for its phone or network one rule. */
export interface Way {
  readonly branch: Branch;
  /** Null: the branch has neither a phone nor a network. */
  readonly rule: string | null;
  readonly node: Node;
}

export class PolicyDiagram {
  readonly #policy: UnlockPolicy;
  readonly #elements: Elements;
  readonly #diagram: Diagram;
  readonly #limits: ReadonlyMap<SignalKind, FreshnessLimits>;
  readonly #rules = new Map<string, Node>();

  /** @param limits where the compared policies differ in freshness */
  constructor(
    policy: UnlockPolicy,
    elements: Elements,
    diagram: Diagram,
    limits: ReadonlyMap<SignalKind, FreshnessLimits>,
  ) {
    this.#policy = policy;
    this.#elements = elements;
    this.#diagram = diagram;
    this.#limits = limits;
  }

  /** Yes, or where the other policy lets the kind grow older than this one: "it is not older than that". */
  #fresh(kind: SignalKind): Node {
    const limits = this.#limits.get(kind);
    if (limits === undefined || this.#policy.freshnessSeconds[kind] !== limits.smaller) return YES;
    return this.#diagram.variable(this.#elements.fresh(kind, limits));
  }

  #faces(condition: IpConfigCondition): Node {
    const { matching } = this.#policy;
    const one = (own: IpConfigCondition): Node =>
      this.#diagram.variable(
        this.#elements.pattern('ipConfig', this.#elements.spaces.ipConfig.add(ipPattern(own, matching))),
      );
    const { dnsSuffix: _suffix, ...rest } = condition;
    const elements = ipElements(rest);
    if (matching.adapters === 'same' || elements.length === 0) return one(rest);
    // Mixed: each element on an interface of its own.
    const names = [...new Set(elements.map(({ element }) => element))];
    return this.#diagram.and(
      ...names.map((name) => {
        const each = elements
          .filter(({ element }) => element === name)
          .map(({ element, value }) => one(singleElement(element, value)));
        return matching.repeated === 'any' ? this.#diagram.or(...each) : this.#diagram.and(...each);
      }),
    );
  }

  #ipConfig(condition: IpConfigCondition): Node {
    const { matching } = this.#policy;
    const suffixes = (condition.dnsSuffix ?? []).map((value) =>
      this.#diagram.variable(this.#elements.suffix({ value, mode: matching.dnsSuffix })),
    );
    const suffix =
      suffixes.length === 0
        ? YES
        : matching.repeated === 'any'
          ? this.#diagram.or(...suffixes)
          : this.#diagram.and(...suffixes);
    return this.#diagram.and(suffix, this.#faces(condition));
  }

  #condition(condition: SignalCondition): Node {
    const { spaces } = this.#elements;
    const fresh = this.#fresh(condition.type);
    switch (condition.type) {
      case 'ipConfig':
        return this.#diagram.and(fresh, this.#ipConfig(condition));
      case 'wifi': {
        const index = spaces.wifi.add(wifiPattern(condition));
        return this.#diagram.and(fresh, this.#diagram.variable(this.#elements.pattern('wifi', index)));
      }
      case 'bluetooth': {
        const index = spaces.bluetooth.add(bluetoothPattern(condition, this.#policy.matching, STUDIED_USER));
        return this.#diagram.and(fresh, this.#diagram.variable(this.#elements.pattern('bluetooth', index)));
      }
    }
  }

  /** When the rule holds. */
  rule(rule: SignalRule): Node {
    const known = this.#rules.get(rule.name);
    if (known !== undefined) return known;
    const node = this.#diagram.and(...rule.all.map((condition) => this.#condition(condition)));
    this.#rules.set(rule.name, node);
    return node;
  }

  #gestures(branch: Branch): Node {
    return this.#diagram.and(
      ...branch.factors.flatMap((factor) =>
        factor === 'phone' || factor === 'network'
          ? []
          : [this.#diagram.variable(this.#elements.gesture(factor)), this.#fresh(factor)],
      ),
    );
  }

  #windows(branch: Branch): Node {
    return this.#diagram.and(
      ...branch.during.map((name) => {
        const window = Object.hasOwn(this.#policy.windows, name) ? this.#policy.windows[name] : undefined;
        return window === undefined ? NO : this.#diagram.variable(this.#elements.window(window));
      }),
    );
  }

  /** All ways to a grant; branches that are refused as asserted are none. */
  ways(options: BranchOptions): readonly Way[] {
    const rules = new Map(this.#policy.rules.map((rule) => [rule.name, rule]));
    return branchesOf(this.#policy, options)
      .filter(({ strength }) => strength !== 'asserted' || this.#policy.acceptAsserted)
      .flatMap((branch): Way[] => {
        const own = this.#diagram.and(this.#gestures(branch), this.#windows(branch));
        const isSurrounding = branch.factors.some((factor) => factor === 'phone' || factor === 'network');
        if (!isSurrounding) return [{ branch, rule: null, node: own }];
        return branch.rules.flatMap((name) => {
          const rule = rules.get(name);
          return rule === undefined ? [] : [{ branch, rule: name, node: this.#diagram.and(own, this.rule(rule)) }];
        });
      });
  }
}
