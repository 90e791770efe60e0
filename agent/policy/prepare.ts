/** A policy made ready for deciding: what depends on the document alone is worked out once and kept with it. */
import type { FactorKind, SurroundingKind, SurroundingSignal } from '../../drivers/signal.ts';
import { type Branch, type BranchOptions, branchesOf } from './branches.ts';
import { bluetoothMatcher } from './match/bluetooth.ts';
import type { Match } from './match/element.ts';
import { ipConfigMatcher } from './match/ip-config.ts';
import { wifiMatcher } from './match/wifi.ts';
import type { UnlockPolicy } from './model.ts';
import { factorOfRule, type SignalCondition } from './rules.ts';

type Observed = Extract<SurroundingSignal, { state: 'observed' }>;

export interface PreparedCondition {
  readonly type: SurroundingKind;
  /** Holds it against a signal of its type. */
  readonly match: (signal: Observed, user: number | null) => Match;
}

export interface PreparedRule {
  readonly name: string;
  readonly factor: Extract<FactorKind, 'phone' | 'network'>;
  readonly conditions: readonly PreparedCondition[];
}

export interface PreparedPolicy {
  readonly policy: UnlockPolicy;
  readonly rules: ReadonlyMap<string, PreparedRule>;
  branches(options: BranchOptions): readonly Branch[];
}

function prepareCondition(condition: SignalCondition, policy: UnlockPolicy): PreparedCondition {
  const never: Match = { ok: false, where: null, elements: [] };
  switch (condition.type) {
    case 'bluetooth': {
      const matches = bluetoothMatcher(condition, policy.matching);
      return {
        type: 'bluetooth',
        match: (signal, user) => (signal.kind === 'bluetooth' ? matches(signal.observation, user) : never),
      };
    }
    case 'ipConfig': {
      const matches = ipConfigMatcher(condition, policy.matching);
      return {
        type: 'ipConfig',
        match: (signal) => (signal.kind === 'ipConfig' ? matches(signal.observation) : never),
      };
    }
    case 'wifi': {
      const matches = wifiMatcher(condition);
      return { type: 'wifi', match: (signal) => (signal.kind === 'wifi' ? matches(signal.observation) : never) };
    }
  }
}

function preparedOf(policy: UnlockPolicy): PreparedPolicy {
  const branches = new Map<boolean, readonly Branch[]>();
  return {
    policy,
    rules: new Map(
      policy.rules.map((rule) => [
        rule.name,
        {
          name: rule.name,
          factor: factorOfRule(rule),
          conditions: rule.all.map((condition) => prepareCondition(condition, policy)),
        },
      ]),
    ),
    branches: (options) => {
      const key = options.pinIsBound === true;
      const known = branches.get(key) ?? branchesOf(policy, { pinIsBound: key });
      branches.set(key, known);
      return known;
    },
  };
}

const kept = new WeakMap<UnlockPolicy, PreparedPolicy>();

/** Kept with the policy only if that is frozen: another one could be changed under it. */
export function prepare(policy: UnlockPolicy): PreparedPolicy {
  const known = kept.get(policy);
  if (known !== undefined) return known;
  const prepared = preparedOf(policy);
  if (Object.isFrozen(policy)) kept.set(policy, prepared);
  return prepared;
}
