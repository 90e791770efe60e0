/** Policies and signals for tests, with everything that a test does not care about filled in. */

import { checkedDocument } from '../../agent/policy/forms/native-json.ts';
import { type PolicyDocument, policyFor, type UnlockPolicy } from '../../agent/policy/model.ts';
import { milliseconds, monotonicMs } from '../../drivers/base/brand.ts';
import type { IpConfigObservation } from '../../drivers/observation.ts';
import type { FactorKind, FactorSignal, GestureKind, SignalKind, SurroundingKind } from '../../drivers/signal.ts';

/** The rules of every policy here: a phone that is near, and the network of the office. */
export const RULES = [
  { name: 'near', all: [{ type: 'bluetooth' }] },
  { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] },
] as const;

/** Whose phone it is. */
export const USER = 1000;

export const documentOf = (
  first: readonly FactorKind[],
  second: readonly FactorKind[],
  more: Readonly<Record<string, unknown>> = {},
): PolicyDocument => {
  const { acceptAsserted = false, ...rest } = more;
  const unlock = { require: { all: [{ any: first }, { any: second }] }, acceptAsserted };
  return checkedDocument({ version: 2, contexts: { unlock }, rules: RULES, ...rest });
};

/** The policy "one of `first`, and one of `second`". */
export const policyOf = (
  first: readonly FactorKind[],
  second: readonly FactorKind[],
  more: Readonly<Record<string, unknown>> = {},
): UnlockPolicy => policyFor(documentOf(first, second, more), 'unlock');

interface More {
  readonly observedAt?: number;
  readonly validFor?: number;
  readonly simulated?: boolean;
}

const base = (source: string, more: More = {}) => ({
  source: `test ${source}`,
  observedAt: monotonicMs(more.observedAt ?? 1000),
  validFor: milliseconds(more.validFor ?? 10_000),
  simulated: more.simulated ?? false,
});

/** The surroundings that the rules of a factor are about. */
export const kindOf = (factor: FactorKind): SignalKind =>
  factor === 'phone' ? 'bluetooth' : factor === 'network' ? 'ipConfig' : factor;

const unknown = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };

export const officeNetwork = (address = '192.0.2.5/24'): IpConfigObservation => ({
  primaryDnsSuffix: null,
  interfaces: [
    { name: 'eth0', kind: 'ethernet', connected: true, ipv4: { ...unknown, addresses: [address] }, ipv6: unknown },
  ],
});

/** Satisfied, bound, real, observed at 1000 and valid for ten seconds; of a phone or a network what its rule wants. */
export function satisfied(factor: FactorKind, more: More & { strength?: 'bound' | 'gate' } = {}): FactorSignal {
  if (factor === 'network') {
    return { ...base(factor, more), kind: 'ipConfig', state: 'observed', observation: officeNetwork() };
  }
  if (factor === 'phone') {
    const address = '02:00:00:00:00:01';
    const rssi = { scale: 'relative', value: 0 } as const;
    const phone = {
      address,
      name: 'phone',
      classOfDevice: 0x5a020c,
      users: [USER],
      proved: true,
      rssi,
      rssiBest: null,
    };
    return { ...base(factor, more), kind: 'bluetooth', state: 'observed', observation: { devices: [phone] } };
  }
  return { ...base(factor, more), kind: factor, state: 'satisfied', strength: more.strength ?? 'bound', evidence: {} };
}

export const unsatisfied = (
  kind: GestureKind,
  reason: Extract<FactorSignal, { state: 'unsatisfied' }>['reason'],
  at = 1000,
): FactorSignal => ({ ...base(kind, { observedAt: at }), kind, state: 'unsatisfied', reason });

export const unavailable = (
  factor: FactorKind,
  reason: Extract<FactorSignal, { state: 'unavailable' }>['reason'],
  at = 1000,
): FactorSignal => ({
  ...base(factor, { observedAt: at }),
  kind: kindOf(factor) as GestureKind | SurroundingKind as GestureKind,
  state: 'unavailable',
  reason,
});

export const snapshotOf = (...signals: FactorSignal[]): Map<SignalKind, FactorSignal> =>
  new Map(signals.map((signal) => [signal.kind, signal]));
