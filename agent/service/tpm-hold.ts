/**
 * Something that is loaded into the TPM and waits for its second half, while a person is asked for a touch. Nobody can
 * count on it: it is given up for whoever else wants the TPM, and whoever held it then begins anew.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';

export class TpmHold<H> {
  readonly #signal: AbortSignal;
  readonly #stopTimer: () => void;
  readonly #over = deferred<void>();
  readonly #prepared = deferred<H | null>();
  /** `free`: may be taken or given up. */
  #state: 'free' | 'taken' | 'over' = 'free';

  constructor(clock: Clock, span: Milliseconds, signal: AbortSignal) {
    this.#signal = signal;
    this.#stopTimer = clock.timer(span, this.giveUp);
    signal.addEventListener('abort', this.giveUp, { once: true });
    this.#prepared.promise.catch(() => undefined);
    if (signal.aborted) this.giveUp();
  }

  /** Ends it, unless the second half has begun. Idempotent. */
  readonly giveUp = (): void => {
    if (this.#state === 'free') this.#end();
  };

  #end(): void {
    this.#state = 'over';
    this.#stopTimer();
    this.#signal.removeEventListener('abort', this.giveUp);
    this.#over.resolve();
  }

  /** Prepares what is held and resolves when it may be closed. Never rejects. */
  async untilOver(prepare: () => Promise<H>): Promise<void> {
    try {
      this.#prepared.resolve(this.#state === 'over' ? null : await prepare());
    } catch (error) {
      // Whoever begins anew is told the same by the TPM; anything else is a fault, and theirs who take it.
      if (isUnlockdError(error)) this.#prepared.resolve(null);
      else this.#prepared.reject(error);
      this.giveUp();
    }
    await this.#over.promise;
  }

  /**
   * The second half, once.
   * @returns null when it was given up before; then nothing was done
   */
  async use<T extends object>(work: (held: H) => Promise<T | null>): Promise<T | null> {
    if (this.#state !== 'free') return null;
    this.#state = 'taken';
    try {
      const held = await this.#prepared.promise;
      return held === null ? null : await work(held);
    } finally {
      this.#end();
    }
  }
}
