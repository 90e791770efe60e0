/**
 * Surroundings that are said, not sensed: phones, addresses and Wi-Fi as whoever simulates sets them, told through the
 * same streams as those of the real drivers. Every signal of them says that it is simulated.
 */
import { type Milliseconds, milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import type { FactorDriver } from '../../drivers/driver.ts';
import type { Observations } from '../../drivers/observation.ts';
import type { SurroundingKind, SurroundingSignal, UnavailableReason } from '../../drivers/signal.ts';

export const SIMULATED_SOURCE = 'simulation';

/** What is there of one kind. */
export type Surrounding = {
  [K in SurroundingKind]: { readonly kind: K; readonly observation: Observations[K] };
}[SurroundingKind];

export type Seen =
  | Surrounding
  | { readonly kind: SurroundingKind; readonly unavailable: UnavailableReason; readonly detail?: string };

export interface SeenFor {
  readonly validFor: Milliseconds;
  /** False: told once, and then it grows old. */
  readonly repeated: boolean;
}

const DEFAULT: SeenFor = { validFor: milliseconds(10_000), repeated: true };

export class SimulatedSurroundings {
  readonly #clock: Clock;
  readonly #seen = new Map<SurroundingKind, { readonly seen: Seen; readonly during: SeenFor }>();
  /** What was told and is not repeated: a stream that is begun anew does not tell it again either. */
  readonly #toldOnce = new WeakSet<Seen>();
  #changed = deferred<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on this is there. */
  set(seen: Seen, during: Partial<SeenFor> = {}): void {
    this.#seen.set(seen.kind, { seen, during: { ...DEFAULT, ...during } });
    this.#wake();
  }

  /** Nothing is known of anything any more. */
  clear(): void {
    this.#seen.clear();
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = deferred<void>();
  }

  /** One stream for each kind. */
  get drivers(): readonly FactorDriver[] {
    return (['bluetooth', 'ipConfig', 'wifi'] as const).map((kind) => ({
      kind,
      watch: ({ signal }) => this.#watch(kind, signal),
    }));
  }

  #signal(kind: SurroundingKind): SurroundingSignal {
    const known = this.#seen.get(kind);
    const base = {
      source: SIMULATED_SOURCE,
      observedAt: this.#clock.now(),
      validFor: known?.during.validFor ?? DEFAULT.validFor,
      simulated: true,
    };
    if (known === undefined) return { ...base, kind, state: 'unavailable', reason: 'no-device' };
    const { seen } = known;
    if ('observation' in seen) return { ...base, state: 'observed', ...seen };
    const { unavailable: reason, detail } = seen;
    return { ...base, kind, state: 'unavailable', reason, ...(detail === undefined ? {} : { detail }) };
  }

  async *#watch(kind: SurroundingKind, signal: AbortSignal): AsyncGenerator<SurroundingSignal, void, undefined> {
    let told: Seen | null | undefined;
    while (!signal.aborted) {
      const known = this.#seen.get(kind);
      const { repeated, validFor } = known?.during ?? DEFAULT;
      const changed = this.#changed.promise;
      const seen = known?.seen ?? null;
      if (repeated || (told !== seen && !(seen !== null && this.#toldOnce.has(seen)))) {
        told = seen;
        if (seen !== null && !repeated) this.#toldOnce.add(seen);
        yield this.#signal(kind);
      }
      await this.#pause(milliseconds(validFor / 2), changed, signal);
    }
  }

  /** Until something changes, half of the validity has passed, or nobody watches any more. */
  async #pause(span: Milliseconds, changed: Promise<void>, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([over.signal, signal]);
    await Promise.race([changed, this.#clock.sleep(span, { signal: either })]).catch(() => undefined);
    over.abort();
  }
}
