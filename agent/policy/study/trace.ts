/**
 * A trace: what drivers told over some time, as a file of JSON Lines. The first line says on which clock; every other one is
 * a `FactorSignal`, or that a signal was lost. What time it was for a person is known where the header says so. Reading one
 * is the business of `forms/trace.ts`.
 */
import { type MonotonicMs, monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal, SignalKind } from '../../../drivers/signal.ts';
import type { Snapshot } from '../evaluate.ts';
import type { LocalTime } from '../time-window.ts';
import { localTimeAt, minuteOfWeek } from './week.ts';

export const TRACE_FORMAT = 'unlockd-trace';
export const TRACE_VERSION = 1;

export interface TraceHeader {
  readonly format: typeof TRACE_FORMAT;
  readonly version: typeof TRACE_VERSION;
  readonly clock: {
    /** The instant of the monotonic clock, in milliseconds, that the other two are of. */
    readonly monotonicMs: number;
    /** The same instant in civil time, ISO 8601 in UTC; null: not known. */
    readonly wall: string | null;
    /** The same instant where the machine stands; null: not known, so no time window opens. */
    readonly localTime: LocalTime | null;
  };
  /** Numeric id of whoever unlocks; null: not known, so no phone counts as enrolled. */
  readonly user: number | null;
  /** True: the machine itself is simulated, so simulated signals count. */
  readonly machineSimulated: boolean;
}

/** A driver went away, or its signal was used up. */
export interface LostSignal {
  readonly lost: SignalKind;
  readonly at: MonotonicMs;
}

export type TraceEntry = FactorSignal | LostSignal;

export interface Trace {
  readonly header: TraceHeader;
  /** In the order of the file. */
  readonly entries: readonly TraceEntry[];
}

export const isLost = (entry: TraceEntry): entry is LostSignal => 'lost' in entry;

export const timeOf = (entry: TraceEntry): MonotonicMs => (isLost(entry) ? entry.at : entry.observedAt);

/** By time, of equal times the earlier line first. */
export const inOrder = ({ entries }: Trace): readonly TraceEntry[] => entries.toSorted((a, b) => timeOf(a) - timeOf(b));

/** What is known after an entry. */
export function apply(snapshot: Map<SignalKind, FactorSignal>, entry: TraceEntry): void {
  if (isLost(entry)) snapshot.delete(entry.lost);
  else snapshot.set(entry.kind, entry);
}

/** The freshest signal of each kind at `now`; whether it still counts is for `evaluate()` to say. */
export function snapshotAt(trace: Trace, now: MonotonicMs): Snapshot {
  const snapshot = new Map<SignalKind, FactorSignal>();
  for (const entry of inOrder(trace)) if (timeOf(entry) <= now) apply(snapshot, entry);
  return snapshot;
}

const MINUTE_MS = 60_000;

/** Null where the header does not say. Clock changes within the trace are not in it. */
export function localTimeOf({ clock }: TraceHeader, now: MonotonicMs): LocalTime | null {
  if (clock.localTime === null) return null;
  return localTimeAt(minuteOfWeek(clock.localTime) + Math.floor((now - clock.monotonicMs) / MINUTE_MS));
}

/** From the first to the last instant that the trace says something of. */
export function spanOf(trace: Trace): { readonly start: MonotonicMs; readonly end: MonotonicMs } {
  let [start, end] = [trace.header.clock.monotonicMs, trace.header.clock.monotonicMs];
  for (const entry of trace.entries) {
    start = Math.min(start, timeOf(entry));
    end = Math.max(end, timeOf(entry));
  }
  return { start: monotonicMs(start), end: monotonicMs(end) };
}

/** One line of the file, without its line break. */
export const traceLine = (line: TraceHeader | TraceEntry): string => JSON.stringify(line);

/** The whole file. */
export const formatTrace = ({ header, entries }: Trace): string =>
  `${[header, ...entries].map(traceLine).join('\n')}\n`;

/** The header of a recording that begins now. */
export const traceHeader = (
  clock: TraceHeader['clock'],
  user: number | null,
  machineSimulated: boolean,
): TraceHeader => ({
  format: TRACE_FORMAT,
  version: TRACE_VERSION,
  clock,
  user,
  machineSimulated,
});
