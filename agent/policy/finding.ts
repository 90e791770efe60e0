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

export interface FindingOptions {
  readonly policy: UnlockPolicy;
  readonly now: MonotonicMs;
  readonly machineSimulated: boolean;
}

const SATISFIED: Finding = Object.freeze({ is: 'satisfied' });

/** How long a signal counts from `observedAt` on, in milliseconds: the policy can only shorten it. */
export function allowedMsOf(kind: SignalKind, signal: FactorSignal, policy: UnlockPolicy): number {
  const limit = policy.freshnessSeconds[kind];
  return limit === undefined ? signal.validFor : Math.min(signal.validFor, limit * 1000);
}

/** `satisfied` for a signal that counts: of a gesture that it was right, of the surroundings that they are known. */
export function findingOf(
  kind: SignalKind,
  signal: FactorSignal | undefined,
  { policy, now, machineSimulated }: FindingOptions,
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
  const allowedMs = allowedMsOf(kind, signal, policy);
  // Written so that a limit that is not a number refuses.
  return now - signal.observedAt <= allowedMs ? SATISFIED : { is: 'stale', allowedMs };
}

/** What a signal adds in words; null: nothing, or no words. */
export const detailOf = ({ detail }: { readonly detail?: string }): string | null =>
  typeof detail === 'string' ? detail : null;
