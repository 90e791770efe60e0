/** Laws of the evaluator, on generated policies of every construct and on generated snapshots. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { branchesOf } from '../../../agent/policy/branches.ts';
import type { Decision } from '../../../agent/policy/decision.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { explain } from '../../../agent/policy/explain.ts';
import type { UnlockPolicy } from '../../../agent/policy/model.ts';
import { familyOf, type Requirement } from '../../../agent/policy/requirement.ts';
import type { SignalCondition, SignalRule } from '../../../agent/policy/rules.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import {
  type FactorSignal,
  GESTURE_KINDS,
  type GestureKind,
  SIGNAL_KINDS,
  type SignalKind,
} from '../../../drivers/signal.ts';
import { SeededDice } from '../../oracle/dice.ts';
import { type Facts, type PlainSignal, ruleIsTrue } from '../../oracle/facts.ts';
import { generatedPolicy } from '../../oracle/generate-policy.ts';
import { generatedFacts } from '../../oracle/generate-snapshot.ts';
import { casesOf } from '../../support/policy-cases.ts';
import { satisfied } from '../../support/policy-fixtures.ts';

type Signals = ReadonlyMap<string, PlainSignal>;

const decide = (policy: UnlockPolicy, facts: Facts, signals: Signals = facts.signals): Decision => {
  const { now, machineSimulated, pinIsBound, user, localTime } = facts;
  const options = { machineSimulated, pinIsBound, user, localTime };
  return evaluate(policy, signals as unknown as ReadonlyMap<SignalKind, FactorSignal>, monotonicMs(now), options);
};
const outcome = (decision: Decision) => ({
  verdict: decision.verdict,
  strength: decision.verdict === 'granted' ? decision.strength : null,
  missing: decision.missing.map((way) => [...way].sort().join('+')).sort(),
});

/** A policy and a snapshot for each seed; what is generated cannot be made smaller, but it can be made again. */
function law(
  runs: number,
  holds: (policy: UnlockPolicy, facts: Facts, dice: SeededDice) => boolean | undefined,
): number {
  let told = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const dice = new SeededDice(seed);
      const policy = generatedPolicy(dice);
      for (let i = 0; i < 4; i++) if (holds(policy, generatedFacts(dice, policy), dice) !== undefined) told++;
    }),
    { numRuns: casesOf(runs), endOnFailure: true },
  );
  return told;
}

const fresh = (kind: GestureKind, now: number): PlainSignal =>
  satisfied(kind, { observedAt: now, validFor: 1000 }) as unknown as PlainSignal;

describe('more', () => {
  test('satisfied gestures never turn a grant into a denial', () => {
    const told = law(200, (policy, facts, dice) => {
      if (decide(policy, facts).verdict !== 'granted') return undefined;
      const more = new Map([
        ...facts.signals,
        ...dice.some(GESTURE_KINDS, 1, 4).map((kind) => [kind, fresh(kind, facts.now)] as const),
      ]);
      expect(decide(policy, facts, more).verdict).toBe('granted');
      return true;
    });
    expect(told).toBeGreaterThan(casesOf(10));
  });

  test('devices, interfaces and associations never turn a grant into a denial, however they are matched', () => {
    const LIST: Readonly<Record<string, string>> = {
      bluetooth: 'devices',
      ipConfig: 'interfaces',
      wifi: 'associations',
    };
    const listOf = (kind: string, signal: PlainSignal | undefined): readonly unknown[] => {
      const list = (signal?.observation as Record<string, unknown> | undefined)?.[LIST[kind] ?? ''];
      return Array.isArray(list) ? list : [];
    };
    const told = law(300, (policy, facts, dice) => {
      const before = decide(policy, facts);
      if (before.verdict !== 'granted' || before.branch.rules.length === 0) return undefined;
      const others = generatedFacts(dice, policy).signals;
      const more = new Map(facts.signals);
      for (const [kind, field] of Object.entries(LIST)) {
        const signal = facts.signals.get(kind);
        const sound = listOf(kind, others.get(kind)).filter((item) => typeof item === 'object' && item !== null);
        const added = new Map(facts.signals).set(kind, {
          ...signal,
          observation: { primaryDnsSuffix: null, [field]: sound },
        });
        // Only what is well-formed by itself: a malformed part makes the whole observation one that nobody can read.
        if (listOf(kind, signal).length === 0 || !isReadable(policy, facts, kind, added)) continue;
        const observation = signal?.observation as Record<string, unknown>;
        more.set(kind, {
          ...signal,
          observation: { ...observation, [field]: dice.shuffled([...listOf(kind, signal), ...sound]) },
        });
      }
      expect(decide(policy, facts, more).verdict).toBe('granted');
      return true;
    });
    expect(told).toBeGreaterThan(casesOf(10));
  });
});

/** Whether the product finds no fault with the form of what was observed. */
function isReadable(policy: UnlockPolicy, facts: Facts, kind: string, signals: Signals): boolean {
  const reasons = decide(policy, facts, signals).reasons.children.flatMap(({ children }) =>
    children.flatMap((leaf) => leaf.children),
  );
  return reasons.every((rule) =>
    rule.children.every((signal) => signal.type !== kind || signal.finding.is !== 'malformed'),
  );
}

