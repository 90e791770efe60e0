/** `FactorDriver`: turns what a device does into `FactorSignal`s. */
import type { FactorSignal, SignalKind } from './signal.ts';

export interface FactorDriver {
  readonly kind: SignalKind;
  /**
   * Yields a signal whenever what is known of its kind changes, until `signal` aborts (then it returns). Hardware
   * that is absent, refused or broken is an `unavailable` signal: this never throws for hardware reasons.
   */
  watch(options: { signal: AbortSignal }): AsyncIterable<FactorSignal>;
  /**
   * Somebody waits for it until `signal` aborts. Where a look costs others something (a phone its battery), it is only
   * looked meanwhile; a driver without this looks all the time.
   * @param options.user whose devices; null: everybody's
   */
  demand?(options: { readonly user: number | null; readonly signal: AbortSignal }): void;
  /**
   * What was seen until now counts no more, though this driver's clock says that it is fresh: the machine was suspended.
   * The stream is begun anew after it; only what outlives a stream has to be forgotten here.
   */
  forget?(): void;
}
