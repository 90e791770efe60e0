/** The reason tree as data, level by level, and what nobody can rely on: rules without conditions, observations of a wrong kind. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_MATCHING, policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import type { Requirement } from '../../../agent/policy/requirement.ts';
import { observationOf, Surroundings } from '../../../agent/policy/surroundings.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { officeNetwork, policyOf, satisfied, snapshotOf, USER, unavailable } from '../../support/policy-fixtures.ts';

const real = { machineSimulated: false, pinIsBound: true, user: USER };
const decide = (policy: UnlockPolicy, ...signals: FactorSignal[]) =>
  evaluate(policy, snapshotOf(...signals), monotonicMs(2000), real);
const requiring = (require: Requirement, more = {}): UnlockPolicy =>
  policyFor(checkedDocument({ version: 2, contexts: { unlock: { require, ...more } } }), 'unlock');

describe('the reason tree', () => {
  test('has a kind at every level, down to the element', () => {
    const odd = { ...satisfied('network'), detail: 'nobody reads this' } as unknown as FactorSignal;
    expect(decide(policyOf(['pin'], ['network']), satisfied('pin'), odd).reasons).toEqual({
      kind: 'policy',
      ok: true,
      children: [
        {
          kind: 'branch',
          ok: true,
          branch: { factors: ['network', 'pin'], bound: ['pin'], rules: ['office'], during: [], strength: 'bound-1' },
          refusedAsAsserted: false,
          windows: [],
          children: [
            {
              kind: 'factor',
              ok: true,
              factor: 'network',
              finding: { is: 'satisfied' },
              strength: 'gate',
              ageMs: 1000,
              source: 'test network',
              evidence: { rule: 'office' },
              detail: null,
              children: [
                {
                  kind: 'rule',
                  ok: true,
                  rule: 'office',
                  children: [
                    {
                      kind: 'signal',
                      ok: true,
                      type: 'ipConfig',
                      finding: { is: 'satisfied' },
                      where: 'eth0',
                      ageMs: 1000,
                      source: 'test network',
                      detail: null,
                      children: [
                        {
                          kind: 'element',
                          ok: true,
                          element: 'ipv4Prefix',
                          expected: '192.0.2.0/24',
                          found: '192.0.2.5/24',
                        },
                      ],
                    },
                  ],
                },
              ],
            },
            {
              kind: 'factor',
              ok: true,
              factor: 'pin',
              finding: { is: 'satisfied' },
              strength: 'bound',
              ageMs: 1000,
              source: 'test pin',
              evidence: {},
              detail: null,
              children: [],
            },
          ],
        },
      ],
    });
  });

  test('of a network that is not the right one tells no age and no source of the factor', () => {
    const [leaf] = decide(policyOf(['pin'], ['network']), satisfied('pin')).reasons.children[0]?.children ?? [];
    expect(leaf).toMatchObject({
      ok: false,
      finding: { is: 'no-rule-holds', rules: 1 },
      ageMs: null,
      source: null,
      evidence: {},
    });
    const off = { ...unavailable('network', 'no-device'), detail: 'off' } as FactorSignal;
    const [gone] = decide(policyOf(['pin'], ['network']), off).reasons.children[0]?.children ?? [];
    expect(gone?.children[0]?.children[0]).toMatchObject({
      finding: { is: 'unavailable', reason: 'no-device' },
      detail: 'off',
      where: null,
      children: [],
    });
  });

  test('calls a gesture that the TPM does not enforce a gate, and tells facts of what is right alone', () => {
    const policy = policyOf(['fingerprint'], ['pin']);
    const finger = {
      ...satisfied('fingerprint', { strength: 'gate' }),
      evidence: { finger: 'left thumb' },
    } as FactorSignal;
    const leafOf = (signal: FactorSignal) => decide(policy, signal).reasons.children[0]?.children[0];
    expect(leafOf(finger)).toMatchObject({ strength: 'gate', evidence: { finger: 'left thumb' } });
    const wrong = { ...finger, state: 'unsatisfied', reason: 'wrong' } as unknown as FactorSignal;
    expect([leafOf(wrong)?.ok, leafOf(wrong)?.evidence]).toEqual([false, {}]);
  });
});

test('of several ways the shortest ones alone are called missing', () => {
  const policy = requiring({
    any: [
      { all: ['pin', 'securityKey'] },
      { all: ['face', 'fingerprint', 'securityKey'] },
      { all: ['face', 'fingerprint', 'pin'] },
    ],
  });
  expect(decide(policy, satisfied('pin')).missing).toEqual([['securityKey']]);
  expect(decide(policy).missing).toEqual([['pin', 'securityKey']]);
  const other = requiring(
    { any: [{ all: ['pin', 'securityKey'] }, { all: ['face', 'fingerprint'] }] },
    { acceptAsserted: true },
  );
  expect(decide(other, satisfied('pin')).missing).toEqual([['securityKey']]);
});

test('a rule without conditions never holds', () => {
  const base = requiring({ all: ['pin', 'securityKey'] });
  const odd: UnlockPolicy = {
    ...base,
    require: { all: ['pin', 'rule:nothing'] },
    rules: [{ name: 'nothing', all: [] }],
  };
  const decision = decide(odd, satisfied('pin'), satisfied('network'));
  expect(decision.verdict).toBe('denied');
  expect(decision.reasons.children[0]?.children[0]?.children[0]).toEqual({
    kind: 'rule',
    ok: false,
    rule: 'nothing',
    children: [],
  });
});

describe('what was observed', () => {
  const office = satisfied('network');
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'ipConfig'],
    ['a signal of another kind', { ...office, kind: 'wifi' }],
    ['a signal that is unavailable', { ...office, state: 'unavailable', reason: 'failed' }],
    ['a gesture', satisfied('pin')],
    ['an observation of another kind', { ...office, observation: { associations: [] } }],
  ])('by %s is not known', (_, signal) => {
    expect(observationOf('ipConfig', signal as FactorSignal)).toBeNull();
  });

  test('is looked through once, and is there for every rule', () => {
    expect(observationOf('ipConfig', office)).toEqual(officeNetwork());
    const wifi = { ...office, kind: 'wifi', observation: { associations: [] } } as unknown as FactorSignal;
    const seen = new Surroundings(snapshotOf(office, satisfied('phone'), wifi), {
      matching: DEFAULT_MATCHING,
      user: USER,
    });
    for (const kind of ['bluetooth', 'ipConfig', 'wifi'] as const) {
      expect(seen[kind]).not.toBeNull();
      expect(seen[kind]).toBe(seen[kind]);
    }
    const none = new Surroundings(snapshotOf(), { matching: DEFAULT_MATCHING, user: null });
    expect([none.bluetooth, none.ipConfig, none.wifi]).toEqual([null, null, null]);
  });
});
