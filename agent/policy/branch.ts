/** One way to satisfy a policy: different factors, and how much of it the TPM enforces. */
import type { FactorKind } from '../../drivers/signal.ts';

/** How many factors of a branch the TPM itself enforces; `bound-2` is two or more. `asserted`: none, only this machine. */
export type Strength = 'bound-2' | 'bound-1' | 'asserted';

export interface Branch {
  /** In canonical order, which is the order of the TPM's policy commands. */
  readonly factors: readonly FactorKind[];
  /** Those of them that the TPM enforces by cryptography. */
  readonly bound: readonly FactorKind[];
  /** Names of the rules, of which one has to hold; empty: it has neither a phone nor a network. */
  readonly rules: readonly string[];
  /** Names of the time windows that all have to be open. No TPM enforces them. */
  readonly during: readonly string[];
  readonly strength: Strength;
}
