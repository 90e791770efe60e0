/**
 * The reader of fingers in the authenticator (CTAP 2.1 §6.7, built-in user verification): a command waits until somebody
 * puts a finger on it, cancels, or the time is over. Nothing here puts one down by itself.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { SAMPLE_STATUS } from '../../drivers/fido2/wire/constants.ts';
import { refusal } from './refusal.ts';

export type SampleQuality = keyof typeof SAMPLE_STATUS;

export interface Sample {
  /** Which finger it is, in the operator's words. */
  readonly finger: string;
  readonly quality: SampleQuality;
}

export const isSampleQuality = (name: string): name is SampleQuality => Object.hasOwn(SAMPLE_STATUS, name);

export class FingerReader {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #settle: ((sample: Sample) => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): boolean {
    return this.#settle !== null;
  }

  /** Calls `listener` each time a command begins to wait. Returns what takes it away again. */
  onWait(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Puts a finger on the reader. False: nothing is waiting. */
  show(finger: string, quality: SampleQuality = 'good'): boolean {
    const settle = this.#settle;
    settle?.({ finger, quality });
    return settle !== null;
  }

  /**
   * Waits for a finger. @returns null: nobody came in time
   * @throws {CtapRefusal} CTAP2_ERR_KEEPALIVE_CANCEL when `signal` aborts
   */
  wait(signal: AbortSignal, within: Milliseconds): Promise<Sample | null> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(refusal('CTAP2_ERR_KEEPALIVE_CANCEL'));
        return;
      }
      const end = (): void => {
        this.#settle = null;
        stopTimer();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(refusal('CTAP2_ERR_KEEPALIVE_CANCEL'));
      };
      const stopTimer = this.#clock.timer(within, () => {
        end();
        resolve(null);
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.#settle = (sample) => {
        end();
        resolve(sample);
      };
      for (const listener of this.#listeners) listener();
    });
  }
}
