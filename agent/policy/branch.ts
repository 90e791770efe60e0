/** One way to satisfy a policy: a pair of factors, and how much of it the TPM enforces. */
import type { FactorKind } from '../../drivers/signal.ts';

/** How many factors of a branch the TPM itself enforces. `asserted`: none, only this machine. */
export type Strength = 'bound-2' | 'bound-1' | 'asserted';

export interface Branch {
  /** In canonical order, which is the order of the TPM's policy commands. */
  readonly factors: readonly FactorKind[];
  /** Those of them that the TPM enforces by cryptography. */
  readonly bound: readonly FactorKind[];
  readonly strength: Strength;
}
