/** Collects what a Wi-Fi host tells, so that a test can wait for what it expects. */
import type { NetworkEvent, WifiHal, WifiSnapshot } from '../../../drivers/hal/network.ts';

export const anySignal = (): AbortSignal => new AbortController().signal;

export class SeenWifi implements AsyncDisposable {
  readonly all: NetworkEvent[] = [];
  readonly #hal: WifiHal;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(hal: WifiHal) {
    this.#hal = hal;
    this.#done = (async () => {
      for await (const event of hal.watch({ signal: this.#abort.signal })) {
        this.all.push(event);
        this.#wake();
      }
    })();
  }

  /** Waits until an event, of those from index `from`, is of a type. The test's own time limit ends it. */
  async next(type: NetworkEvent['type'], from = 0): Promise<NetworkEvent> {
    for (;;) {
      const found = this.all.slice(from).find((event) => event.type === type);
      if (found !== undefined) return found;
      await this.#more();
    }
  }

  /** Reads after every event until what is read is as wanted; so it ends only where the events suffice. */
  async until(wanted: (snapshot: WifiSnapshot) => boolean): Promise<WifiSnapshot> {
    for (;;) {
      const seen = this.all.length;
      const snapshot = await this.#hal.read({ signal: anySignal() }).catch(() => null);
      if (snapshot !== null && wanted(snapshot)) return snapshot;
      if (this.all.length === seen) await this.#more();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}
