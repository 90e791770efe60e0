/** The vocabulary of the unlock machine: what it knows, what it is told, what it wants done. */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { ErrorCode } from '../../drivers/base/errors.ts';
import type { FactorKind, FactorSignal, SignalKind } from '../../drivers/signal.ts';
import type { Decision, GrantedDecision } from '../policy/decision.ts';
import type { EvaluateOptions } from '../policy/evaluate.ts';
import type { UnlockPolicy } from '../policy/model.ts';

/**
 * What is asked for besides, once the policy that opens is satisfied: by it a newer policy can come in force. What of it
 * cannot be had is left out, and the attempt ends with the grant that it has.
 */
export interface FurtherWanted {
  /** All of them or none. */
  readonly policies: readonly UnlockPolicy[];
  /** Factors that whoever unlocks has not. */
  readonly notEnrolled: readonly FactorKind[];
}

/** What does not change during an attempt. */
export interface UnlockPlan {
  readonly policy: UnlockPolicy;
  readonly further?: FurtherWanted;
  readonly options: EvaluateOptions;
  /** Milliseconds after `start` at which the attempt ends, whatever has come. */
  readonly limitMs: number;
  /** How often one factor may be wrong in one attempt; the limits of the container and of the TPM stand beside it. */
  readonly maxRetries: number;
}

export type UnlockOutcome =
  | { readonly is: 'granted' }
  | { readonly is: 'denied'; readonly decision: Decision }
  | { readonly is: 'timed-out'; readonly decision: Decision | null }
  | { readonly is: 'cancelled' }
  /** The policy was satisfied, and the release did not succeed. */
  | { readonly is: 'failed'; readonly code: ErrorCode };

export interface UnlockState {
  readonly phase: 'new' | 'collecting' | 'releasing' | 'done';
  readonly plan: UnlockPlan;
  /** The freshest signal of each kind. */
  readonly snapshot: ReadonlyMap<SignalKind, FactorSignal>;
  /** The factor that is being asked for. */
  readonly asking: FactorKind | null;
  /** Factors that cannot be had in this attempt, with the signal that said so. */
  readonly givenUp: ReadonlyMap<FactorKind, FactorSignal>;
  readonly retries: ReadonlyMap<FactorKind, number>;
  readonly startedAt: MonotonicMs | null;
  readonly endsAt: MonotonicMs | null;
  /** The last decision. */
  readonly decision: Decision | null;
  readonly outcome: UnlockOutcome | null;
}

export type UnlockEvent =
  /**
   * Begins. `snapshot`: what the ledger knows already, so that a phone or a network that is there is
   * not asked for. Gestures (PIN, key, fingerprint, face) from before `at` do not count.
   */
  | { readonly type: 'start'; readonly at: MonotonicMs; readonly snapshot: ReadonlyMap<SignalKind, FactorSignal> }
  /**
   * A driver, or the check of a factor that was asked for, says something. `triesLeft`: of the limit that is reached
   * first; 0: none; null or left out: not counted.
   */
  | {
      readonly type: 'signal';
      readonly at: MonotonicMs;
      readonly signal: FactorSignal;
      readonly triesLeft?: number | null;
      /** This is what came of a question, and nothing more will: not what a driver tells by itself. */
      readonly isAnswer?: true;
    }
  /** The source of a kind of signal is gone, and its signal with it. */
  | { readonly type: 'lost'; readonly at: MonotonicMs; readonly kind: SignalKind }
  /** Time has passed; to be sent at `wake-at`, harmless at any time. */
  | { readonly type: 'tick'; readonly at: MonotonicMs }
  | { readonly type: 'cancel' }
  /** What became of `release`. */
  | { readonly type: 'released' }
  | { readonly type: 'release-failed'; readonly code: ErrorCode };

export type UnlockEffect =
  /**
   * Prompt for the PIN, wait for a touch, or wait for an observation; the answer is a `signal`. `further`: what opens is
   * there already, this is what a newer policy wants besides.
   */
  | { readonly type: 'ask'; readonly factor: FactorKind; readonly triesLeft: number | null; readonly further?: true }
  /** Take the question back, on the wire too (CTAPHID_CANCEL). */
  | { readonly type: 'stop-asking'; readonly factor: FactorKind }
  /** Tell the person that this was refused, and how many tries are left. */
  | { readonly type: 'refused'; readonly signal: FactorSignal; readonly triesLeft: number | null }
  /** Send `tick` at this time. */
  | { readonly type: 'wake-at'; readonly at: MonotonicMs }
  /** Mint the grant of this decision and release; the answer is `released` or `release-failed`. At most once. */
  | { readonly type: 'release'; readonly decision: GrantedDecision }
  /** Break a running release off. */
  | { readonly type: 'cancel-release' }
  /** A release came through after the attempt had ended: drop what it gave. */
  | { readonly type: 'forget' }
  /** The attempt is over. Exactly once, and nothing but `forget` comes after it. */
  | { readonly type: 'finish'; readonly outcome: UnlockOutcome };

export interface Step {
  readonly state: UnlockState;
  readonly effects: readonly UnlockEffect[];
}
