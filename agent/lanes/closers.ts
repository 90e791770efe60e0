/** What a lane has opened, closed in reverse order; each is closed even if another one fails. */
export class Closers {
  readonly #closers: (() => PromiseLike<unknown>)[] = [];

  add(close: () => PromiseLike<unknown>): void {
    this.#closers.push(close);
  }

  /** Idempotent. @throws the first failure, after all were tried */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      try {
        await next();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
