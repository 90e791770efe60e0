/**
 * Devices that were closed and that the native part has not given back yet. Closing one takes node-hid up to 50 ms, in
 * which it must be neither opened again nor left alone by a process that ends.
 */
export class PendingReleases {
  readonly #byPath = new Map<string, Promise<void>>();

  /** @param release settles when the device is free; a failure means that there is nothing left to free */
  add(path: string, release: Promise<void>): void {
    const before = this.#byPath.get(path) ?? Promise.resolve();
    const both = Promise.allSettled([before, release]).then(() => {
      if (this.#byPath.get(path) === both) this.#byPath.delete(path);
    });
    this.#byPath.set(path, both);
  }

  /** Resolves when what was closed at `path` so far is free. */
  async of(path: string): Promise<void> {
    await this.#byPath.get(path);
  }

  /** Resolves when everything that was closed so far is free. */
  async all(): Promise<void> {
    await Promise.all(this.#byPath.values());
  }
}
