/** The reason tree of a decision: policy, branches, factors, rules, signals, elements. */
import type { FactorKind } from '../../drivers/signal.ts';
import type { Branch } from './branch.ts';
import type { BranchReason, FactorReason, PolicyReason, RuleReason, WindowReason } from './decision.ts';
import { detailOf } from './finding.ts';
import { ruleReason } from './judge-rule.ts';
import type { PreparedBranch, PreparedGesture } from './prepare.ts';
import { absorbSupersets } from './requirement.ts';
import { gestureFinding, isRefusedAsAsserted, type Situation, windowIsOpen, windowOf } from './situation.ts';
import { Surroundings } from './surroundings.ts';
import { localTimeWords, windowWords } from './time-window.ts';

/** Facts alone: whatever else stands there is none. */
const evidenceOf = (evidence: FactorReason['evidence']): FactorReason['evidence'] =>
  Object.fromEntries(
    Object.entries(evidence ?? {}).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
  );

function gestureReason(gesture: PreparedGesture, situation: Situation): FactorReason {
  const { snapshot, now } = situation;
  const { factor, bound } = gesture;
  const signal = snapshot.get(factor);
  const finding = gestureFinding(gesture, situation);
  const readable = signal !== undefined && finding.is !== 'malformed' && signal.state !== 'observed';
  return Object.freeze({
    kind: 'factor',
    ok: finding.is === 'satisfied',
    factor,
    finding: Object.freeze(finding),
    strength: bound ? 'bound' : 'gate',
    ageMs: readable ? now - signal.observedAt : null,
    source: readable ? signal.source : null,
    evidence: Object.freeze(readable && signal.state === 'satisfied' ? evidenceOf(signal.evidence) : {}),
    detail: readable && signal.state !== 'satisfied' ? detailOf(signal) : null,
    children: [],
  });
}

type RuleReasons = (rule: string) => RuleReason;

function surroundingReason(factor: 'phone' | 'network', branch: Branch, reasonOf: RuleReasons): FactorReason {
  const children = branch.rules.map(reasonOf);
  const held = children.find(({ ok }) => ok);
  const signals = held?.children ?? [];
  const sources = [...new Set(signals.flatMap(({ source }) => source ?? []))];
  return Object.freeze({
    kind: 'factor',
    ok: held !== undefined,
    factor,
    finding: Object.freeze(
      held === undefined ? ({ is: 'no-rule-holds', rules: children.length } as const) : ({ is: 'satisfied' } as const),
    ),
    strength: 'gate',
    ageMs: held === undefined ? null : Math.max(...signals.map(({ ageMs }) => ageMs ?? 0)),
    source: sources.length === 0 ? null : sources.join(' and '),
    evidence: Object.freeze(held === undefined ? {} : { rule: held.rule }),
    detail: null,
    children: Object.freeze(children),
  });
}

function windowReason(name: string, situation: Situation): WindowReason {
  const window = windowOf(name, situation);
  const time = situation.options.localTime ?? null;
  return Object.freeze({
    kind: 'window',
    ok: windowIsOpen(name, situation),
    window: name,
    expected: window === undefined ? 'a window of that name' : windowWords(window),
    found: time === null ? null : localTimeWords(time),
  });
}

function branchReason({ branch, gestures }: PreparedBranch, situation: Situation, reasonOf: RuleReasons): BranchReason {
  const children = branch.factors.map((factor) => {
    const gesture = gestures.find((each) => each.factor === factor);
    if (gesture !== undefined) return gestureReason(gesture, situation);
    return surroundingReason(factor === 'phone' ? 'phone' : 'network', branch, reasonOf);
  });
  const windows = branch.during.map((name) => windowReason(name, situation));
  const refusedAsAsserted = isRefusedAsAsserted(branch, situation);
  return Object.freeze({
    kind: 'branch',
    ok: !refusedAsAsserted && children.every(({ ok }) => ok) && windows.every(({ ok }) => ok),
    branch,
    refusedAsAsserted,
    windows: Object.freeze(windows),
    children: Object.freeze(children),
  });
}

/** Works out the reason of each rule once, however many branches ask for it. */
function ruleReasons(situation: Situation): RuleReasons {
  const { prepared, snapshot, options } = situation;
  const known = new Map<string, RuleReason>();
  const { matching } = prepared.policy;
  const observed = {
    ...situation,
    signals: snapshot,
    views: new Surroundings(snapshot, { matching, user: options.user ?? null }),
  };
  return (name) => {
    const already = known.get(name);
    if (already !== undefined) return already;
    // A rule that the policy does not have holds as little as one without a condition.
    const reason = ruleReason(prepared.rules.get(name) ?? { name, factor: 'network', conditions: [] }, observed);
    known.set(name, reason);
    return reason;
  };
}

/** The whole tree. What it says agrees with the verdict: both are made of the same predicates. */
export function policyReason(situation: Situation): PolicyReason {
  const reasonOf = ruleReasons(situation);
  const branches = situation.prepared.branches(situation.options);
  const children = branches.map((branch) => branchReason(branch, situation, reasonOf));
  return Object.freeze({ kind: 'policy', ok: children.some(({ ok }) => ok), children: Object.freeze(children) });
}

/** The fewest factors that are not satisfied, over all branches that could grant now. */
export function waysToSatisfied({ children: branches }: PolicyReason): readonly (readonly FactorKind[])[] {
  const ways = branches
    .filter(({ refusedAsAsserted, windows }) => !refusedAsAsserted && windows.every(({ ok }) => ok))
    .map(({ children }) => children.filter(({ ok }) => !ok).map(({ factor }) => factor));
  const fewest = Math.min(...ways.map(({ length }) => length));
  return Object.freeze(
    absorbSupersets(ways.filter(({ length }) => length === fewest)).map((way) => Object.freeze(way)),
  );
}
