/** What an evaluation says: the verdict, the whole reason tree down to the element, and what would change it. */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, UnavailableReason, UnsatisfiedReason } from '../../drivers/signal.ts';
import type { Branch, Strength } from './branch.ts';

/** Why a factor counts or does not. Closed. */
export type Finding =
  | { readonly is: 'satisfied' }
  /** No signal of this factor is known. */
  | { readonly is: 'missing' }
  | { readonly is: 'unsatisfied'; readonly reason: UnsatisfiedReason }
  | { readonly is: 'unavailable'; readonly reason: UnavailableReason }
  /** Older than the signal or the policy allows. */
  | { readonly is: 'stale'; readonly allowedMs: number }
  /** Comes from a simulated device, and this machine is not simulated. */
  | { readonly is: 'simulated' }
  /** A factor that the TPM has to check was only observed. */
  | { readonly is: 'only-observed' }
  /** Observed later than now: a clock or a driver is wrong. */
  | { readonly is: 'from-the-future' }
  /** The signal is not well-formed. */
  | { readonly is: 'malformed' };

export interface FactorReason {
  readonly kind: 'factor';
  readonly ok: boolean;
  readonly factor: FactorKind;
  readonly finding: Finding;
  /** `bound`: enforced by the TPM. `gate`: only an observation of this program. */
  readonly strength: 'bound' | 'gate';
  /** Milliseconds since it was observed; null: no signal, or a malformed one. */
  readonly ageMs: number | null;
  readonly source: string | null;
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
  readonly detail: string | null;
}

export interface BranchReason {
  readonly kind: 'branch';
  readonly ok: boolean;
  readonly branch: Branch;
  /** True: refused although its factors are satisfied or could be, because no factor of it is bound. */
  readonly refusedAsAsserted: boolean;
  readonly children: readonly FactorReason[];
}

export interface PolicyReason {
  readonly kind: 'policy';
  readonly ok: boolean;
  readonly children: readonly BranchReason[];
}

interface DecisionBase {
  /** The `now` that it was made at. */
  readonly at: MonotonicMs;
  readonly reasons: PolicyReason;
}

export type Decision = DecisionBase &
  (
    | {
        readonly verdict: 'granted';
        readonly branch: Branch;
        readonly strength: Strength;
        readonly missing: readonly [];
      }
    /** `missing`: the fewest factors that would turn it into a grant, one entry for each way. */
    | { readonly verdict: 'denied'; readonly missing: readonly (readonly FactorKind[])[] }
  );

export type GrantedDecision = Extract<Decision, { verdict: 'granted' }>;
