/**
 * The sensors of the machine: every driver of the surroundings is followed into one ledger for as long as the daemon
 * runs. A stream that ends is begun again after a while, so that a driver that fell over does not stay silent for ever;
 * after a suspend all of them are begun anew, as the clock of their age stood still.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { FactorDriver } from '../../drivers/driver.ts';
import type { SignalKind } from '../../drivers/signal.ts';
import { SignalLedger } from './ledger.ts';

/** Before a stream that ended is begun again. */
const AGAIN_AFTER = seconds(5);

export class Sensors implements AsyncDisposable {
  readonly ledger: SignalLedger;
  readonly #clock: Clock;
  readonly #drivers: readonly FactorDriver[];
  readonly #stop = new AbortController();
  /** Ends the streams as they were begun last, not the following. */
  #round = new AbortController();
  #following: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, drivers: readonly FactorDriver[]) {
    this.ledger = new SignalLedger({ clock });
    this.#clock = clock;
    this.#drivers = drivers;
  }

  /** Whether a driver of this kind is there; without one its signal never comes. */
  has(kind: SignalKind): boolean {
    return this.#drivers.some((driver) => driver.kind === kind);
  }

  /**
   * Somebody waits for what is sensed of these kinds, until `signal` aborts.
   * @param options.user whose devices; null: everybody's
   * @returns whether any of them is looked at only meanwhile
   */
  demand(
    kinds: readonly SignalKind[],
    options: { readonly user: number | null; readonly signal: AbortSignal },
  ): boolean {
    const asked = this.#drivers.filter(({ kind, demand }) => demand !== undefined && kinds.includes(kind));
    for (const driver of asked) driver.demand?.(options);
    return asked.length > 0;
  }

  /** Begins to follow; to be called once. */
  start(): void {
    this.#following = Promise.all(this.#drivers.map((driver) => this.#follow(driver)));
  }

  async #follow(driver: FactorDriver): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const round = this.#round.signal;
      await this.ledger.follow(driver, { signal: AbortSignal.any([signal, round]) });
      if (round.aborted) continue;
      await this.#clock.sleep(AGAIN_AFTER, { signal: AbortSignal.any([signal, round]) }).catch(() => undefined);
    }
  }

  /**
   * Nothing that was seen counts any more: the machine was suspended, and may be somewhere else. All is forgotten when
   * this returns; then every driver is asked anew.
   */
  forget(): void {
    const round = this.#round;
    this.#round = new AbortController();
    for (const driver of this.#drivers) driver.forget?.();
    round.abort();
    this.ledger.clear();
  }

  /** Ends every stream and waits for it. Idempotent. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.ledger.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
