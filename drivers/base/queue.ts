/**
 * A strict queue: one task at a time, in the order asked. It is what keeps a TPM or a security key from ever seeing
 * two commands at once, and a container from two changes at once.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Tasks waiting or running. */
  get length(): number {
    return this.#length;
  }

  /**
   * Runs `task` after everything queued before it has settled. A task that fails does not stop the next. A task whose
   * `signal` aborted before its turn is never started and rejects with the signal's reason.
   */
  run<T>(task: () => Promise<T>, options: { signal?: AbortSignal | undefined } = {}): Promise<T> {
    this.#length++;
    const result = this.#tail.then(async () => {
      options.signal?.throwIfAborted();
      return await task();
    });
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result.finally(() => {
      this.#length--;
    });
  }
}
