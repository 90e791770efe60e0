/** A policy made ready for deciding: what depends on the document alone is worked out once and kept with it. */
import type { FactorKind, GestureKind } from '../../drivers/signal.ts';
import { type Branch, type BranchOptions, branchesOf } from './branches.ts';
import { type AgeLimits, ageLimitsOf } from './finding.ts';
import { bluetoothMatcher } from './match/bluetooth.ts';
import { ipConfigMatcher } from './match/ip-config.ts';
import { wifiMatcher } from './match/wifi.ts';
import type { Matching, UnlockPolicy } from './model.ts';
import type { PreparedCondition, PreparedRule } from './prepared-rule.ts';
import { RuleIndex } from './rule-index.ts';
import { factorOfRule, type SignalCondition } from './rules.ts';

/** The rules of a branch, of which one has to hold. Branches with the same rules share one group. */
export interface RuleGroup {
  readonly rules: readonly PreparedRule[];
  /** Made when it is first asked for. */
  readonly index: () => RuleIndex;
}

export interface PreparedGesture {
  readonly factor: GestureKind;
  /** The TPM enforces it. */
  readonly bound: boolean;
}

/** A branch, and what it asks for as it is looked at for every verdict. */
export interface PreparedBranch {
  readonly branch: Branch;
  readonly gestures: readonly PreparedGesture[];
  /** A phone or a network is among its factors, by one of the rules of `group`. */
  readonly needsRule: boolean;
  readonly group: RuleGroup;
  readonly windows: readonly string[];
}

export interface PreparedPolicy {
  readonly policy: UnlockPolicy;
  readonly ageLimits: AgeLimits;
  readonly rules: ReadonlyMap<string, PreparedRule>;
  branches(options: BranchOptions): readonly PreparedBranch[];
}

function prepareCondition(condition: SignalCondition, policy: UnlockPolicy): PreparedCondition {
  const { type } = condition;
  switch (type) {
    case 'bluetooth': {
      const { holds, match } = bluetoothMatcher(condition, policy.matching);
      return {
        type,
        condition,
        holds: ({ bluetooth }) => bluetooth !== null && holds(bluetooth),
        match: ({ bluetooth }) => (bluetooth === null ? null : match(bluetooth)),
      };
    }
    case 'ipConfig': {
      const { holds, match } = ipConfigMatcher(condition, policy.matching);
      return {
        type,
        condition,
        holds: ({ ipConfig }) => ipConfig !== null && holds(ipConfig),
        match: ({ ipConfig }) => (ipConfig === null ? null : match(ipConfig)),
      };
    }
    case 'wifi': {
      const { holds, match } = wifiMatcher(condition);
      return {
        type,
        condition,
        holds: ({ wifi }) => wifi !== null && holds(wifi),
        match: ({ wifi }) => (wifi === null ? null : match(wifi)),
      };
    }
  }
}

export const isGestureFactor = (factor: FactorKind): factor is GestureKind =>
  factor !== 'phone' && factor !== 'network';

function groupOf(rules: readonly PreparedRule[], matching: Matching): RuleGroup {
  let index: RuleIndex | undefined;
  return {
    rules,
    index: () => {
      index ??= new RuleIndex(rules, matching);
      return index;
    },
  };
}

function withGroups(
  branches: readonly Branch[],
  rules: ReadonlyMap<string, PreparedRule>,
  matching: Matching,
): readonly PreparedBranch[] {
  const groups = new Map<string, RuleGroup>();
  return branches.map((branch) => {
    const key = branch.rules.join();
    const group =
      groups.get(key) ??
      groupOf(
        branch.rules.flatMap((name) => rules.get(name) ?? []),
        matching,
      );
    groups.set(key, group);
    return {
      branch,
      gestures: branch.factors
        .filter(isGestureFactor)
        .map((factor) => ({ factor, bound: branch.bound.includes(factor) })),
      needsRule: !branch.factors.every(isGestureFactor),
      group,
      windows: [...branch.during],
    };
  });
}

function preparedOf(policy: UnlockPolicy): PreparedPolicy {
  let [withPin, withoutPin]: (readonly PreparedBranch[] | undefined)[] = [];
  const rules = new Map(
    policy.rules.map((rule) => [
      rule.name,
      {
        name: rule.name,
        factor: factorOfRule(rule),
        conditions: rule.all.map((condition) => prepareCondition(condition, policy)),
      },
    ]),
  );
  return {
    policy,
    ageLimits: ageLimitsOf(policy),
    rules,
    branches: ({ pinIsBound }) => {
      const made = (bound: boolean) => withGroups(branchesOf(policy, { pinIsBound: bound }), rules, policy.matching);
      if (pinIsBound === true) {
        withPin ??= made(true);
        return withPin;
      }
      withoutPin ??= made(false);
      return withoutPin;
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
