/**
 * The security key, made ready while the PIN is still being judged: listed, opened, looked at and agreed with, so that
 * only the request for the touch is left for its turn. Nothing that a person would notice is sent to a key before that,
 * so none blinks for a PIN that turns out wrong.
 */
import { deferred } from '../../drivers/base/deferred.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { KeyAnswer } from './key-check.ts';

/** Asks the key; what a person would notice only after `turn`. Ends when `signal` aborts. */
export type AskAhead = (signal: AbortSignal, turn: Promise<void>) => Promise<KeyAnswer>;

export class KeyAhead implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #turn = deferred<void>();
  readonly #answer: Promise<KeyAnswer>;
  #taken = false;

  /** Begins at once. What fails before the turn is told when it comes. */
  constructor(ask: AskAhead) {
    this.#turn.promise.catch(() => undefined);
    this.#answer = ask(this.#stop.signal, this.#turn.promise);
    this.#answer.catch(() => undefined);
  }

  /** It is the key's turn. To be called once; the caller owns what it gets. @throws as the asking does */
  async take(signal: AbortSignal): Promise<KeyAnswer> {
    this.#taken = true;
    const onAbort = () => this.#giveUp(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else this.#turn.resolve();
    try {
      return await this.#answer;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #giveUp(reason: unknown): void {
    this.#turn.reject(reason);
    this.#stop.abort(reason);
  }

  /** Gives the key up, unless its turn has come. Resolves when it is closed. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#taken) return;
    this.#taken = true;
    this.#giveUp(new UnlockdError('ERR_CTAP_CANCELLED', 'the turn of the security key did not come'));
    const answer = await this.#answer.catch(() => null);
    answer?.authValue.dispose();
  }
}
