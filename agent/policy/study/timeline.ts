/**
 * `policy simulate`: a policy against a trace. The verdict can change only when a signal comes or goes, when one becomes too
 * old, or when a time window opens or closes; all these instants are found, and between two of them nothing can change, so
 * one look at each and one in between says all. Nothing is sampled.
 */
import { type MonotonicMs, monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal, SignalKind } from '../../../drivers/signal.ts';
import type { Strength } from '../branch.ts';
import type { Decision } from '../decision.ts';
import { evaluate } from '../evaluate.ts';
import { explain, missingWords, type ReasonLine, refusedWords, stillMissing } from '../explain.ts';
import type { UnlockPolicy } from '../model.ts';
import { kindWords, stateWords } from '../signal-words.ts';
import { factorsWords } from '../words.ts';
import { apply, inOrder, isLost, localTimeOf, spanOf, type Trace, type TraceEntry, timeOf } from './trace.ts';
import { edgesOf, MINUTES_OF_WEEK, minuteOfWeek } from './week.ts';

export interface SimulateOptions {
  readonly pinIsBound: boolean;
  /** Up to when; null: until the last signal of the trace is too old, at most ten minutes after the last line. */
  readonly until: MonotonicMs | null;
}

export interface Interval {
  readonly from: MonotonicMs;
  /** False: it begins just after `from`, as what counts for ten seconds counts at the tenth. */
  readonly fromIncluded: boolean;
  readonly to: MonotonicMs;
  readonly verdict: Decision['verdict'];
  readonly strength: Strength | null;
  /** `the PIN + a security key` of a grant; of a denial what is missing. */
  readonly words: string;
  /** What happened at `from`. */
  readonly because: readonly string[];
  readonly reasons: readonly ReasonLine[];
}

/** What became of one signal. */
export interface Bar {
  readonly from: MonotonicMs;
  readonly to: MonotonicMs;
  readonly state: 'counts' | 'stale' | 'unsatisfied' | 'unavailable' | 'simulated';
  readonly words: string;
  /** The short of it, for a picture. */
  readonly label: string;
}

export interface Timeline {
  readonly start: MonotonicMs;
  readonly end: MonotonicMs;
  readonly intervals: readonly Interval[];
  readonly lanes: readonly { readonly kind: SignalKind; readonly bars: readonly Bar[] }[];
  /** What was not looked at, in words. */
  readonly bounds: readonly string[];
}

const AFTER_THE_LAST = 10 * 60_000;
const MINUTE_MS = 60_000;
/** Openings and closings of windows in one timeline. */
const MOST_EDGES = 10_000;

/** How long the signal counts under the policy; a gesture that was wrong or could not be seen counts at no time. */
function countsUntil(signal: FactorSignal, policy: UnlockPolicy): MonotonicMs | null {
  if (signal.state === 'unsatisfied' || signal.state === 'unavailable') return null;
  const limit = policy.freshnessSeconds[signal.kind];
  const allowed = limit === undefined ? signal.validFor : Math.min(signal.validFor, limit * 1000);
  return monotonicMs(signal.observedAt + allowed);
}

const signalWords = (signal: FactorSignal): string =>
  `${kindWords(signal.kind)} ${stateWords(signal)} (${signal.source})`;

const entryWords = (entry: TraceEntry): string =>
  isLost(entry) ? `nothing is known of ${kindWords(entry.lost)} any more` : signalWords(entry);

interface Breakpoints {
  /** What happens at an instant, and what just after it. */
  readonly at: ReadonlyMap<number, readonly string[]>;
  readonly after: ReadonlyMap<number, readonly string[]>;
  readonly bounds: readonly string[];
}

