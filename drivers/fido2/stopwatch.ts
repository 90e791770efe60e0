/**
 * Adds up the time of an authenticator and its bus, so that a measurement can tell it from ours: from the first report
 * of a request, handed to the host, to the last of its answer (a USB device takes one report each interval of its
 * endpoint). Waits that overlap (two keys at once) count once.
 */
import { type Milliseconds, type MonotonicMs, milliseconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';

/** One wait. Ending it twice is harmless. */
export interface DeviceWait {
  /** The device, or its host, has taken the whole request. To be called once at most. */
  readonly written: () => void;
  readonly stop: () => void;
}

export class DeviceStopwatch {
  readonly #clock: Clock;
  #waiting = 0;
  #since: MonotonicMs | null = null;
  #total = 0;
  #written = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a wait: the next thing is that the first report goes out. */
  start(): DeviceWait {
    const begun = this.#clock.now();
    if (this.#waiting++ === 0) this.#since = begun;
    let running = true;
    return {
      written: () => {
        this.#written += this.#clock.now() - begun;
      },
      stop: () => {
        if (!running) return;
        running = false;
        if (--this.#waiting > 0 || this.#since === null) return;
        this.#total += this.#clock.now() - this.#since;
        this.#since = null;
      },
    };
  }

  /** Forgets what was waited so far: a wait that is under way counts from now on. */
  restart(): void {
    this.#total = 0;
    this.#written = 0;
    if (this.#since !== null) this.#since = this.#clock.now();
  }

  /** Time waited so far in waits that have ended. */
  get elapsed(): Milliseconds {
    return milliseconds(this.#total);
  }

  /** How much of it passed until the device had taken the requests. */
  get writing(): Milliseconds {
    return milliseconds(this.#written);
  }
}

/** Milliseconds, for reports. */
export interface KeyTimings {
  /** Of the authenticator and its bus. */
  readonly deviceMs: number;
  /** The part of it until the requests were written. */
  readonly writeMs: number;
}

export const timingsOf = ({ elapsed, writing }: DeviceStopwatch): KeyTimings => ({
  deviceMs: elapsed,
  writeMs: writing,
});
