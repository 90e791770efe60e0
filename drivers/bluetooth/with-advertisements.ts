/**
 * Another `BluetoothHal`, with hints from the air: the reports of the advertisement seam, matched against the addresses and
 * identity keys of the bonds, become `hint` events of the same stream. All else is the host's own. A hint asks for a probe
 * at most, and is told of one device once a second, whoever sends how many advertisements.
 */
import { type MonotonicMs, milliseconds } from '../base/brand.ts';
import { deferred } from '../base/deferred.ts';
import type { AdvertisementEvent, AdvertisementHal } from '../hal/advertisement.ts';
import type { BluetoothEvent, BluetoothHal, BondedDevice, LinkLevel, Probe } from '../hal/bluetooth.ts';
import { AddressResolver } from './resolvable-address.ts';

const HINT_EVERY = milliseconds(1000);

type Hint = Extract<BluetoothEvent, { type: 'hint' }>;

/** What the air says of the bonds; at most one hint for each device waits. */
class Listener {
  readonly #inner: BluetoothHal;
  readonly #source: AdvertisementHal;
  readonly #waiting = new Map<string, Hint>();
  readonly #toldAt = new Map<string, MonotonicMs>();
  #resolver: AddressResolver | null = null;
  /** The bonds may have changed since they were read. */
  #void = true;
  wake: () => void = () => undefined;

  constructor(inner: BluetoothHal, source: AdvertisementHal) {
    this.#inner = inner;
    this.#source = source;
  }

  get hasHints(): boolean {
    return this.#waiting.size > 0;
  }

  hints(): readonly Hint[] {
    const taken = [...this.#waiting.values()];
    this.#waiting.clear();
    return taken;
  }

  /** Something was said of the bonds: what is known of them does not hold. */
  note(event: BluetoothEvent): void {
    if (event.type === 'hint') return;
    this.#void = true;
    this.#resolver = null;
    this.#waiting.clear();
  }

  async follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#source.watch({ signal })) await this.#hear(event, signal);
    } catch {
      // Without hints everything else goes on.
    }
  }

  async #hear(event: AdvertisementEvent, signal: AbortSignal): Promise<void> {
    if (event.type !== 'reports') return;
    if (this.#void) {
      this.#void = false;
      const bonds = await this.#inner.bonded({ signal }).catch(() => null);
      // Read again at the next event of the host, not at each report.
      if (bonds === null || this.#void) return;
      this.#resolver = new AddressResolver(bonds);
      this.#toldAt.clear();
    }
    for (const { address, strength } of this.#resolver?.resolve(event.reports) ?? []) {
      const before = this.#toldAt.get(address);
      if (before !== undefined && event.at - before < HINT_EVERY) continue;
      this.#toldAt.set(address, event.at);
      const rssi = strength === null ? null : ({ scale: 'dBm', value: strength } as const);
      this.#waiting.set(address, { type: 'hint', at: event.at, address, rssi, what: 'advertisement' });
    }
    if (this.hasHints) this.wake();
  }
}

export class BluetoothWithAdvertisements implements BluetoothHal {
  readonly #inner: BluetoothHal;
  readonly #source: AdvertisementHal;

  /** @param inner is owned by this from now on */
  constructor(inner: BluetoothHal, source: AdvertisementHal) {
    this.#inner = inner;
    this.#source = source;
  }

  get name(): string {
    return this.#inner.name;
  }

  get simulated(): boolean {
    return this.#inner.simulated || this.#source.simulated;
  }

  bonded(options: { readonly signal: AbortSignal }): Promise<readonly BondedDevice[]> {
    return this.#inner.bonded(options);
  }

  probe(
    address: string,
    options: {
      readonly minLevel: LinkLevel;
      readonly within: ReturnType<typeof milliseconds>;
      readonly signal: AbortSignal;
    },
  ): Promise<Probe> {
    return this.#inner.probe(address, options);
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<BluetoothEvent, void, undefined> {
    const ending = new AbortController();
    const over = AbortSignal.any([signal, ending.signal]);
    const listener = new Listener(this.#inner, this.#source);
    const events = this.#inner.watch({ signal: over })[Symbol.asyncIterator]();
    let next = events.next();
    const following = listener.follow(over);
    try {
      for (;;) {
        const woken = deferred<null>();
        listener.wake = () => woken.resolve(null);
        if (listener.hasHints) listener.wake();
        const got = await Promise.race([next, woken.promise]);
        if (got === null) {
          yield* listener.hints();
          continue;
        }
        if (got.done === true) return;
        next = events.next();
        // Whoever reads slowly learns of a failure at the next turn.
        next.catch(() => undefined);
        listener.note(got.value);
        yield got.value;
      }
    } finally {
      ending.abort();
      await Promise.allSettled([following, next]);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#inner[Symbol.asyncDispose]());
  }
}