function windowEdges(
  trace: Trace,
  policy: UnlockPolicy,
  start: number,
  end: number,
): { times: readonly number[]; cut: boolean } {
  const { clock } = trace.header;
  if (clock.localTime === null) return { times: [], cut: false };
  const own = minuteOfWeek(clock.localTime);
  const edges = edgesOf(Object.values(policy.windows));
  const times: number[] = [];
  const week = MINUTES_OF_WEEK * MINUTE_MS;
  const first = Math.floor((start - clock.monotonicMs) / week) - 1;
  for (let weeks = first; edges.length > 0; weeks++) {
    for (const edge of edges) {
      const time = clock.monotonicMs + (edge - own) * MINUTE_MS + weeks * week;
      if (time > end) return { times, cut: false };
      if (time >= start) times.push(time);
    }
    if (times.length > MOST_EDGES) return { times: times.slice(0, MOST_EDGES), cut: true };
  }
  return { times, cut: false };
}

/** For each entry of the order, the time at which another one of its kind takes its place. */
function replacements(entries: readonly TraceEntry[], end: number): readonly number[] {
  const next = new Map<SignalKind, number>();
  const out = entries.map(() => end);
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry === undefined) continue;
    const kind = isLost(entry) ? entry.lost : entry.kind;
    out[i] = next.get(kind) ?? end;
    next.set(kind, timeOf(entry));
  }
  return out;
}

function breakpointsOf(
  trace: Trace,
  entries: readonly TraceEntry[],
  policy: UnlockPolicy,
  start: number,
  end: number,
): Breakpoints {
  const [at, after] = [new Map<number, string[]>(), new Map<number, string[]>()];
  const add = (to: Map<number, string[]>, time: number, words: string) => {
    if (time < start || time > end) return;
    const known = to.get(time) ?? [];
    if (!known.includes(words)) to.set(time, [...known, words]);
  };
  const until = replacements(entries, Number.POSITIVE_INFINITY);
  for (const [i, entry] of entries.entries()) {
    add(at, timeOf(entry), entryWords(entry));
    const counts = isLost(entry) ? null : countsUntil(entry, policy);
    if (counts !== null && !isLost(entry) && counts < (until[i] ?? 0)) {
      add(after, counts, `${kindWords(entry.kind)} too old (counts for ${span(counts - entry.observedAt)})`);
    }
  }
  const { times, cut } = windowEdges(trace, policy, start, end);
  for (const time of times) add(at, time, 'a time window opens or closes');
  return {
    at,
    after,
    bounds: cut ? [`only the first ${MOST_EDGES} openings and closings of windows were looked at`] : [],
  };
}

export const span = (ms: number): string =>
  Number.isInteger(ms / 1000) ? `${ms / 1000} s` : `${(ms / 1000).toFixed(3)} s`;

/** Of a denial that nothing more would turn now. */
const withoutHelp = (refused: string): string => (refused === '' ? 'no way is open now' : `refused: ${refused}`);

type Look = Omit<Interval, 'from' | 'fromIncluded' | 'to' | 'because'>;

function lookOf(decision: Decision): Look {
  const reasons = explain(decision);
  if (decision.verdict === 'granted') {
    return { verdict: 'granted', strength: decision.strength, words: factorsWords(decision.branch.factors), reasons };
  }
  const missing = missingWords(stillMissing(decision));
  return {
    verdict: 'denied',
    strength: null,
    words: missing === '' ? withoutHelp(refusedWords(decision)) : `missing: ${missing}`,
    reasons,
  };
}

const isSame = (a: Look, b: Look): boolean =>
  a.verdict === b.verdict && a.strength === b.strength && a.words === b.words;

