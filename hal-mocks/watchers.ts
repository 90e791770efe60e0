/** Whoever watches a mock: each gets every event that is told while it watches, in order, and none is lost on the way. */
export class Watchers<E> {
  readonly #listeners = new Set<(event: E) => void>();

  tell(event: E): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  /**
   * Until `signal` aborts.
   * @param first what is told at once
   * @param covers true: `next` says no more than `last`, which nobody has taken yet, and is left out
   */
  async *watch(
    first: E,
    signal: AbortSignal,
    covers: (last: E, next: E) => boolean = () => false,
  ): AsyncGenerator<E, void, undefined> {
    const queue: E[] = [first];
    let wake: () => void = () => undefined;
    const listener = (event: E) => {
      const last = queue.at(-1);
      if (last === undefined || !covers(last, event)) queue.push(event);
      wake();
    };
    const onAbort = () => wake();
    this.#listeners.add(listener);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const next = queue.shift();
        if (next !== undefined) yield next;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
