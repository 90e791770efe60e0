/**
 * Time as a parameter. Nothing outside this file asks the machine what time it is or sets a timer, so a whole daemon
 * can run on a virtual clock.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, monotonicMs, type UnixMs, unixMs } from './brand.ts';

/** What the clock on the wall of the machine shows. */
export interface WallTime {
  readonly day: 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';
  /** Minutes after midnight, 0-1439. On a day on which clocks are put back some come twice, forward some never. */
  readonly minute: number;
}

const DAYS: readonly WallTime['day'][] = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/**
 * A civil time as the clocks of a place show it.
 * @param timeZone IANA name; left out: the machine's own
 */
export function wallTime(at: UnixMs, timeZone?: string): WallTime {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const weekday = (parts.get('weekday') ?? '').toLowerCase();
  const day = DAYS.find((name) => name === weekday) ?? 'monday';
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

export interface Clock {
  /** Monotonic; for measuring and for freshness. */
  now(): MonotonicMs;
  /** Civil time; for people, for expiry of PINs, for logs. May jump. */
  wall(): UnixMs;
  /** {@link wall} in the time zone of the machine. */
  localTime(): WallTime;
  /** Resolves after `span`; rejects with the signal's reason as soon as it aborts. */
  sleep(span: Milliseconds, options: { signal?: AbortSignal }): Promise<void>;
  /** Calls `fire` once after `span`. Returns what stops it; stopping twice is harmless. Does not keep the process alive. */
  timer(span: Milliseconds, fire: () => void): () => void;
}

/**
 * The monotonic clock that all processes of this machine share (CLOCK_MONOTONIC; stands still in a suspend), for times
 * that another program measured. Since the machine's start, where {@link Clock.now} counts from this process's.
 */
export const machineMonotonic = (): Milliseconds => milliseconds(Number(process.hrtime.bigint() / 1000n) / 1000);

export const systemClock: Clock = {
  now: () => monotonicMs(performance.now()),
  wall: () => unixMs(Date.now()),
  localTime: () => wallTime(unixMs(Date.now())),
  sleep: (span, { signal }) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timeout);
        reject(signal?.reason);
      };
      const timeout = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, span);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
  timer: (span, fire) => {
    const timeout = setTimeout(fire, span);
    timeout.unref();
    return () => clearTimeout(timeout);
  },
};
