/**
 * `evaluate()`: policy and signals in, decision out. Pure and total: no clock, no input or output, and whatever stands
 * in a signal it returns. More satisfied factors never turn a grant into a denial; what is stale, simulated,
 * unavailable or from the future never grants. The verdict is worked out at once, the reasons when they are read: from
 * the very signals of the verdict, which nobody changes (an observation is never altered after it was handed on).
 */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, SurroundingKind } from '../../drivers/signal.ts';
import type { Branch, Strength } from './branch.ts';
import type { Decision, PolicyReason } from './decision.ts';
import { findingOf } from './finding.ts';
import { ruleHolds } from './judge-rule.ts';
import type { UnlockPolicy } from './model.ts';
import { type PreparedBranch, prepare, type RuleGroup } from './prepare.ts';
import { policyReason, waysToSatisfied } from './reasons.ts';
import {
  type EvaluateOptions,
  gestureFinding,
  isRefusedAsAsserted,
  type Situation,
  situationFor,
  windowIsOpen,
} from './situation.ts';
import { HeldSnapshot, type SignalSource, type Snapshot } from './snapshot.ts';
import { Surroundings } from './surroundings.ts';
import { compareStrength } from './words.ts';

export type { EvaluateOptions, Situation, Snapshot };

const MINT = Symbol('mint');

const NONE: readonly [] = Object.freeze([]);

/** A decision that was made here, which its private field tells from anything that looks like one. */
class Evaluated {
  readonly #situation: Situation;
  #reasons: PolicyReason | undefined;
  readonly at: MonotonicMs;
  readonly verdict: Decision['verdict'];
  /** Both undefined: denied. */
  readonly branch: Branch | undefined;
  readonly strength: Strength | undefined;

  constructor(key: symbol, situation: Situation, branch: Branch | undefined) {
    if (key !== MINT) throw new TypeError('decisions are made by evaluate() alone');
    this.#situation = situation;
    this.at = situation.now;
    this.verdict = branch === undefined ? 'denied' : 'granted';
    this.branch = branch;
    this.strength = branch?.strength;
    Object.freeze(this);
  }

  static situationOf(candidate: object): Situation | undefined {
    return #situation in candidate ? candidate.#situation : undefined;
  }

  get reasons(): PolicyReason {
    this.#reasons ??= policyReason(this.#situation);
    return this.#reasons;
  }

  get missing(): readonly (readonly FactorKind[])[] {
    return this.branch === undefined ? waysToSatisfied(this.reasons) : NONE;
  }

  /** With what is worked out only when it is read. */
  toJSON(): object {
    return { ...this, missing: this.missing, reasons: this.reasons };
  }
}

Object.freeze(Evaluated.prototype);
Object.freeze(Evaluated);

/** What a decision was made of; undefined: `evaluate()` did not make it. */
export const situationOf = (decision: Decision): Situation | undefined => Evaluated.situationOf(decision);

/** True when `evaluate()` made this very object. */
export const isEvaluated = (decision: Decision): boolean => situationOf(decision) !== undefined;

/** Whether one of the rules of a group holds; where that comes from (worked out now, or kept) is nobody's concern. */
export type GroupJudge = (group: RuleGroup) => boolean;

function branchHolds(prepared: PreparedBranch, situation: Situation, groupHolds: GroupJudge): boolean {
  if (isRefusedAsAsserted(prepared.branch, situation)) return false;
  for (const gesture of prepared.gestures) if (gestureFinding(gesture, situation).is !== 'satisfied') return false;
  for (const name of prepared.windows) if (!windowIsOpen(name, situation)) return false;
  return !prepared.needsRule || groupHolds(prepared.group);
}

/** Decides by what `groupHolds` says of the rules. For this room: nobody else may say what a rule is worth. */
export function decide(situation: Situation, groupHolds: GroupJudge): Decision {
  let best: Branch | undefined;
  for (const prepared of situation.prepared.branches(situation.options)) {
    const { branch } = prepared;
    if (best !== undefined && compareStrength(branch.strength, best.strength) <= 0) continue;
    if (branchHolds(prepared, situation, groupHolds)) best = branch;
  }
  return new Evaluated(MINT, situation, best) as Decision;
}

/** Judges each group once, and of the rules that come into question as many as it takes to find one that holds. */
function judgeOf(situation: Situation): GroupJudge {
  const { prepared, snapshot, options } = situation;
  const { matching } = prepared.policy;
  const views = new Surroundings(snapshot, { matching, user: options.user ?? null });
  const counting = new Map<SurroundingKind, boolean>();
  const counts = (kind: SurroundingKind): boolean => {
    const known = counting.get(kind);
    if (known !== undefined) return known;
    const found = findingOf(kind, snapshot.get(kind), situation).is === 'satisfied';
    counting.set(kind, found);
    return found;
  };
  const judged = new Map<RuleGroup, boolean>();
  return (group) => {
    const known = judged.get(group);
    if (known !== undefined) return known;
    const holds = group
      .index()
      .candidates(views)
      .some((rule) => ruleHolds(rule, views, counts));
    judged.set(group, holds);
    return holds;
  };
}

/**
 * Decides. Where several branches are satisfied the strongest one is taken, and of equals the first in canonical order.
 * @param signals the freshest signal of each kind
 * @param now on the same monotonic clock as `observedAt`
 * @returns a frozen decision, which `grantFor` accepts once if it is a grant
 */
export function evaluate(
  policy: UnlockPolicy,
  signals: SignalSource,
  now: MonotonicMs,
  options: EvaluateOptions,
): Decision {
  const situation = situationFor(prepare(policy), HeldSnapshot.of(signals), now, options);
  return decide(situation, judgeOf(situation));
}
