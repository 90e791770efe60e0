/**
 * Rules that add nothing: another one holds in every smallest situation in which the rule does, and so in every situation,
 * and opens the same. One verdict on each such situation says which rules hold in it.
 */
import { isUnlockdError } from '../../../../drivers/base/errors.ts';
import { evaluate } from '../../evaluate.ts';
import { type PolicyDocument, policyFor, type UnlockPolicy } from '../../model.ts';
import { Diagram, type Node } from '../diagram.ts';
import { Elements } from '../elements.ts';
import { type SituationExample, smallestSituations } from '../situation.ts';
import { PolicyDiagram } from '../verdict-diagram.ts';
import { gesturesOf, type LintContext } from './contexts.ts';
import { finding, type LintFinding } from './finding.ts';

/** Rules that are compared each with each. */
const MOST_RULES = 400;
const MOST_SETS = 64;

function holdingIn(policy: UnlockPolicy, { signals, now, localTime, user }: SituationExample): ReadonlySet<string> {
  const snapshot = new Map(signals.map((signal) => [signal.kind, signal]));
  const { reasons } = evaluate(policy, snapshot, now, { machineSimulated: false, pinIsBound: true, user, localTime });
  const rules = reasons.children.flatMap(({ children }) => children.flatMap((factor) => factor.children));
  return new Set(rules.filter(({ ok }) => ok).map(({ rule }) => rule));
}

/** For each rule, the rules that hold whenever it does; null: it holds in no situation, or not all could be looked at. */
function impliedRules(document: PolicyDocument): ReadonlyMap<string, ReadonlySet<string> | null> {
  const policy = Object.freeze({
    ...policyFor(document, 'unlock'),
    require: { all: ['pin', 'trustedSignal'] as const },
  });
  const [elements, diagram] = [
    new Elements(),
    new Diagram({ nodes: Number.POSITIVE_INFINITY, steps: Number.POSITIVE_INFINITY }),
  ];
  const own = new PolicyDiagram(policy, elements, diagram, new Map());
  const nodes = document.rules.map((rule) => ({ rule, node: own.rule(rule) }));
  return new Map(
    nodes.map(({ rule, node }): [string, ReadonlySet<string> | null] => {
      const situations = situationsOf(node, elements, diagram);
      if (situations === null) return [rule.name, null];
      return [rule.name, intersection(situations.map((situation) => holdingIn(policy, situation)))];
    }),
  );
}

/** Null: none, or too many to look at. */
function situationsOf(node: Node, elements: Elements, diagram: Diagram): readonly SituationExample[] | null {
  try {
    const found = diagram.smallestSets(node, MOST_SETS).map((so) => smallestSituations(elements, so));
    const situations = found.flatMap((each) => each.situations);
    return found.some(({ cut }) => cut) || situations.length === 0 ? null : situations;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_POLICY_STUDY_LIMIT')) return null;
    throw error;
  }
}

const intersection = (sets: readonly ReadonlySet<string>[]): ReadonlySet<string> =>
  new Set([...(sets[0] ?? [])].filter((each) => sets.every((set) => set.has(each))));

const isSubset = (a: readonly string[], b: readonly string[]): boolean => a.every((each) => b.includes(each));

/** Wherever the one opens, the other one does with no more gestures and no narrower times. */
const opensTheSame = (one: string, other: string, contexts: readonly LintContext[]): boolean =>
  contexts.every(({ branches }) =>
    branches
      .filter(({ rules }) => rules.includes(one))
      .every((branch) =>
        branches.some(
          (wider) =>
            wider.rules.includes(other) &&
            isSubset(gesturesOf(wider), gesturesOf(branch)) &&
            isSubset(wider.during, branch.during),
        ),
      ),
  );

export function lintSubsumed(document: PolicyDocument, contexts: readonly LintContext[]): readonly LintFinding[] {
  const { rules } = document;
  if (rules.length < 2) return [];
  if (rules.length > MOST_RULES) {
    return [finding('not-compared', 'rules', `more than ${MOST_RULES} rules: they were not compared with each other`)];
  }
  const used = new Set(contexts.flatMap(({ branches }) => branches.flatMap((branch) => branch.rules)));
  const implied = impliedRules(document);
  return rules.flatMap(({ name }, at) => {
    const other = rules.find(
      (each, i) =>
        each.name !== name &&
        used.has(name) &&
        (implied.get(name)?.has(each.name) ?? false) &&
        // Of two that say the same the later one is superfluous.
        (i < at || !(implied.get(each.name)?.has(name) ?? false)) &&
        opensTheSame(name, each.name, contexts),
    );
    return other === undefined
      ? []
      : [finding('rule-subsumed', `rules[${at}]`, `rule ${name} adds nothing: whenever it holds, ${other.name} does`)];
  });
}
