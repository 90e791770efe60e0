/** What an evaluation says: the verdict, the whole reason tree down to the element, and what would change it. */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, SurroundingKind, UnavailableReason, UnsatisfiedReason } from '../../drivers/signal.ts';
import type { Branch, Strength } from './branch.ts';
import type { ElementReason } from './match/element.ts';

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
  | { readonly is: 'malformed' }
  /** It was observed, and what the rule asks for is not there. */
  | { readonly is: 'no-match' }
  /** Of a phone or a network: none of that many rules holds. */
  | { readonly is: 'no-rule-holds'; readonly rules: number };

/** One condition of a rule, on the interface or device that comes closest. */
export interface SignalReason {
  readonly kind: 'signal';
  readonly ok: boolean;
  readonly type: SurroundingKind;
  readonly finding: Finding;
  /** The interface, network or device; null: there is none. */
  readonly where: string | null;
  readonly ageMs: number | null;
  readonly source: string | null;
  /** Of an unavailable signal. */
  readonly detail: string | null;
  readonly children: readonly ElementReason[];
}

export interface RuleReason {
  readonly kind: 'rule';
  readonly ok: boolean;
  readonly rule: string;
  readonly children: readonly SignalReason[];
}

/** A time window, which only this program looks at. */
export interface WindowReason {
  readonly kind: 'window';
  readonly ok: boolean;
  readonly window: string;
  readonly expected: string;
  /** Null: the local time is not known. */
  readonly found: string | null;
}

export type { ElementReason };

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
  /** Of a phone or a network: every rule that could satisfy it here. Empty for a gesture. */
  readonly children: readonly RuleReason[];
}

export interface BranchReason {
  readonly kind: 'branch';
  readonly ok: boolean;
  readonly branch: Branch;
  /** True: refused although its factors are satisfied or could be, because no factor of it is bound. */
  readonly refusedAsAsserted: boolean;
  readonly windows: readonly WindowReason[];
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
