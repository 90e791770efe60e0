/**
 * `FactorSignal`: what a driver has seen, typed. It is the only vocabulary that leaves `drivers/` upward. A signal is
 * never a decision: the policy room decides, on the freshest signal of each factor.
 */
import type { Milliseconds, MonotonicMs } from './base/brand.ts';

/** The factors of Windows Hello multi-factor unlock, and beyond Windows the security key. */
export const FACTOR_KINDS = ['pin', 'securityKey', 'fingerprint', 'face', 'phone', 'network'] as const;
export type FactorKind = (typeof FACTOR_KINDS)[number];

/** Why a factor that could be observed is not satisfied. Closed: a new reason is a change of this file. */
export const UNSATISFIED_REASONS = [
  'not-presented',
  'wrong',
  'not-enrolled',
  'wrong-device',
  'not-verified',
  'cancelled',
  'timed-out',
  'expired',
] as const;
export type UnsatisfiedReason = (typeof UNSATISFIED_REASONS)[number];

/** Why a factor could not be observed at all. */
export const UNAVAILABLE_REASONS = [
  'no-device',
  'no-permission',
  'no-driver',
  'locked-out',
  'unsupported',
  'failed',
] as const;
export type UnavailableReason = (typeof UNAVAILABLE_REASONS)[number];

interface SignalBase {
  readonly factor: FactorKind;
  /** Which driver or device said so, in words for people: `security key 1209:beee`, `TPM`. */
  readonly source: string;
  readonly observedAt: MonotonicMs;
  /** How long the observation may count, from `observedAt`. */
  readonly validFor: Milliseconds;
  /** Comes from `hal-mocks`. Never grants on a machine that was set up for real. */
  readonly simulated: boolean;
}

export type FactorSignal = SignalBase &
  (
    | {
        readonly state: 'satisfied';
        /** `bound`: the TPM checks it by cryptography. `gate`: only this program saw it. */
        readonly strength: 'bound' | 'gate';
        /** Facts for the reason tree; never a secret. */
        readonly evidence: Readonly<Record<string, string | number | boolean>>;
      }
    | { readonly state: 'unsatisfied'; readonly reason: UnsatisfiedReason; readonly detail?: string }
    | { readonly state: 'unavailable'; readonly reason: UnavailableReason; readonly detail?: string }
  );