test('no branch of any policy spends a factor twice, nor the phone and the network', () => {
  law(300, (policy, { pinIsBound }) => {
    for (const { factors } of branchesOf(policy, { pinIsBound })) {
      expect(new Set(factors.map(familyOf)).size).toBe(factors.length);
      expect(factors.length).toBeGreaterThanOrEqual(2);
    }
    return true;
  });
});

test('what is unknown, stale, simulated, of the future or malformed is worth as much as no signal', () => {
  const spoil: readonly ((signal: PlainSignal, facts: Facts) => PlainSignal)[] = [
    (signal, { now }) => ({ ...signal, observedAt: now - Number(signal.validFor) - 1 }),
    (signal) => ({ ...signal, validFor: -1 }),
    (signal, { machineSimulated }) =>
      machineSimulated ? { ...signal, simulated: 'yes' } : { ...signal, simulated: true },
    (signal, { now }) => ({ ...signal, observedAt: now + 1 }),
    (signal) => ({ ...signal, observedAt: Number.NaN }),
    (signal) => ({ ...signal, validFor: Number.POSITIVE_INFINITY }),
    (signal) => ({ ...signal, validFor: '1000' }),
    (signal) => ({ ...signal, kind: 'iris' }),
    (signal) => ({ ...signal, state: 'granted' }),
    (signal) => ({ ...signal, state: 'unavailable', reason: 'no-device' }),
    (signal) => ({ ...signal, state: 'unsatisfied', reason: 'wrong' }),
    (signal) => ({ ...signal, state: signal.state === 'observed' ? 'satisfied' : 'observed' }),
    (signal) => ({ ...signal, observation: null, strength: null, state: 'observed' }),
    () => null as unknown as PlainSignal,
  ];
  law(200, (policy, facts, dice) => {
    const kind = dice.pick(SIGNAL_KINDS);
    const signal = facts.signals.get(kind);
    if (signal === undefined) return undefined;
    const without = new Map(facts.signals);
    without.delete(kind);
    const expected = outcome(decide(policy, facts, without));
    const spoiled = new Map(facts.signals).set(kind, dice.pick(spoil)(signal, facts));
    expect(outcome(decide(policy, facts, spoiled))).toEqual(expected);
    return true;
  });
});

test('a decision on nothing but spoiled signals is a denial', () => {
  law(200, (policy, facts) => {
    const old = new Map([...facts.signals].map(([kind, signal]) => [kind, { ...signal, observedAt: facts.now - 1e9 }]));
    expect(decide(policy, facts, old).verdict).toBe('denied');
    return true;
  });
});

describe('the order', () => {
  const reordered = (requirement: Requirement, dice: SeededDice): Requirement => {
    if (typeof requirement === 'string') return requirement;
    const again = (parts: readonly Requirement[]) => dice.shuffled(parts.map((part) => reordered(part, dice)));
    if ('need' in requirement) return { ...requirement, need: reordered(requirement.need, dice) };
    if ('any' in requirement) return { any: again(requirement.any) };
    if ('all' in requirement) return { all: again(requirement.all) };
    return { ...requirement, of: again(requirement.of) };
  };
  const shuffledDeep = (value: unknown, dice: SeededDice): unknown => {
    if (Array.isArray(value)) return dice.shuffled(value.map((entry) => shuffledDeep(entry, dice)));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      dice.shuffled(Object.entries(value)).map(([key, inner]) => [key, shuffledDeep(inner, dice)]),
    );
  };

  test('of rules, conditions, parts, keys, signals and what was observed says nothing', () => {
    law(200, (policy, facts, dice) => {
      const other: UnlockPolicy = Object.freeze({
        ...(Object.fromEntries(dice.shuffled(Object.entries(policy))) as unknown as UnlockPolicy),
        require: reordered(policy.require, dice),
        rules: dice.shuffled(policy.rules.map((rule): SignalRule => ({ ...rule, all: dice.shuffled(rule.all) }))),
      });
      const signals = new Map(
        dice.shuffled([...facts.signals]).map(([kind, signal]) => [kind, shuffledDeep(signal, dice) as PlainSignal]),
      );
      expect(outcome(decide(other, facts, signals))).toEqual(outcome(decide(policy, facts)));
      return true;
    });
  });
});

