/** One signal rule held against what is observed: which condition, which element, on which interface or device. */
import type { FactorSignal } from '../../drivers/signal.ts';
import type { Finding, RuleReason, SignalReason } from './decision.ts';
import { type FindingOptions, findingOf } from './finding.ts';
import type { Match } from './match/element.ts';
import { isObservationOf } from './match/well-formed.ts';
import type { PreparedCondition, PreparedRule } from './prepare.ts';

export interface RuleOptions extends FindingOptions {
  /** Numeric id of whoever unlocks; null: unknown, so no phone is his. */
  readonly user: number | null;
}

const checked = new WeakSet<object>();

/** An observation is looked through once; drivers hand over new objects. */
function isSound(signal: Extract<FactorSignal, { state: 'observed' }>): boolean {
  const { observation } = signal;
  if (typeof observation !== 'object' || observation === null) return false;
  if (checked.has(observation)) return true;
  const sound = isObservationOf(signal.kind, observation);
  if (sound && Object.isFrozen(observation)) checked.add(observation);
  return sound;
}

function judgeCondition(
  { type, match }: PreparedCondition,
  signal: FactorSignal | undefined,
  options: RuleOptions,
): SignalReason {
  let finding: Finding = findingOf(type, signal, options);
  let matched: Match | null = null;
  if (finding.is === 'satisfied') {
    if (signal?.state !== 'observed' || !isSound(signal)) finding = { is: 'malformed' };
    else {
      matched = match(signal, options.user);
      if (!matched.ok) finding = { is: 'no-match' };
    }
  }
  const readable = signal !== undefined && finding.is !== 'malformed';
  return Object.freeze({
    kind: 'signal',
    ok: finding.is === 'satisfied',
    type,
    finding: Object.freeze(finding),
    where: matched?.where ?? null,
    ageMs: readable ? options.now - signal.observedAt : null,
    source: readable ? signal.source : null,
    detail: readable && signal.state === 'unavailable' ? (signal.detail ?? null) : null,
    children: Object.freeze(matched?.elements ?? []),
  });
}

export function judgeRule(
  rule: PreparedRule,
  snapshot: ReadonlyMap<FactorSignal['kind'], FactorSignal>,
  options: RuleOptions,
): RuleReason {
  const children = rule.conditions.map((condition) => judgeCondition(condition, snapshot.get(condition.type), options));
  const ok = children.length > 0 && children.every((child) => child.ok);
  return Object.freeze({ kind: 'rule', ok, rule: rule.name, children: Object.freeze(children) });
}
