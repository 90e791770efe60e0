/**
 * `FactorSignal`: what a driver has seen, typed. It is the only vocabulary that leaves `drivers/` upward. A signal is
 * never a decision: the policy room decides, on the freshest signal of each kind. A gesture (PIN, key, finger, face)
 * says whether it was right; what lies around the machine (radio, addresses, Wi-Fi) is observed as it is, and the rules
 * of the policy are held against it.
 */
import type { Milliseconds, MonotonicMs } from './base/brand.ts';
import type { Observations } from './observation.ts';

/** The factors of Windows Hello multi-factor unlock, and beyond Windows the security key. */
export const FACTOR_KINDS = ['pin', 'securityKey', 'fingerprint', 'face', 'phone', 'network'] as const;
export type FactorKind = (typeof FACTOR_KINDS)[number];

/** What a person does. Each is a factor of its own. */
export const GESTURE_KINDS = ['pin', 'securityKey', 'fingerprint', 'face'] as const;
export type GestureKind = (typeof GESTURE_KINDS)[number];

/** What is there without anybody's doing, after the signal types of the Windows rules; phone and network come of them. */
export const SURROUNDING_KINDS = ['bluetooth', 'ipConfig', 'wifi'] as const;
export type SurroundingKind = (typeof SURROUNDING_KINDS)[number];

export const SIGNAL_KINDS = [...GESTURE_KINDS, ...SURROUNDING_KINDS] as const;
export type SignalKind = (typeof SIGNAL_KINDS)[number];

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
  /** Which driver or device said so, in words for people: `security key 1209:beee`, `TPM`, `NetworkManager`. */
  readonly source: string;
  readonly observedAt: MonotonicMs;
  /** How long the observation may count, from `observedAt`. */
  readonly validFor: Milliseconds;
  /** Comes from `hal-mocks`. Never grants on a machine that was set up for real. */
  readonly simulated: boolean;
}

interface Unavailable {
  readonly state: 'unavailable';
  readonly reason: UnavailableReason;
  readonly detail?: string;
}

export type GestureSignal = SignalBase & { readonly kind: GestureKind } & (
    | {
        readonly state: 'satisfied';
        /** `bound`: the TPM checks it by cryptography. `gate`: only this program saw it. */
        readonly strength: 'bound' | 'gate';
        /** Facts for the reason tree; never a secret. */
        readonly evidence: Readonly<Record<string, string | number | boolean>>;
      }
    | { readonly state: 'unsatisfied'; readonly reason: UnsatisfiedReason; readonly detail?: string }
    | Unavailable
  );

type SurroundingOf<K extends SurroundingKind> = SignalBase & { readonly kind: K } & (
    | { readonly state: 'observed'; readonly observation: Observations[K] }
    | Unavailable
  );

/** Never "unsatisfied": that there is no network is an observation like any other. */
export type SurroundingSignal = { [K in SurroundingKind]: SurroundingOf<K> }[SurroundingKind];

export type FactorSignal = GestureSignal | SurroundingSignal;

export const isGesture = (signal: FactorSignal): signal is GestureSignal =>
  GESTURE_KINDS.some((kind) => kind === signal.kind);