describe('whatever stands in a signal', () => {
  const garbage = fc.anything({
    withNullPrototype: true,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSparseArray: true,
    withTypedArray: true,
  });

  test('evaluate() decides, and the decision can be explained and written down', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.uniqueArray(
          fc.tuple(
            fc.constantFrom(...SIGNAL_KINDS),
            fc.array(
              fc.tuple(
                fc.constantFrom(
                  'kind',
                  'state',
                  'source',
                  'reason',
                  'detail',
                  'evidence',
                  'observation',
                  'validFor',
                  'strength',
                ),
                garbage,
              ),
              { maxLength: 2 },
            ),
            garbage,
            fc.boolean(),
          ),
          { selector: ([kind]) => kind, maxLength: 4 },
        ),
        (seed, spoils) => {
          const dice = new SeededDice(seed);
          const policy = generatedPolicy(dice);
          const facts = generatedFacts(dice, policy);
          const signals = new Map(facts.signals);
          for (const [kind, fields, whole, all] of spoils) {
            signals.set(kind, all ? (whole as PlainSignal) : { ...signals.get(kind), ...Object.fromEntries(fields) });
          }
          const decision = decide(policy, facts, signals);
          expect(decision.reasons.ok).toBe(decision.verdict === 'granted');
          expect(explain(decision).every(({ text }) => typeof text === 'string')).toBe(true);
          expect(JSON.stringify(decision)).toContain(`"verdict":"${decision.verdict}"`);
        },
      ),
      { numRuns: casesOf(700) },
    );
  });
});

/** Observations of one machine that is just what a condition asks for. */
function asAsked(condition: SignalCondition, policy: UnlockPolicy, user: number | null): [SignalKind, unknown] {
  if (condition.type === 'bluetooth') {
    const { classOfDevice = 512 } = condition;
    const device = {
      address: '02:00:00:00:00:01',
      name: null,
      classOfDevice,
      users: user === null ? [] : [user],
      proved: true,
      rssi: { scale: 'relative', value: 20 },
      rssiBest: null,
    };
    return ['bluetooth', { devices: [device] }];
  }
  if (condition.type === 'wifi') {
    const own = {
      interface: 'wlan0',
      ssidHex: Buffer.from(condition.ssid, 'utf8').toString('hex'),
      bssid: condition.bssid ?? null,
      security: condition.security,
      quality: 100,
      rootThumbprints: condition.trustedRootCA === undefined ? null : [condition.trustedRootCA],
    };
    return ['wifi', { associations: [own] }];
  }
  const family = (which: 'ipv4' | 'ipv6') => {
    const prefix = condition[`${which}Prefix`];
    const base = prefix?.split('/')[0] ?? '';
    const next = which === 'ipv4' ? base.replace(/\d+$/, (last) => String(Number(last) + 1)) : base;
    const one = (value: string | undefined) => (value === undefined ? null : [value]);
    return {
      addresses: prefix === undefined ? null : [`${base}/9`, `${next}/9`],
      gateways: one(condition[`${which}Gateway`]),
      dhcpServers: one(condition[`${which}DhcpServer`]),
      dnsServers: condition[`${which}DnsServer`] ?? null,
    };
  };
  const [kind = 'ethernet'] = policy.matching.interfaceKinds;
  const face = { name: 'eth0', kind, connected: true, ipv4: family('ipv4'), ipv6: family('ipv6') };
  const [suffix = null] = [...(condition.dnsSuffix ?? [])].sort((a, b) => b.length - a.length);
  return ['ipConfig', { primaryDnsSuffix: suffix, interfaces: [face] }];
}

test('what a denial calls missing turns it into a grant, and each part of it is needed', () => {
  const told = law(300, (policy, facts, dice) => {
    const decision = decide(policy, facts);
    if (decision.missing.length === 0 || !Number.isFinite(facts.now)) return undefined;
    const way = dice.pick(decision.missing);
    const gestures = way.filter((factor): factor is GestureKind => GESTURE_KINDS.some((kind) => kind === factor));
    const given = (kinds: readonly GestureKind[]) =>
      new Map([...facts.signals, ...kinds.map((kind) => [kind, fresh(kind, facts.now)] as const)]);
    if (gestures.length === way.length) {
      expect(decide(policy, facts, given(gestures)).verdict).toBe('granted');
      expect(decide(policy, facts, given(gestures.slice(1))).verdict).toBe('denied');
      return true;
    }
    const rules = decision.reasons.children
      .filter(
        ({ refusedAsAsserted, windows, children }) =>
          !refusedAsAsserted &&
          windows.every(({ ok }) => ok) &&
          children
            .filter(({ ok }) => !ok)
            .map(({ factor }) => factor)
            .join() === way.join(),
      )
      .flatMap(({ branch }) => branch.rules);
    const rule = policy.rules.find(({ name }) => name === dice.pick(rules));
    if (rule === undefined) return undefined;
    const signals: Map<string, PlainSignal> = given(gestures);
    const base = { source: 'as asked', observedAt: facts.now, validFor: 1000, simulated: false, state: 'observed' };
    for (const condition of rule.all) {
      const [kind, observation] = asAsked(condition, policy, facts.user);
      signals.set(kind, { ...base, kind, observation });
    }
    // Two conditions of one kind may contradict each other: then no machine is as the rule asks.
    if (!ruleIsTrue(rule, policy, { ...facts, signals })) return undefined;
    expect(decide(policy, facts, signals).verdict).toBe('granted');
    return true;
  });
  expect(told).toBeGreaterThan(casesOf(50));
});
