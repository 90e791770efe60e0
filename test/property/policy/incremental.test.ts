/** The incremental evaluator is the pure one: on every trace of changes, at every time, with every reason. */
import { describe, expect, test } from 'vitest';
import type { Decision } from '../../../agent/policy/decision.ts';
import { evaluate, isEvaluated } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { IncrementalEvaluator } from '../../../agent/policy/incremental.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { type FactorSignal, SIGNAL_KINDS, type SignalKind } from '../../../drivers/signal.ts';
import { SeededDice } from '../../oracle/dice.ts';
import { generatedPolicy } from '../../oracle/generate-policy.ts';
import { generatedFacts } from '../../oracle/generate-snapshot.ts';
import { casesOf, freshSeed } from '../../support/policy-cases.ts';
import { officeNetwork, satisfied, snapshotOf } from '../../support/policy-fixtures.ts';
import { associated } from '../../unit/policy/situations.ts';

const whole = (decision: Decision) => {
  const { verdict, at, missing, reasons } = decision;
  return { verdict, at, missing, reasons, ...(decision.verdict === 'granted' ? { branch: decision.branch } : {}) };
};

/** One trace of changes under a policy; both evaluators decide after each. */
function follow(dice: SeededDice, policy: UnlockPolicy, steps: number): { granted: number; denied: number } {
  const { machineSimulated, pinIsBound, user } = generatedFacts(dice, policy);
  const options = { machineSimulated, pinIsBound, user };
  const signals = new Map<SignalKind, FactorSignal>();
  const incremental = new IncrementalEvaluator(policy, options);
  const tally = { granted: 0, denied: 0 };
  for (let step = 0; step < steps; step++) {
    const { signals: fresh, now, localTime } = generatedFacts(dice, policy);
    for (const kind of step === 0 ? SIGNAL_KINDS : dice.some(SIGNAL_KINDS, 0, 2)) {
      const signal = fresh.get(kind) as unknown as FactorSignal | undefined;
      if (signal === undefined) signals.delete(kind);
      else signals.set(kind, signal);
      incremental.set(kind, signal);
    }
    const at = monotonicMs(now + dice.pick([0, 0, 0, 100, 600, 4000, 9000, -500]));
    const decision = incremental.decide(at, localTime);
    const pure = evaluate(policy, signals, at, { ...options, localTime });
    expect(whole(decision)).toEqual(whole(pure));
    expect(isEvaluated(decision)).toBe(true);
    tally[decision.verdict]++;
  }
  return tally;
}

