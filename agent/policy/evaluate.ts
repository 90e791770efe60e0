/**
 * `evaluate()`: policy and signals in, decision out. Pure and total: no clock, no input or output, and whatever stands
 * in a signal it returns. More satisfied factors never turn a grant into a denial; what is stale, simulated,
 * unavailable or from the future never grants.
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, FactorSignal, SignalKind } from '../../drivers/signal.ts';
import type { Branch } from './branch.ts';
import type { BranchReason, Decision, FactorReason, Finding, RuleReason, WindowReason } from './decision.ts';
import { findingOf } from './finding.ts';
import { judgeRule } from './judge-rule.ts';
import type { UnlockPolicy } from './model.ts';
import { type PreparedPolicy, prepare } from './prepare.ts';
import { absorbSupersets } from './requirement.ts';
import { isWithin, type LocalTime, localTimeWords, windowWords } from './time-window.ts';
import { compareStrength } from './words.ts';

export interface EvaluateOptions {
  /** True: the machine itself is simulated, so simulated signals count. */
  readonly machineSimulated: boolean;
  /** See `BranchOptions`. */
  readonly pinIsBound: boolean;
  /** Numeric id of whoever unlocks; left out or null: no phone counts as enrolled for him. */
  readonly user?: number | null;
  /** Left out or null: not known, so no time window is open. */
  readonly localTime?: LocalTime | null;
}

/** The freshest signal of each kind. */
export type Snapshot = ReadonlyMap<SignalKind, FactorSignal>;

/** Everything that a decision depends on beside the rules. */
export interface Situation {
  readonly prepared: PreparedPolicy;
  readonly snapshot: Snapshot;
  readonly now: MonotonicMs;
  readonly options: EvaluateOptions;
}

/** The reason of a rule; where it comes from (worked out now, or kept) is nobody's concern. */
export type RuleJudge = (name: string) => RuleReason;

const made = new WeakMap<Decision, Situation>();

/** True when `evaluate()` made this very object. */
export const isEvaluated = (decision: Decision): boolean => made.has(decision);

/** What a decision was made of; undefined: `evaluate()` did not make it. */
export const situationOf = (decision: Decision): Situation | undefined => made.get(decision);

const isSurrounding = (factor: FactorKind): factor is 'phone' | 'network' => factor === 'phone' || factor === 'network';

function gestureReason(
  factor: Exclude<FactorKind, 'phone' | 'network'>,
  branch: Branch,
  situation: Situation,
): FactorReason {
  const { snapshot, now, options, prepared } = situation;
  const signal = snapshot.get(factor);
  const bound = branch.bound.includes(factor);
  let finding: Finding = findingOf(factor, signal, { policy: prepared.policy, now, ...options });
  if (finding.is === 'satisfied' && signal?.state !== 'satisfied') finding = { is: 'malformed' };
  // A bound factor of which there is only an observation (a key that is plugged in) proves nothing to the TPM.
  if (finding.is === 'satisfied' && bound && signal?.state === 'satisfied' && signal.strength !== 'bound') {
    finding = { is: 'only-observed' };
  }
  const readable = signal !== undefined && finding.is !== 'malformed' && signal.state !== 'observed';
  return Object.freeze({
    kind: 'factor',
    ok: finding.is === 'satisfied',
    factor,
    finding: Object.freeze(finding),
    strength: bound ? 'bound' : 'gate',
    ageMs: readable ? now - signal.observedAt : null,
    source: readable ? signal.source : null,
    evidence: Object.freeze(readable && signal.state === 'satisfied' ? { ...signal.evidence } : {}),
    detail: readable && signal.state !== 'satisfied' ? (signal.detail ?? null) : null,
    children: [],
  });
}

