/** Policies and signals for tests, with everything that a test does not care about filled in. */

import { parsePolicy } from '../../agent/policy/forms/native-json.ts';
import type { UnlockPolicy } from '../../agent/policy/model.ts';
import { milliseconds, monotonicMs } from '../../drivers/base/brand.ts';
import type { FactorKind, FactorSignal } from '../../drivers/signal.ts';

/** The policy "one of `first`, and one of `second`". */
export const policyOf = (
  first: readonly FactorKind[],
  second: readonly FactorKind[],
  more: Readonly<Record<string, unknown>> = {},
): UnlockPolicy =>
  // biome-ignore lint/suspicious/noThenProperty: list B of the document
  parsePolicy(JSON.stringify({ version: 1, first, then: second, ...more }));

/** A satisfied, bound, real signal, observed at 1000 and valid for ten seconds. */
export const satisfied = (
  factor: FactorKind,
  more: { observedAt?: number; validFor?: number; simulated?: boolean; strength?: 'bound' | 'gate' } = {},
): FactorSignal => ({
  factor,
  source: `test ${factor}`,
  observedAt: monotonicMs(more.observedAt ?? 1000),
  validFor: milliseconds(more.validFor ?? 10_000),
  simulated: more.simulated ?? false,
  state: 'satisfied',
  strength: more.strength ?? 'bound',
  evidence: {},
});

export const unsatisfied = (
  factor: FactorKind,
  reason: Extract<FactorSignal, { state: 'unsatisfied' }>['reason'],
  at = 1000,
): FactorSignal => ({
  factor,
  source: `test ${factor}`,
  observedAt: monotonicMs(at),
  validFor: milliseconds(10_000),
  simulated: false,
  state: 'unsatisfied',
  reason,
});

export const unavailable = (
  factor: FactorKind,
  reason: Extract<FactorSignal, { state: 'unavailable' }>['reason'],
  at = 1000,
): FactorSignal => ({
  factor,
  source: `test ${factor}`,
  observedAt: monotonicMs(at),
  validFor: milliseconds(10_000),
  simulated: false,
  state: 'unavailable',
  reason,
});

export const snapshotOf = (...signals: FactorSignal[]): Map<FactorKind, FactorSignal> =>
  new Map(signals.map((signal) => [signal.factor, signal]));
