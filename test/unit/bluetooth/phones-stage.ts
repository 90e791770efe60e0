/** The phones of a machine over the mock of Bluetooth, on a clock that stands still until it is moved. */
import { Phones, type PhonesOptions } from '../../../drivers/bluetooth/phones-driver.ts';
import type { PresenceEvent, PresencePhone } from '../../../drivers/hal/presence.ts';
import type { BluetoothDevice } from '../../../drivers/observation.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { MockBluetooth } from '../../../hal-mocks/bluetooth/mock-bluetooth.ts';
import { ManualClock, settle } from '../../support/fido2/manual-clock.ts';

export const ANA = 1000;
export const BEN = 1001;
export const PHONE_CLASS = 0x5a020c;

export const enrolled = (address: string, users: readonly number[] = [ANA]): PresencePhone => ({
  address,
  name: 'phone',
  classOfDevice: PHONE_CLASS,
  users,
});
export const A = enrolled('0c:00:00:00:00:0a');
export const B = enrolled('0c:00:00:00:00:0b', [BEN]);

export class Stage implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly hal = new MockBluetooth(this.clock);
  readonly phones: Phones;
  readonly signals: FactorSignal[] = [];
  readonly presence: PresenceEvent[] = [];
  enrolled: readonly PresencePhone[] | Error = [A];
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>[] = [];

  constructor(options: Partial<PhonesOptions> = {}) {
    this.phones = new Phones({
      hal: this.hal,
      clock: this.clock,
      phones: async () => {
        if (this.enrolled instanceof Error) throw this.enrolled;
        return this.enrolled;
      },
      ...options,
    });
    for (const { address } of [A, B]) this.hal.put({ address });
    this.#done.push(this.#follow());
  }

  async #follow(): Promise<void> {
    for await (const signal of this.phones.driver.watch({ signal: this.#stop.signal })) this.signals.push(signal);
  }

  /** Somebody waits. @returns what ends it */
  demand(user: number | null = ANA): () => void {
    const abort = new AbortController();
    this.phones.driver.demand?.({ user, signal: abort.signal });
    return () => abort.abort();
  }

  /** Dynamic lock watches. @returns what ends it */
  watchPresence(everyMs: number): () => Promise<void> {
    const abort = new AbortController();
    const done = (async () => {
      const { signal } = abort;
      for await (const event of this.phones.presence.watch({ everyMs, signal })) this.presence.push(event);
    })();
    return async () => {
      abort.abort();
      await done;
    };
  }

  /** Lets what is ready run, and time pass. */
  async pass(ms = 0): Promise<void> {
    await settle();
    await this.clock.advance(ms);
  }

  get last(): FactorSignal {
    const last = this.signals.at(-1);
    if (last === undefined) throw new Error('nothing was told yet');
    return last;
  }

  /** As it counts now: what is past its time does not. */
  device(address = A.address): BluetoothDevice | null {
    const { last } = this;
    if (last.kind !== 'bluetooth' || last.state !== 'observed') return null;
    if (this.clock.now() - last.observedAt > last.validFor) return null;
    return last.observation.devices.find((device) => device.address === address) ?? null;
  }

  get isProved(): boolean {
    return this.device()?.proved === true;
  }

  /** How often a phone was paged. */
  pages(address?: string): number {
    return this.hal.probes.filter((probe) => address === undefined || probe.address === address).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#done);
  }
}
