/** A clock that stands still until a test moves it: for timeouts of drivers without waiting for them. */
import { type Milliseconds, type MonotonicMs, monotonicMs, unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, wallTime } from '../../../drivers/base/clock.ts';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** Lets everything that is ready run, several rounds of promises and immediates deep. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class ManualClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<Timer>();

  now(): MonotonicMs {
    return monotonicMs(this.#now);
  }

  wall() {
    return unixMs(1_700_000_000_000 + this.#now);
  }

  localTime() {
    return wallTime(this.wall(), 'UTC');
  }

  timer(span: Milliseconds, fire: () => void): () => void {
    const timer = { at: this.#now + span, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(span: Milliseconds, { signal }: { signal?: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = this.timer(span, resolve);
      const onAbort = () => {
        stop();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what is due in its order and letting each effect settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}
