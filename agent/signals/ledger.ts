/**
 * The ledger: the freshest signal of each kind. Drivers' streams flow in, snapshots and changes flow out. A stream
 * that ends or fails takes its signal with it, as nobody would notice any more if the factor went away.
 */
import { type Milliseconds, type MonotonicMs, milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { FactorDriver } from '../../drivers/driver.ts';
import type { FactorSignal, SignalKind } from '../../drivers/signal.ts';

export type LedgerChange =
  | { readonly type: 'signal'; readonly signal: FactorSignal }
  /** The signal is no longer kept: its source is gone, or it was withdrawn. */
  | { readonly type: 'lost'; readonly kind: SignalKind };

/** How long the word of a broken driver counts. */
const BROKEN_DRIVER_VALID_FOR: Milliseconds = milliseconds(60_000);

export class SignalLedger {
  readonly #clock: Clock;
  readonly #signals = new Map<SignalKind, FactorSignal>();
  readonly #listeners = new Set<(change: LedgerChange) => void>();

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  /** The freshest signal of each kind that still counts at `now`; what is past its `validFor` is left out. */
  snapshot(now: MonotonicMs = this.#clock.now()): ReadonlyMap<SignalKind, FactorSignal> {
    return new Map([...this.#signals].filter(([, signal]) => now - signal.observedAt <= signal.validFor));
  }

  /** The freshest signal of each kind, also where it is stale: to be judged by somebody who says so. */
  all(): ReadonlyMap<SignalKind, FactorSignal> {
    return new Map(this.#signals);
  }

  /** The freshest signal, also where it is stale: for status and explanations. */
  latest(kind: SignalKind): FactorSignal | undefined {
    return this.#signals.get(kind);
  }

  /**
   * Takes a signal over, unless a newer one of the kind is known: streams may overtake each other.
   * @returns false when it was not taken over: older, from the future, or its times are not numbers
   */
  record(signal: FactorSignal): boolean {
    if (!Number.isFinite(signal.observedAt) || !Number.isFinite(signal.validFor)) return false;
    // Kept, it would keep every honest signal out until its time comes.
    if (signal.observedAt > this.#clock.now()) return false;
    const known = this.#signals.get(signal.kind);
    if (known !== undefined && signal.observedAt < known.observedAt) return false;
    this.#signals.set(signal.kind, signal);
    this.#tell({ type: 'signal', signal });
    return true;
  }

  /** Drops the signal of a kind: after it was used up, on lock, and when its source is gone. */
  drop(kind: SignalKind): void {
    if (this.#signals.delete(kind)) this.#tell({ type: 'lost', kind });
  }

  /** Drops every signal. */
  clear(): void {
    for (const kind of [...this.#signals.keys()]) this.drop(kind);
  }

  /** Calls `listener` on every change until the returned function is called. Listeners must not throw. */
  onChange(listener: (change: LedgerChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Follows a driver until `signal` aborts or the stream ends; then its signal is dropped. Signals of another kind
   * than the driver's are ignored. A driver that throws, which it never should, counts as `unavailable: failed`.
   */
  async follow(driver: FactorDriver, options: { readonly signal: AbortSignal }): Promise<void> {
    let failed = false;
    try {
      for await (const seen of driver.watch(options)) {
        if (options.signal.aborted) break;
        if (seen.kind === driver.kind) this.record(seen);
      }
    } catch {
      failed = !options.signal.aborted;
    }
    this.drop(driver.kind);
    if (failed) {
      this.record({
        kind: driver.kind,
        source: 'driver',
        observedAt: this.#clock.now(),
        validFor: BROKEN_DRIVER_VALID_FOR,
        simulated: false,
        state: 'unavailable',
        reason: 'failed',
      });
    }
  }

  #tell(change: LedgerChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
