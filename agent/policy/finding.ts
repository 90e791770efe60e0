/** What one signal is worth at one moment, before any rule looks into it. */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import { type FactorSignal, type SignalKind, UNAVAILABLE_REASONS, UNSATISFIED_REASONS } from '../../drivers/signal.ts';
import type { Finding } from './decision.ts';
import type { UnlockPolicy } from './model.ts';

const isState = (state: string): boolean =>
  state === 'satisfied' || state === 'observed' || state === 'unsatisfied' || state === 'unavailable';

export const isWellFormed = (signal: FactorSignal | undefined, kind: SignalKind): signal is FactorSignal =>
  typeof signal === 'object' &&
  signal !== null &&
  signal.kind === kind &&
  Number.isFinite(signal.observedAt) &&
  Number.isFinite(signal.validFor) &&
  typeof signal.simulated === 'boolean' &&
  typeof signal.source === 'string' &&
  isState(signal.state);

/** The policy's own upper bound on the age of a signal, in milliseconds; Infinity: it has none. */
export type AgeLimits = Readonly<Record<SignalKind, number>>;

export const ageLimitsOf = ({ freshnessSeconds: limits }: Pick<UnlockPolicy, 'freshnessSeconds'>): AgeLimits => {
  const limit = (kind: SignalKind): number => (limits[kind] ?? Number.POSITIVE_INFINITY) * 1000;
  return {
    pin: limit('pin'),
    securityKey: limit('securityKey'),
    fingerprint: limit('fingerprint'),
    face: limit('face'),
    bluetooth: limit('bluetooth'),
    ipConfig: limit('ipConfig'),
    wifi: limit('wifi'),
  };
};

export interface FindingOptions {
  readonly ageLimits: AgeLimits;
  readonly now: MonotonicMs;
  readonly machineSimulated: boolean;
}

const SATISFIED: Finding = Object.freeze({ is: 'satisfied' });

/** How long a signal counts from `observedAt` on, in milliseconds: the policy can only shorten it. */
export const allowedMsOf = (kind: SignalKind, signal: FactorSignal, limits: AgeLimits): number =>
  Math.min(signal.validFor, limits[kind]);

/** `satisfied` for a signal that counts: of a gesture that it was right, of the surroundings that they are known. */
export function findingOf(
  kind: SignalKind,
  signal: FactorSignal | undefined,
  { ageLimits, now, machineSimulated }: FindingOptions,
): Finding {
  if (signal === undefined) return { is: 'missing' };
  if (!isWellFormed(signal, kind) || !Number.isFinite(now)) return { is: 'malformed' };
  if (signal.simulated && !machineSimulated) return { is: 'simulated' };
  if (signal.observedAt > now) return { is: 'from-the-future' };
  if (signal.state === 'unsatisfied') {
    return UNSATISFIED_REASONS.includes(signal.reason)
      ? { is: 'unsatisfied', reason: signal.reason }
      : { is: 'malformed' };
  }
  if (signal.state === 'unavailable') {
    return UNAVAILABLE_REASONS.includes(signal.reason)
      ? { is: 'unavailable', reason: signal.reason }
      : { is: 'malformed' };
  }
  const allowedMs = allowedMsOf(kind, signal, ageLimits);
  // Written so that a limit that is not a number refuses.
  return now - signal.observedAt <= allowedMs ? SATISFIED : { is: 'stale', allowedMs };
}

/** What a signal adds in words; null: nothing, or no words. */
export const detailOf = ({ detail }: { readonly detail?: string }): string | null =>
  typeof detail === 'string' ? detail : null;