function barsOf(entries: readonly TraceEntry[], trace: Trace, policy: UnlockPolicy, end: number): Timeline['lanes'] {
  const lanes = new Map<SignalKind, Bar[]>();
  const until = replacements(entries, end);
  for (const [i, entry] of entries.entries()) {
    if (isLost(entry) || entry.observedAt > end) continue;
    const bars = lanes.get(entry.kind) ?? [];
    lanes.set(entry.kind, bars);
    const to = monotonicMs(Math.min(until[i] ?? end, end));
    const counts = countsUntil(entry, policy);
    const words = signalWords(entry);
    if (counts === null) {
      const state = entry.state === 'unsatisfied' ? 'unsatisfied' : 'unavailable';
      bars.push({ from: entry.observedAt, to, state, words, label: stateWords(entry) });
      continue;
    }
    const isOwn = !entry.simulated || trace.header.machineSimulated;
    const fresh = monotonicMs(Math.min(counts, to));
    const label = isOwn ? entry.source : 'simulated';
    bars.push({ from: entry.observedAt, to: fresh, state: isOwn ? 'counts' : 'simulated', words, label });
    if (counts < to) bars.push({ from: fresh, to, state: 'stale', words: `${words}, too old`, label: 'too old' });
  }
  return [...lanes].map(([kind, bars]) => ({ kind, bars }));
}

function endOf(trace: Trace, entries: readonly TraceEntry[], policy: UnlockPolicy, last: number): number {
  const latest = new Map<SignalKind, FactorSignal>();
  for (const entry of entries) apply(latest, entry);
  const expiries = [...latest.values()].map((signal) => countsUntil(signal, policy) ?? last);
  const wanted = Math.max(last, ...expiries);
  return Math.min(wanted, last + AFTER_THE_LAST) + Math.max(1000, (last - spanOf(trace).start) / 20);
}

/**
 * Plays the trace against the policy.
 * @param policy of the context that is meant
 */
export function simulate(policy: UnlockPolicy, trace: Trace, { pinIsBound, until }: SimulateOptions): Timeline {
  const entries = inOrder(trace);
  const { start, end: last } = spanOf(trace);
  const end = monotonicMs(Math.max(start, until ?? endOf(trace, entries, policy, last)));
  const { at, after, bounds } = breakpointsOf(trace, entries, policy, start, end);
  const points = [...new Set([start, ...at.keys(), ...after.keys()])].sort((a, b) => a - b);
  const { user, machineSimulated } = trace.header;
  const snapshot = new Map<SignalKind, FactorSignal>();
  let next = 0;
  const look = (time: number): Look => {
    for (let entry = entries[next]; entry !== undefined && timeOf(entry) <= time; entry = entries[next]) {
      apply(snapshot, entry);
      next++;
    }
    const now = monotonicMs(time);
    const localTime = localTimeOf(trace.header, now);
    return lookOf(evaluate(policy, snapshot, now, { machineSimulated, pinIsBound, user, localTime }));
  };
  const intervals: Interval[] = [];
  const add = (seen: Look, from: number, fromIncluded: boolean, because: readonly string[]) => {
    const before = intervals.at(-1);
    if (before !== undefined && isSame(before, seen)) return;
    if (before !== undefined) intervals[intervals.length - 1] = { ...before, to: monotonicMs(from) };
    intervals.push({ ...seen, from: monotonicMs(from), fromIncluded, to: end, because });
  };
  for (const [i, point] of points.entries()) {
    add(look(point), point, true, at.get(point) ?? []);
    const following = points[i + 1] ?? end;
    if (following > point) add(look(point + (following - point) / 2), point, false, after.get(point) ?? []);
  }
  return { start, end, intervals, lanes: barsOf(entries, trace, policy, end), bounds };
}

/** The timeline for people: one line for each interval, and what began it. */
export function timelineWords({ start, intervals, bounds }: Timeline): readonly string[] {
  const time = (ms: number) => `${((ms - start) / 1000).toFixed(3)} s`;
  const width = Math.max(...intervals.map(({ from }) => time(from).length));
  return [
    ...intervals.flatMap(({ from, fromIncluded, verdict, strength, words, because }) => [
      `${time(from).padStart(width)}${fromIncluded ? ' ' : '+'} ${verdict}${strength === null ? '' : ` (${strength})`}: ${words}`,
      ...because.map((each) => `${' '.repeat(width + 2)}as ${each}`),
    ]),
    ...bounds,
  ];
}
