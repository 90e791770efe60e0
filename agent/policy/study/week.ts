/** The week in pieces within which no time window opens or closes, and which windows are open in each. */
import { isWithin, type LocalTime, minuteOf, type TimeWindow, WEEKDAYS, type Weekday } from '../time-window.ts';

export const MINUTES_OF_WEEK = 7 * 1440;

export interface WeekPiece {
  /** Minutes since monday 00:00. */
  readonly from: number;
  /** The first minute that is out. */
  readonly to: number;
  /** Indexes of the windows that are open. */
  readonly open: ReadonlySet<number>;
}

export const localTimeAt = (minuteOfWeek: number): LocalTime => {
  const minute = ((minuteOfWeek % MINUTES_OF_WEEK) + MINUTES_OF_WEEK) % MINUTES_OF_WEEK;
  return { day: WEEKDAYS[Math.floor(minute / 1440)] as Weekday, minute: minute % 1440 };
};

export const minuteOfWeek = ({ day, minute }: LocalTime): number => WEEKDAYS.indexOf(day) * 1440 + minute;

/** Where a window may open or close, in minutes of the week, in order. */
export function edgesOf(windows: readonly TimeWindow[]): readonly number[] {
  const edges = new Set<number>();
  for (const { days, from, to } of windows) {
    for (const day of days) {
      const midnight = WEEKDAYS.indexOf(day) * 1440;
      const [opens, closes] = [minuteOf(from) ?? 0, minuteOf(to) ?? 0];
      edges.add((midnight + opens) % MINUTES_OF_WEEK);
      edges.add((midnight + closes + (opens < closes ? 0 : 1440)) % MINUTES_OF_WEEK);
    }
  }
  return [...edges].sort((a, b) => a - b);
}

/** @returns the pieces in order, neighbours with the same windows joined; the first begins on monday 00:00 */
export function weekPieces(windows: readonly TimeWindow[]): readonly WeekPiece[] {
  const starts = [...new Set([0, ...edgesOf(windows)])].sort((a, b) => a - b);
  const pieces: WeekPiece[] = [];
  for (const [i, from] of starts.entries()) {
    const at = localTimeAt(from);
    const open = new Set(windows.flatMap((window, index) => (isWithin(window, at) ? [index] : [])));
    const before = pieces.at(-1);
    const to = starts[i + 1] ?? MINUTES_OF_WEEK;
    if (before !== undefined && sameSet(before.open, open)) pieces[pieces.length - 1] = { ...before, to };
    else pieces.push({ from, to, open });
  }
  return pieces;
}

const sameSet = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each));
