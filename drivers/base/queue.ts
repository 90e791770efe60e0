/**
 * A strict queue: one task at a time, in the order asked. It is what keeps a TPM or a security key from ever seeing
 * two commands at once, and a container from two changes at once.
 */
import { deferred } from './deferred.ts';

export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Tasks waiting or running. */
  get length(): number {
    return this.#length;
  }

  /**
   * Runs `task` after everything queued before it has settled. A task that fails does not stop the next. A task whose
   * `signal` aborts before its turn is never started and rejects with the signal's reason at once, not only when what is
   * before it ends.
   */
  run<T>(task: () => Promise<T>, options: { signal?: AbortSignal | undefined } = {}): Promise<T> {
    this.#length++;
    const { signal } = options;
    const gone = deferred<never>();
    const onAbort = () => gone.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const result = this.#tail.then(async () => {
      signal?.removeEventListener('abort', onAbort);
      signal?.throwIfAborted();
      return await task();
    });
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return Promise.race([result, gone.promise]).finally(() => {
      this.#length--;
    });
  }
}
