/** One listener of the presence of phones: what it has not taken yet is kept, a bounded number, the newest. */
import type { Milliseconds } from '../base/brand.ts';
import type { PresenceEvent } from '../hal/presence.ts';
import type { Asking } from './look-schedule.ts';

const MAX_WAITING = 256;

export class PresenceStream implements Asking {
  /** Everybody's phones. */
  readonly user = null;
  readonly every: Milliseconds;
  readonly #waiting: PresenceEvent[] = [];
  #wake: () => void = () => undefined;

  constructor(every: Milliseconds) {
    this.every = every;
  }

  push(event: PresenceEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      const sample = this.#waiting.findIndex(({ type }) => type === 'sample');
      this.#waiting.splice(Math.max(0, sample), 1);
    }
    this.#waiting.push(event);
    this.#wake();
  }

  /** What comes, until `signal` aborts. */
  async *events(signal: AbortSignal): AsyncGenerator<PresenceEvent, void, undefined> {
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const next = this.#waiting.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
