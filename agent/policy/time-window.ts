/**
 * Time windows: hours of the week within which a part of a policy counts. They are gates; whoever sets the clock of the
 * machine moves them.
 */
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export interface TimeWindow {
  readonly days: readonly Weekday[];
  /** Local time, `08:00`. */
  readonly from: string;
  /**
   * The first minute that is out, `17:30`, at most `24:00`. Not after `from`: the window goes over midnight, and `days`
   * are those on which it begins.
   */
  readonly to: string;
}

/** The local time of the machine. */
export interface LocalTime {
  readonly day: Weekday;
  /** 0-1439. */
  readonly minute: number;
}

/** Minutes after midnight of `HH:MM`, 0-1440; null: it is no time. */
export function minuteOf(time: string): number | null {
  const [, hours, minutes] = /^(\d{2}):([0-5]\d)$/.exec(time) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  return minute <= 1440 ? minute : null;
}

const dayBefore = (day: Weekday): Weekday => WEEKDAYS[(WEEKDAYS.indexOf(day) + 6) % 7] as Weekday;

/** True within the window; false also for a time that is none. */
export function isWithin(window: TimeWindow, { day, minute }: LocalTime): boolean {
  if (!Number.isInteger(minute) || minute < 0 || minute > 1439 || !WEEKDAYS.includes(day)) return false;
  const { days } = window;
  const [from, to] = [minuteOf(window.from), minuteOf(window.to)];
  if (from === null || to === null) return false;
  if (from < to) return days.includes(day) && minute >= from && minute < to;
  return (days.includes(day) && minute >= from) || (days.includes(dayBefore(day)) && minute < to);
}

const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** `monday, tuesday 08:00-17:30`. */
export const windowWords = ({ days, from, to }: TimeWindow): string =>
  `${days.length === 7 ? 'every day' : days.join(', ')} ${from}-${to}`;

export const localTimeWords = ({ day, minute }: LocalTime): string => `${day} ${clock(minute)}`;