describe('the incremental evaluator', () => {
  test('decides as evaluate() does, reasons and all, after every change of every trace', () => {
    const seed = freshSeed();
    const traces = casesOf(150);
    let [granted, denied] = [0, 0];
    for (let i = 0; i < traces; i++) {
      const dice = new SeededDice(seed + i);
      try {
        const tally = follow(dice, generatedPolicy(dice), 20);
        granted += tally.granted;
        denied += tally.denied;
      } catch (cause) {
        throw new Error(`seed ${seed + i}`, { cause });
      }
    }
    expect(granted).toBeGreaterThan(2 * traces);
    expect(denied).toBeGreaterThan(2 * traces);
  });

  const rulesOf = (count: number) =>
    Array.from({ length: count }, (_, i) => ({
      name: `site-${i}`,
      all: [
        i % 10 === 0
          ? { type: 'wifi', ssid: `site-${i}`, security: 'WPA2-Enterprise' }
          : {
              type: 'ipConfig',
              ipv4Prefix: `10.${i >> 8}.${i & 255}.0/24`,
              ...(i % 2 === 0 ? { ipv4DnsServer: ['10.0.0.53'] } : {}),
            },
      ],
    }));
  const fleet = (count: number, require: unknown = { all: ['pin', 'trustedSignal'] }) =>
    policyFor(checkedDocument({ version: 2, contexts: { unlock: { require } }, rules: rulesOf(count) }), 'unlock');
  const real = { machineSimulated: false, pinIsBound: true, user: 1000 };
  const at = (address: string): FactorSignal =>
    ({ ...satisfied('network'), observation: officeNetwork(address) }) as FactorSignal;
  const judgedBy = (evaluator: IncrementalEvaluator, change: () => void): number => {
    const before = evaluator.judged;
    change();
    return evaluator.judged - before;
  };

  test.each([100, casesOf(4000)])('of %i rules judges those alone that a change could make true', (count) => {
    const evaluator = new IncrementalEvaluator(fleet(count), real);
    evaluator.set('pin', satisfied('pin'));
    expect(evaluator.judged).toBe(0);
    expect(judgedBy(evaluator, () => evaluator.set('ipConfig', at('10.0.7.9/24')))).toBe(1);
    expect(evaluator.decide(monotonicMs(2000)).verdict).toBe('granted');
    expect(judgedBy(evaluator, () => evaluator.set('ipConfig', at('10.0.10.9/24')))).toBe(0);
    expect(evaluator.decide(monotonicMs(2000)).verdict).toBe('denied');
    expect(judgedBy(evaluator, () => evaluator.set('ipConfig', at('10.0.8.9/24')))).toBe(1);
    expect(evaluator.decide(monotonicMs(2000)).verdict).toBe('denied');
  });

  test('finds a rule of many by its network name', () => {
    const evaluator = new IncrementalEvaluator(fleet(100), real, snapshotOf(satisfied('pin')));
    const on = (ssid: string): FactorSignal =>
      ({
        ...satisfied('network'),
        kind: 'wifi',
        observation: { associations: [associated({ ssidHex: Buffer.from(ssid).toString('hex') })] },
      }) as unknown as FactorSignal;
    expect(judgedBy(evaluator, () => evaluator.set('wifi', on('site-70')))).toBe(1);
    expect(evaluator.decide(monotonicMs(2000)).verdict).toBe('granted');
    expect(judgedBy(evaluator, () => evaluator.set('wifi', on('site-71')))).toBe(0);
    expect(evaluator.decide(monotonicMs(2000)).verdict).toBe('denied');
  });

  test('never judges a rule for a kind that it does not mention, nor for time, nor for a gesture', () => {
    const evaluator = new IncrementalEvaluator(fleet(100), real, new Map([['ipConfig', at('10.0.7.9/24')]]));
    const judged = evaluator.judged;
    evaluator.set('bluetooth', satisfied('phone'));
    evaluator.set('pin', satisfied('pin'));
    for (const now of [0, 999, 1000, 11_000, 11_001, 5000]) evaluator.decide(monotonicMs(now));
    expect(evaluator.judged).toBe(judged);
  });

  test('where the rules cannot be told apart beforehand, judges no more than mention the kind', () => {
    const rules = rulesOf(40).map(({ name, all }) => ({
      name,
      all: [{ ...all[0], ...(all[0]?.type === 'ipConfig' ? { ipv4Gateway: '10.0.0.1' } : {}) }],
    }));
    const document = { version: 2, contexts: { unlock: { require: { all: ['pin', 'network'] } } }, rules };
    const evaluator = new IncrementalEvaluator(policyFor(checkedDocument(document), 'unlock'), real);
    const { interfaces } = officeNetwork('10.0.7.9/24');
    const observation = {
      primaryDnsSuffix: null,
      interfaces: interfaces.map((face) => ({ ...face, ipv4: { ...face.ipv4, gateways: ['10.0.0.1'] } })),
    };
    evaluator.set('ipConfig', { ...satisfied('network'), observation } as FactorSignal);
    expect(evaluator.judged).toBe(36);
    expect(evaluator.decide(monotonicMs(2000)).missing).toEqual([['pin']]);
  });

  test('does not look at rules that the policy of this context does not ask for', () => {
    const evaluator = new IncrementalEvaluator(
      fleet(100, { all: ['pin', { any: ['securityKey', 'rule:site-7'] }] }),
      real,
    );
    evaluator.set('ipConfig', at('10.0.9.9/24'));
    expect(evaluator.judged).toBe(1);
  });

  test('tells the exact instants at which time alone changes what counts', () => {
    const policy = policyFor(
      checkedDocument({
        version: 2,
        contexts: { unlock: { require: { all: ['pin', 'network'] } } },
        rules: rulesOf(10),
        freshnessSeconds: { ipConfig: 3 },
      }),
      'unlock',
    );
    const evaluator = new IncrementalEvaluator(policy, real);
    expect(evaluator.nextExpiry(monotonicMs(0))).toBeNull();
    evaluator.set('pin', satisfied('pin', { observedAt: 500, validFor: 9000 }));
    evaluator.set('ipConfig', { ...at('10.0.7.9/24'), observedAt: monotonicMs(2000) });
    const instants: number[] = [];
    const verdicts: string[] = [];
    for (let now = monotonicMs(0); ; ) {
      const next = evaluator.nextExpiry(now);
      if (next === null) break;
      instants.push(next);
      for (const instant of [next - 1, next, next + 1]) {
        verdicts.push(evaluator.decide(monotonicMs(instant)).verdict === 'granted' ? 'yes' : 'no');
      }
      now = next;
    }
    expect(instants).toEqual([500, 2000, 5000, 9500]);
    expect(verdicts.join(' ')).toBe('no no no no yes yes yes yes no no no no');
    evaluator.set('pin', undefined);
    evaluator.set('ipConfig', { ...at('10.0.7.9/24'), validFor: Number.NaN } as unknown as FactorSignal);
    expect(evaluator.nextExpiry(monotonicMs(0))).toBeNull();
  });
});
