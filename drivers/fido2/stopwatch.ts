/**
 * Adds up the time in which an authenticator's answer was awaited, so that a measurement can tell the device's time
 * from ours. Waits that overlap (two keys at once) count once.
 */
import { type Milliseconds, type MonotonicMs, milliseconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';

export class DeviceStopwatch {
  readonly #clock: Clock;
  #waiting = 0;
  #since: MonotonicMs | null = null;
  #total = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a wait. Returns what ends it; ending twice is harmless. */
  start(): () => void {
    if (this.#waiting++ === 0) this.#since = this.#clock.now();
    let running = true;
    return () => {
      if (!running) return;
      running = false;
      if (--this.#waiting > 0 || this.#since === null) return;
      this.#total += this.#clock.now() - this.#since;
      this.#since = null;
    };
  }

  /** Forgets what was waited so far: a wait that is under way counts from now on. */
  restart(): void {
    this.#total = 0;
    if (this.#since !== null) this.#since = this.#clock.now();
  }

  /** Time waited so far in waits that have ended. */
  get elapsed(): Milliseconds {
    return milliseconds(this.#total);
  }
}
