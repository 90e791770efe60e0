/**
 * One who waits until something has happened. However often it rings meanwhile, one ring waits, and what has happened is
 * for the one who comes to look at.
 */
export class Doorbell implements Disposable {
  readonly #signal: AbortSignal;
  #rung = false;
  #open: () => void = () => undefined;

  /** @param signal it rings, too, when this aborts */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.ring, { once: true });
  }

  readonly ring = (): void => {
    this.#rung = true;
    this.#open();
  };

  /** Resolves at the next ring: at once where it has rung since the last one was heard, or all is over. One at a time. */
  async heard(): Promise<void> {
    if (!this.#rung && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#open = resolve;
      });
      this.#open = () => undefined;
    }
    this.#rung = false;
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.ring);
  }
}
