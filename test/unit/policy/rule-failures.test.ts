/** Which rule and element kept an unlock out, as data for the audit log. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { ruleFailureDetail, ruleFailures } from '../../../agent/policy/rule-failures.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { officeNetwork, policyOf, satisfied, snapshotOf, USER, unavailable } from '../../support/policy-fixtures.ts';

const policy = policyOf(['pin'], ['phone', 'network']);
const decide = (...signals: FactorSignal[]) =>
  evaluate(policy, snapshotOf(...signals), monotonicMs(2000), {
    machineSimulated: false,
    pinIsBound: true,
    user: USER,
  });

const elsewhere: FactorSignal = {
  ...satisfied('network'),
  observation: officeNetwork('198.51.100.7/24'),
} as FactorSignal;

describe('a denied unlock', () => {
  test('names the rule, the interface, the element, what it asks for and what there was', () => {
    expect(ruleFailures(decide(satisfied('pin'), elsewhere, unavailable('phone', 'no-driver')))).toEqual({
      failures: [
        {
          rule: 'near',
          signal: 'bluetooth',
          where: null,
          element: null,
          expected: null,
          found: null,
          finding: 'unavailable',
          reason: 'no-driver',
          source: 'test phone',
          ageMs: 1000,
        },
        {
          rule: 'office',
          signal: 'ipConfig',
          where: 'eth0',
          element: 'ipv4Prefix',
          expected: '192.0.2.0/24',
          found: '198.51.100.7/24',
          finding: 'no-match',
          reason: null,
          source: 'test network',
          ageMs: 1000,
        },
      ],
      more: 0,
    });
  });

  test('says of a signal that nobody has seen that it is missing', () => {
    const { failures } = ruleFailures(decide(satisfied('pin')));
    expect(failures.map(({ rule, finding, source }) => [rule, finding, source])).toEqual([
      ['near', 'missing', null],
      ['office', 'missing', null],
    ]);
  });

  test('names a rule once, however many branches ask for it', () => {
    const wide = policyOf(['pin', 'face'], ['network'], { acceptAsserted: true });
    const options = { machineSimulated: false, pinIsBound: true, user: USER };
    const decision = evaluate(wide, snapshotOf(satisfied('pin'), elsewhere), monotonicMs(2000.6), options);
    expect(decision.reasons.children.length).toBe(2);
    expect(ruleFailures(decision)).toMatchObject({ failures: [{ rule: 'office', ageMs: 1001 }], more: 0 });
  });

  test('says nothing of the elements, and of the signals, that were as they should be', () => {
    const rules = [
      {
        name: 'ward',
        all: [{ type: 'ipConfig', ipv4Prefix: '198.51.100.0/24', dnsSuffix: ['ward.example'] }, { type: 'bluetooth' }],
      },
    ];
    const policy = policyOf(['pin'], ['phone'], { rules });
    const options = { machineSimulated: false, pinIsBound: true, user: USER };
    const signals = snapshotOf(satisfied('pin'), elsewhere, satisfied('phone'));
    const { failures } = ruleFailures(evaluate(policy, signals, monotonicMs(2000), options));
    expect(failures.map(({ signal, element }) => [signal, element])).toEqual([['ipConfig', 'dnsSuffix']]);
  });

  test('does not blame the rules when one of them holds', () => {
    expect(ruleFailures(decide(satisfied('network')), 8).failures.map(({ rule }) => rule)).toEqual(['near']);
  });

  test('does not blame the other rules of a factor when one of them holds', () => {
    const at = (name: string, ipv4Prefix: string) => ({ name, all: [{ type: 'ipConfig', ipv4Prefix }] });
    const policy = policyOf(['pin'], ['network'], { rules: [at('a', '10.0.0.0/8'), at('b', '198.51.100.0/24')] });
    const options = { machineSimulated: false, pinIsBound: true, user: USER };
    const decision = evaluate(policy, snapshotOf(elsewhere), monotonicMs(2000), options);
    expect([decision.verdict, ruleFailures(decision).failures]).toEqual(['denied', []]);
  });

  test('leaves a bounded number of entries, and says how many more there were', () => {
    const rules = Array.from({ length: 20 }, (_, i) => ({
      name: `r${i}`,
      all: [{ type: 'ipConfig', ipv4Gateway: `203.0.113.${i}` }],
    }));
    const many = policyOf(['pin'], ['network'], { rules });
    const options = { machineSimulated: false, pinIsBound: true, user: USER };
    const decision = evaluate(many, snapshotOf(satisfied('pin'), elsewhere), monotonicMs(2000), options);
    const { failures, more } = ruleFailures(decision);
    expect([failures.length, more, failures[0]?.rule]).toEqual([8, 12, 'r0']);
  });

  test('is a detail of the audit log, without what is not known', () => {
    const [failure] = ruleFailures(decide(satisfied('pin'))).failures;
    expect(failure && ruleFailureDetail(failure)).toEqual({ rule: 'near', signal: 'bluetooth', finding: 'missing' });
  });
});

test('a grant has none', () => {
  expect(ruleFailures(decide(satisfied('pin'), satisfied('network')))).toEqual({ failures: [], more: 0 });
});
