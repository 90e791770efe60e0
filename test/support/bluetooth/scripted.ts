/** A Bluetooth host and an air that say what a test tells them to. */
import { type MonotonicMs, monotonicMs } from '../../../drivers/base/brand.ts';
import { deferred } from '../../../drivers/base/deferred.ts';
import type { AdvertisementEvent, AdvertisementHal } from '../../../drivers/hal/advertisement.ts';
import type { BluetoothEvent, BluetoothHal, BondedDevice, Probe } from '../../../drivers/hal/bluetooth.ts';

export const at = (seconds: number): MonotonicMs => monotonicMs(seconds * 1000);

/** A stream that is fed by hand, and ends with the signal of whoever reads it. */
export class Feed<T> {
  #waiting: T[] = [];
  #failure: Error | null = null;
  #wake: () => void = () => undefined;
  readers = 0;

  push(...events: readonly T[]): void {
    this.#waiting.push(...events);
    this.#wake();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<T, void, undefined> {
    this.readers++;
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = this.#waiting.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        if (this.#failure !== null) throw this.#failure;
        const woken = deferred<void>();
        this.#wake = woken.resolve;
        await woken.promise;
      }
    } finally {
      this.readers--;
      signal.removeEventListener('abort', onAbort);
    }
  }
}

export class ScriptedAir implements AdvertisementHal {
  readonly name = 'script';
  readonly simulated = false;
  readonly feed = new Feed<AdvertisementEvent>();

  watch(options: { readonly signal: AbortSignal }): AsyncGenerator<AdvertisementEvent, void, undefined> {
    return this.feed.watch(options);
  }
}

export class ScriptedHost implements BluetoothHal {
  readonly name = 'script';
  readonly simulated = false;
  readonly feed = new Feed<BluetoothEvent>();
  /** Null: cannot be read. */
  bonds: readonly BondedDevice[] | null = [];
  /** How often the bonds were read. */
  reads = 0;
  readonly probed: string[] = [];
  outcome: Probe['outcome'] = { proved: false, reason: 'unreachable', detail: null };
  disposed = false;

  bonded(): Promise<readonly BondedDevice[]> {
    this.reads++;
    return this.bonds === null ? Promise.reject(new Error('not now')) : Promise.resolve(this.bonds);
  }

  probe(address: string): Promise<Probe> {
    this.probed.push(address);
    return Promise.resolve({ at: at(0), bearer: 'LE', outcome: this.outcome });
  }

  watch(options: { readonly signal: AbortSignal }): AsyncGenerator<BluetoothEvent, void, undefined> {
    return this.feed.watch(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    return Promise.resolve();
  }
}

export const bondedPhone = (address: string, identityKey: Uint8Array | null): BondedDevice => ({
  address,
  addressType: 'public',
  bearers: ['LE'],
  name: 'a phone',
  classOfDevice: 0x5a020c,
  key: 'authenticated',
  identityKey,
});
