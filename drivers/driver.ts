/** `FactorDriver`: turns what a device does into `FactorSignal`s. */
import type { FactorSignal, SignalKind } from './signal.ts';

export interface FactorDriver {
  readonly kind: SignalKind;
  /**
   * Yields a signal whenever what is known of its kind changes, until `signal` aborts (then it returns). Hardware
   * that is absent, refused or broken is an `unavailable` signal: this never throws for hardware reasons.
   */
  watch(options: { signal: AbortSignal }): AsyncIterable<FactorSignal>;
}