function surroundingReason(factor: 'phone' | 'network', branch: Branch, judge: RuleJudge): FactorReason {
  const children = branch.rules.map(judge);
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

function windowReason(name: string, { prepared, options }: Situation): WindowReason {
  const window = Object.hasOwn(prepared.policy.windows, name) ? prepared.policy.windows[name] : undefined;
  const time = options.localTime ?? null;
  return Object.freeze({
    kind: 'window',
    ok: window !== undefined && time !== null && isWithin(window, time),
    window: name,
    expected: window === undefined ? 'a window of that name' : windowWords(window),
    found: time === null ? null : localTimeWords(time),
  });
}

function branchReason(branch: Branch, situation: Situation, judge: RuleJudge): BranchReason {
  const children = branch.factors.map((factor) =>
    isSurrounding(factor) ? surroundingReason(factor, branch, judge) : gestureReason(factor, branch, situation),
  );
  const windows = branch.during.map((name) => windowReason(name, situation));
  const refusedAsAsserted = branch.strength === 'asserted' && situation.prepared.policy.acceptAsserted !== true;
  return Object.freeze({
    kind: 'branch',
    ok: !refusedAsAsserted && children.every(({ ok }) => ok) && windows.every(({ ok }) => ok),
    branch,
    refusedAsAsserted,
    windows: Object.freeze(windows),
    children: Object.freeze(children),
  });
}

/** The fewest factors that are not satisfied, over all branches that could grant now. */
function waysToSatisfied(branches: readonly BranchReason[]): readonly (readonly FactorKind[])[] {
  const ways = branches
    .filter(({ refusedAsAsserted, windows }) => !refusedAsAsserted && windows.every(({ ok }) => ok))
    .map(({ children }) => children.filter(({ ok }) => !ok).map(({ factor }) => factor));
  const fewest = Math.min(...ways.map(({ length }) => length));
  return Object.freeze(
    absorbSupersets(ways.filter(({ length }) => length === fewest)).map((way) => Object.freeze(way)),
  );
}

/** Decides by reasons of rules that `judge` gives. For this room: nobody else may say what a rule is worth. */
export function decide(situation: Situation, judge: RuleJudge): Decision {
  const { prepared, now, options } = situation;
  const children = prepared.branches(options).map((branch) => branchReason(branch, situation, judge));
  const best = children
    .filter(({ ok }) => ok)
    .reduce<BranchReason | undefined>(
      (most, next) =>
        most === undefined || compareStrength(next.branch.strength, most.branch.strength) > 0 ? next : most,
      undefined,
    );
  const reasons = Object.freeze({ kind: 'policy', ok: best !== undefined, children: Object.freeze(children) } as const);
  const decision: Decision = Object.freeze(
    best === undefined
      ? { verdict: 'denied', at: now, reasons, missing: waysToSatisfied(children) }
      : {
          verdict: 'granted',
          at: now,
          reasons,
          branch: best.branch,
          strength: best.branch.strength,
          missing: [] as const,
        },
  );
  made.set(decision, situation);
  return decision;
}

const NO_SUCH_RULE = (name: string): RuleReason =>
  Object.freeze({ kind: 'rule', ok: false, rule: name, children: Object.freeze([]) });

/** Judges each rule once, however many branches ask for it. */
export function judgeOf({ prepared, snapshot, now, options }: Situation): RuleJudge {
  const known = new Map<string, RuleReason>();
  const ruleOptions = {
    policy: prepared.policy,
    now,
    machineSimulated: options.machineSimulated,
    user: options.user ?? null,
  };
  return (name) => {
    const already = known.get(name);
    if (already !== undefined) return already;
    const rule = prepared.rules.get(name);
    const reason = rule === undefined ? NO_SUCH_RULE(name) : judgeRule(rule, snapshot, ruleOptions);
    known.set(name, reason);
    return reason;
  };
}

/**
 * Decides. Where several branches are satisfied the strongest one is taken, and of equals the first in canonical order.
 * @param snapshot the freshest signal of each kind
 * @param now on the same monotonic clock as `observedAt`
 * @returns a frozen decision, which `grantFor` accepts once if it is a grant
 */
export function evaluate(
  policy: UnlockPolicy,
  snapshot: Snapshot,
  now: MonotonicMs,
  options: EvaluateOptions,
): Decision {
  const situation: Situation = { prepared: prepare(policy), snapshot, now, options };
  return decide(situation, judgeOf(situation));
}
