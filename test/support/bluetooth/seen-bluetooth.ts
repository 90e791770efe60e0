/** Collects what a Bluetooth host tells, so that a test can wait for what it expects. */
import type { BluetoothEvent, BluetoothHal } from '../../../drivers/hal/bluetooth.ts';

export class SeenBluetooth implements AsyncDisposable {
  readonly all: BluetoothEvent[] = [];
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(hal: BluetoothHal) {
    this.#done = (async () => {
      for await (const event of hal.watch({ signal: this.#abort.signal })) {
        this.all.push(event);
        this.#wake();
      }
    })();
  }

  /** Waits until an event, of those from index `from`, is as wanted. The test's own time limit ends it. */
  async next(wanted: (event: BluetoothEvent) => boolean, from = 0): Promise<BluetoothEvent> {
    for (;;) {
      const found = this.all.slice(from).find(wanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}
