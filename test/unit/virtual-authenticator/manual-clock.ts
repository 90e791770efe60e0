/** A clock that stands still until a test moves it; timers fire in the order of their time. */
import { type Milliseconds, type MonotonicMs, monotonicMs, unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, wallTime } from '../../../drivers/base/clock.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** Lets everything that waits only for promises run to its end. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class ManualClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];

  now(): MonotonicMs {
    return monotonicMs(this.#now);
  }

  wall() {
    return unixMs(this.#now);
  }

  localTime() {
    return wallTime(this.wall(), 'UTC');
  }

  timer(span: Milliseconds, fire: () => void): () => void {
    const timer = { at: this.#now + span, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((it) => it !== timer);
    };
  }

  sleep(span: Milliseconds): Promise<void> {
    return new Promise((resolve) => {
      this.timer(span, resolve);
    });
  }

  /** Moves time on by `ms`, firing what is due at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const due = this.#timers.filter((it) => it.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((it) => it !== due);
      this.#now = due.at;
      due.fire();
    }
    this.#now = until;
    await settle();
  }
}
