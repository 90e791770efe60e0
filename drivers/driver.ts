/** `FactorDriver`: turns what a device does into `FactorSignal`s. */
import type { FactorKind, FactorSignal } from './signal.ts';

export interface FactorDriver {
  readonly factor: FactorKind;
  /**
   * Yields a signal whenever what is known of the factor changes, until `signal` aborts (then it returns). Hardware
   * that is absent, refused or broken is an `unavailable` signal: this never throws for hardware reasons.
   */
  watch(options: { signal: AbortSignal }): AsyncIterable<FactorSignal>;
}
