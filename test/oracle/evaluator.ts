/**
 * A second evaluator, written from the specification as plainly as possible: every way to put different factors to the
 * parts of a requirement is written down, the ones that contain another way are struck off, and each that is left is
 * looked at. Nothing is prepared, kept or fast, and no code of the product is used, only its types.
 */
import type { UnlockPolicy } from '../../agent/policy/model.ts';
import type { Requirement } from '../../agent/policy/requirement.ts';
import type { LocalTime, TimeWindow } from '../../agent/policy/time-window.ts';
import { type Facts, ruleIsTrue, signalCounts } from './facts.ts';

export interface PlainVerdict {
  readonly granted: boolean;
  /** Of the strongest way that grants: factors that the TPM enforces, at most 2. Null: denied. */
  readonly bound: number | null;
  /** Each shortest list of factors that are missing, sorted; the lists sorted. */
  readonly missing: readonly string[];
}

/** One way: factors, the one rule by which its phone or network counts, and the windows it is confined to. */
interface Way {
  readonly factors: readonly string[];
  readonly rule: string | null;
  readonly windows: readonly string[];
}

const isSignal = (factor: string): boolean => factor === 'phone' || factor === 'network';

/** Windows V4: whoever has satisfied one part cannot satisfy another; V3: phone and network are one provider. */
function both(a: Way, b: Way): Way | null {
  for (const factor of a.factors) {
    if (b.factors.some((other) => other === factor || (isSignal(other) && isSignal(factor)))) return null;
  }
  return {
    factors: [...a.factors, ...b.factors].sort(),
    rule: a.rule ?? b.rule,
    windows: [...new Set([...a.windows, ...b.windows])].sort(),
  };
}

const NOTHING: Way = { factors: [], rule: null, windows: [] };

/** Every choice of one way for each part. */
const everyChoice = (parts: readonly (readonly Way[])[]): Way[] =>
  parts.reduce<Way[]>(
    (sofar, part) => sofar.flatMap((way) => part.flatMap((next) => both(way, next) ?? [])),
    [NOTHING],
  );

/** Every selection of `count` of the parts. */
function selections<T>(parts: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return parts.flatMap((part, i) => selections(parts.slice(i + 1), count - 1).map((rest) => [part, ...rest]));
}

function waysOf(requirement: Requirement, policy: UnlockPolicy): Way[] {
  if (typeof requirement === 'string') {
    const rules = policy.rules.filter(({ name, all }) => {
      const serves = all.some(({ type }) => type === 'bluetooth') ? 'phone' : 'network';
      return requirement === 'trustedSignal' || requirement === serves || requirement === `rule:${name}`;
    });
    if (requirement === 'trustedSignal' || isSignal(requirement) || requirement.startsWith('rule:')) {
      return rules.map(({ name, all }) => ({
        factors: [all.some(({ type }) => type === 'bluetooth') ? 'phone' : 'network'],
        rule: name,
        windows: [],
      }));
    }
    return [{ factors: [requirement], rule: null, windows: [] }];
  }
  if ('need' in requirement) {
    return waysOf(requirement.need, policy).map((way) => ({
      ...way,
      windows: [...new Set([...way.windows, requirement.during])].sort(),
    }));
  }
  if ('any' in requirement) return requirement.any.flatMap((part) => waysOf(part, policy));
  if ('all' in requirement) return everyChoice(requirement.all.map((part) => waysOf(part, policy)));
  const parts = requirement.of.map((part) => waysOf(part, policy));
  return selections(parts, requirement.atLeast).flatMap(everyChoice);
}

const isPartOf = (a: readonly string[], b: readonly string[]): boolean => a.every((entry) => b.includes(entry));

/** A way that asks for all that another one asks for, and more, is no way of its own. */
function contains(larger: Way, smaller: Way): boolean {
  return (
    isPartOf(smaller.factors, larger.factors) &&
    isPartOf(smaller.windows, larger.windows) &&
    (smaller.rule === null || smaller.rule === larger.rule)
  );
}

function minimalWays(policy: UnlockPolicy): Way[] {
  const ways = new Map<string, Way>();
  for (const way of waysOf(policy.require, policy)) if (way.factors.length >= 2) ways.set(JSON.stringify(way), way);
  const all = [...ways.values()];
  return all.filter((way) => !all.some((other) => other !== way && contains(way, other)));
}

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

/** On the clock of a week: from each of its days a stretch of that many minutes. */
function isOpen(window: TimeWindow, time: LocalTime | null | undefined): boolean {
  if (time === null || time === undefined) return false;
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  const length = to > from ? to - from : to + 1440 - from;
  const now = DAYS.indexOf(time.day) * 1440 + time.minute;
  return window.days.some((day) => (now - (DAYS.indexOf(day) * 1440 + from) + 10_080) % 10_080 < length);
}

const known = new WeakMap<UnlockPolicy, Way[]>();

export function plainVerdict(policy: UnlockPolicy, facts: Facts): PlainVerdict {
  const ways = known.get(policy) ?? minimalWays(policy);
  known.set(policy, ways);
  const enforced = (factor: string): boolean => factor === 'securityKey' || (factor === 'pin' && facts.pinIsBound);
  const holding = new Map<string, boolean>();
  const ruleHolds = (name: string): boolean => {
    const rule = policy.rules.find((each) => each.name === name);
    const holds = holding.get(name) ?? (rule !== undefined && ruleIsTrue(rule, policy, facts));
    holding.set(name, holds);
    return holds;
  };
  const has = (factor: string, { rule }: Way): boolean => {
    if (isSignal(factor)) return rule !== null && ruleHolds(rule);
    const signal = facts.signals.get(factor);
    if (!signalCounts(factor, signal, policy, facts) || signal?.state !== 'satisfied') return false;
    return !enforced(factor) || signal.strength === 'bound';
  };
  let bound: number | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  let missing: string[] = [];
  for (const way of ways) {
    const strength = Math.min(2, way.factors.filter(enforced).length);
    if (strength === 0 && !policy.acceptAsserted) continue;
    if (!way.windows.every((name) => isOpen(policy.windows[name] as TimeWindow, facts.localTime))) continue;
    const lacking = way.factors.filter((factor) => !has(factor, way)).sort();
    if (lacking.length === 0) bound = Math.max(bound ?? 0, strength);
    if (lacking.length < fewest) [fewest, missing] = [lacking.length, []];
    if (lacking.length === fewest) missing.push(lacking.join('+'));
  }
  const granted = bound !== null;
  return { granted, bound, missing: granted ? [] : [...new Set(missing)].sort() };
}
