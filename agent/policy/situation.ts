/** Everything that one decision depends on, and what it makes of a gesture and of a time window. */
import type { MonotonicMs } from '../../drivers/base/brand.ts';
import type { Branch } from './branch.ts';
import type { Finding } from './decision.ts';
import { type FindingOptions, findingOf } from './finding.ts';
import type { PreparedGesture, PreparedPolicy } from './prepare.ts';
import type { SignalSource } from './snapshot.ts';
import { isWithin, type LocalTime, type TimeWindow } from './time-window.ts';

export interface EvaluateOptions {
  /** True: the machine itself is simulated, so simulated signals count. */
  readonly machineSimulated: boolean;
  /** See `BranchOptions`. */
  readonly pinIsBound: boolean;
  /** Numeric id of whoever unlocks; left out or null: no phone counts as enrolled for him. */
  readonly user?: number | null;
  /** Left out or null: not known, so no time window is open. */
  readonly localTime?: LocalTime | null;
}

/** Everything that one decision depends on; `ageLimits`, `now` and `machineSimulated` are what a signal is judged by. */
export interface Situation extends FindingOptions {
  readonly prepared: PreparedPolicy;
  readonly snapshot: SignalSource;
  readonly options: EvaluateOptions;
}

export const situationFor = (
  prepared: PreparedPolicy,
  snapshot: SignalSource,
  now: MonotonicMs,
  options: EvaluateOptions,
): Situation => ({
  ageLimits: prepared.ageLimits,
  now,
  machineSimulated: options.machineSimulated,
  prepared,
  snapshot,
  options,
});

export function gestureFinding({ factor, bound }: PreparedGesture, situation: Situation): Finding {
  const signal = situation.snapshot.get(factor);
  const finding = findingOf(factor, signal, situation);
  if (finding.is !== 'satisfied') return finding;
  if (signal?.state !== 'satisfied') return { is: 'malformed' };
  // A bound factor of which there is only an observation (a key that is plugged in) proves nothing to the TPM.
  return bound && signal.strength !== 'bound' ? { is: 'only-observed' } : finding;
}

export const windowOf = (name: string, { prepared }: Situation): TimeWindow | undefined =>
  Object.hasOwn(prepared.policy.windows, name) ? prepared.policy.windows[name] : undefined;

export function windowIsOpen(name: string, situation: Situation): boolean {
  const [window, time] = [windowOf(name, situation), situation.options.localTime ?? null];
  return window !== undefined && time !== null && isWithin(window, time);
}

/** No factor of it is bound, and the policy does not accept that. */
export const isRefusedAsAsserted = ({ strength }: Branch, { prepared }: Situation): boolean =>
  strength === 'asserted' && prepared.policy.acceptAsserted !== true;
