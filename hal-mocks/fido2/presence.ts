/**
 * Test of user presence (CTAP 2.1 §6.1.2 step 14, §6.2.2 step 9): a command waits until somebody touches, declines,
 * cancels, or the time is over. Nothing here touches by itself.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { type CtapRefusal, refusal } from './refusal.ts';

type Verdict = (end: CtapRefusal | null) => void;

export class Presence {
  readonly #clock: Clock;
  readonly #timeout: Milliseconds;
  readonly #listeners = new Set<() => void>();
  #settle: Verdict | null = null;

  constructor(clock: Clock, timeout: Milliseconds) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  get waiting(): boolean {
    return this.#settle !== null;
  }

  /** Calls `listener` each time a command begins to wait. Returns what takes it away again. */
  onWait(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The touch that a waiting command wants. False: nothing is waiting, and the touch is lost. */
  touch(): boolean {
    return this.#end(null);
  }

  /** The person says no on the device itself. False: nothing is waiting. */
  decline(): boolean {
    return this.#end(refusal('CTAP2_ERR_OPERATION_DENIED'));
  }

  #end(end: CtapRefusal | null): boolean {
    const settle = this.#settle;
    settle?.(end);
    return settle !== null;
  }

  /**
   * Waits for the touch.
   * @throws {CtapRefusal} CTAP2_ERR_OPERATION_DENIED, CTAP2_ERR_USER_ACTION_TIMEOUT, or CTAP2_ERR_KEEPALIVE_CANCEL when
   *   `signal` aborts
   */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(refusal('CTAP2_ERR_KEEPALIVE_CANCEL'));
        return;
      }
      const settle: Verdict = (end) => {
        this.#settle = null;
        stopTimer();
        signal.removeEventListener('abort', onAbort);
        if (end === null) resolve();
        else reject(end);
      };
      const onAbort = () => settle(refusal('CTAP2_ERR_KEEPALIVE_CANCEL'));
      const stopTimer = this.#clock.timer(this.#timeout, () => settle(refusal('CTAP2_ERR_USER_ACTION_TIMEOUT')));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#settle = settle;
      for (const listener of this.#listeners) listener();
    });
  }
}
