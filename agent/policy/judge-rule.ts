/**
 * Signal rules held against what is observed: whether they hold, which is all that a verdict needs, and the reasons of
 * it, down to the element on the interface or device that comes closest.
 */
import type { SurroundingKind } from '../../drivers/signal.ts';
import type { Finding, RuleReason, SignalReason } from './decision.ts';
import { detailOf, type FindingOptions, findingOf } from './finding.ts';
import type { Match } from './match/element.ts';
import type { PreparedCondition, PreparedRule } from './prepared-rule.ts';
import type { SignalSource } from './snapshot.ts';
import type { Views } from './surroundings.ts';

/** What rules are held against. */
export interface Observed extends FindingOptions {
  readonly signals: SignalSource;
  readonly views: Views;
}

/** @param counts whether the signal of a kind counts now: fresh, real and known */
export const ruleHolds = (
  { conditions }: PreparedRule,
  views: Views,
  counts: (kind: SurroundingKind) => boolean,
): boolean => conditions.length > 0 && conditions.every(({ type, holds }) => counts(type) && holds(views));

function conditionReason({ type, match }: PreparedCondition, observed: Observed): SignalReason {
  const signal = observed.signals.get(type);
  let finding: Finding = findingOf(type, signal, observed);
  let matched: Match | null = null;
  if (finding.is === 'satisfied') {
    matched = match(observed.views);
    if (matched === null) finding = { is: 'malformed' };
    else if (!matched.ok) finding = { is: 'no-match' };
  }
  const readable = signal !== undefined && finding.is !== 'malformed';
  return Object.freeze({
    kind: 'signal',
    ok: finding.is === 'satisfied',
    type,
    finding: Object.freeze(finding),
    where: matched?.where ?? null,
    ageMs: readable ? observed.now - signal.observedAt : null,
    source: readable ? signal.source : null,
    detail: readable && signal.state === 'unavailable' ? detailOf(signal) : null,
    children: Object.freeze(matched?.elements ?? []),
  });
}

/** Why a rule holds or does not. */
export function ruleReason({ name, conditions }: PreparedRule, observed: Observed): RuleReason {
  const children = conditions.map((condition) => conditionReason(condition, observed));
  const ok = children.length > 0 && children.every((child) => child.ok);
  return Object.freeze({ kind: 'rule', ok, rule: name, children: Object.freeze(children) });
}
