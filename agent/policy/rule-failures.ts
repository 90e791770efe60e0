/**
 * Which rule failed, and at which element: the facts of a denied unlock for the audit log, where Windows' events are
 * silent (its 7520 names no rule). Pure; an entry for each element that was not as its rule asks, in the order of the policy.
 */
import type { SurroundingKind } from '../../drivers/signal.ts';
import type { Decision, Finding, RuleReason, SignalReason } from './decision.ts';

export interface RuleFailure {
  readonly rule: string;
  readonly signal: SurroundingKind;
  /** The interface, network or device that came closest; null: there was none. */
  readonly where: string | null;
  /** Null: nothing could be compared; `finding` says why. */
  readonly element: string | null;
  readonly expected: string | null;
  readonly found: string | null;
  readonly finding: Finding['is'];
  /** Of a signal that is not there, in one word. */
  readonly reason: string | null;
  readonly source: string | null;
  readonly ageMs: number | null;
}

export interface RuleFailures {
  readonly failures: readonly RuleFailure[];
  /** How many more there were. */
  readonly more: number;
}

/** Entries that one denied unlock may leave in the log. */
const MOST = 8;

function failuresOf(rule: string, signal: SignalReason): readonly RuleFailure[] {
  const { type, where, finding, source, ageMs } = signal;
  const base = {
    rule,
    signal: type,
    where,
    finding: finding.is,
    source,
    ageMs: ageMs === null ? null : Math.round(ageMs),
  };
  const reason = 'reason' in finding ? finding.reason : null;
  const elements = signal.children.filter(({ ok }) => !ok);
  if (elements.length === 0) return [{ ...base, element: null, expected: null, found: null, reason }];
  return elements.map(({ element, expected, found }) => ({ ...base, element, expected, found, reason }));
}

/**
 * The rules that kept a denied decision from being a grant. Empty for a grant, and where no rule was asked.
 * @param limit entries at most
 */
export function ruleFailures(decision: Decision, limit: number = MOST): RuleFailures {
  if (decision.verdict === 'granted') return { failures: [], more: 0 };
  const rules = new Map<string, RuleReason>();
  for (const branch of decision.reasons.children) {
    for (const factor of branch.children) {
      // Where one of its rules holds, the others did not keep anybody out; of any other factor none does.
      if (factor.ok) continue;
      for (const rule of factor.children) rules.set(rule.rule, rule);
    }
  }
  const all = [...rules.values()].flatMap(({ rule, children }) =>
    children.filter(({ ok }) => !ok).flatMap((signal) => failuresOf(rule, signal)),
  );
  return { failures: all.slice(0, limit), more: Math.max(0, all.length - limit) };
}

/** One failure as the detail of a `rule-failed` event; what is null is left out. */
export function ruleFailureDetail(failure: RuleFailure): Readonly<Record<string, string | number>> {
  const entries = Object.entries(failure).filter((entry): entry is [string, string | number] => entry[1] !== null);
  return Object.fromEntries(entries);
}
