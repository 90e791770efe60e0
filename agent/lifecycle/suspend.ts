/**
 * The machine's suspend, as the daemon gets to know of it. Who puts the machine to sleep says so before, by a signal
 * (docs/operations/unlockd-sleep.service); a suspend that nobody announced shows afterwards, because the time since boot
 * has gone on and the monotonic clock has not (clock_gettime(2)).
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';

/** Before the machine sleeps, and whenever all keys shall go at once. SIGUSR1 is Node's own: it opens the inspector. */
export const FORGET_SIGNAL = 'SIGUSR2';

/** Milliseconds by which the clocks have to part: more than their steps, less than any suspend lasts. */
const PARTED = 1000;

export class SuspendWatch {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #bootTime: () => Milliseconds | null;
  /** How far the time since boot was ahead of the monotonic clock; null: not known yet. */
  #ahead: number | null;

  /** @param bootTime time since boot, suspends included; null: the host does not say, and nothing is ever noticed */
  constructor(clock: Pick<Clock, 'now'>, bootTime: () => Milliseconds | null) {
    this.#clock = clock;
    this.#bootTime = bootTime;
    this.#ahead = this.#measure();
  }

  /** Whether the machine was suspended since this was asked last, or since the watch was made. */
  slept(): boolean {
    const before = this.#ahead;
    const now = this.#measure();
    if (now === null) return false;
    this.#ahead = now;
    return before !== null && now - before > PARTED;
  }

  #measure(): number | null {
    const sinceBoot = this.#bootTime();
    return sinceBoot === null ? null : sinceBoot - this.#clock.now();
  }
}
