import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { explain } from '../../../agent/policy/explain.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';
import { policyOf, satisfied, snapshotOf, USER, unavailable, unsatisfied } from '../../support/policy-fixtures.ts';

const policy = policyOf(['pin'], ['securityKey']);
const real = { machineSimulated: false, pinIsBound: true, user: USER };
const at = monotonicMs(2000);
const decide = (...signals: FactorSignal[]) => evaluate(policy, snapshotOf(...signals), at, real);

describe('evaluate', () => {
  test('grants with both factors and names the branch and its strength', () => {
    const decision = decide(satisfied('pin'), satisfied('securityKey'));
    expect(decision).toMatchObject({
      verdict: 'granted',
      strength: 'bound-2',
      branch: { factors: ['pin', 'securityKey'] },
      missing: [],
      at: 2000,
    });
  });

  test.each<[string, FactorSignal[], string, string[][]]>([
    ['nothing at all', [], 'missing', [['pin', 'securityKey']]],
    [
      'a stale PIN',
      [satisfied('pin', { observedAt: 0, validFor: 1999 }), satisfied('securityKey')],
      'stale',
      [['pin']],
    ],
    ['a simulated PIN', [satisfied('pin', { simulated: true }), satisfied('securityKey')], 'simulated', [['pin']]],
    [
      'a PIN from the future',
      [satisfied('pin', { observedAt: 2001 }), satisfied('securityKey')],
      'from-the-future',
      [['pin']],
    ],
    [
      'a PIN that was only observed',
      [satisfied('pin', { strength: 'gate' }), satisfied('securityKey')],
      'only-observed',
      [['pin']],
    ],
    ['a wrong PIN', [unsatisfied('pin', 'wrong'), satisfied('securityKey')], 'unsatisfied', [['pin']]],
    ['a locked-out PIN', [unavailable('pin', 'locked-out'), satisfied('securityKey')], 'unavailable', [['pin']]],
    [
      'a time that is not a number',
      [satisfied('pin', { observedAt: Number.NaN }), satisfied('securityKey')],
      'malformed',
      [['pin']],
    ],
    [
      'an endless validity',
      [satisfied('pin', { validFor: Number.POSITIVE_INFINITY }), satisfied('securityKey')],
      'malformed',
      [['pin']],
    ],
  ])('denies with %s', (_, signals, finding, missing) => {
    const decision = decide(...signals);
    expect(decision.verdict).toBe('denied');
    expect(decision.reasons.children[0]?.children[0]?.finding.is).toBe(finding);
    expect(decision.missing).toEqual(missing);
  });

  test('a signal filed under another factor does not count for it', () => {
    const snapshot = snapshotOf(satisfied('securityKey'));
    snapshot.set('pin', satisfied('securityKey'));
    expect(evaluate(policy, snapshot, at, real).verdict).toBe('denied');
  });

  test('simulated signals count on a simulated machine', () => {
    const signals = snapshotOf(satisfied('pin', { simulated: true }), satisfied('securityKey', { simulated: true }));
    expect(evaluate(policy, signals, at, { ...real, machineSimulated: true }).verdict).toBe('granted');
  });

  test('the policy can only shorten how long a signal counts', () => {
    const strict = policyOf(['pin'], ['securityKey'], { freshnessSeconds: { pin: 0.5, securityKey: 3600 } });
    const signals = snapshotOf(satisfied('pin'), satisfied('securityKey'));
    expect(evaluate(strict, signals, monotonicMs(1500), real).verdict).toBe('granted');
    expect(evaluate(strict, signals, monotonicMs(1501), real).missing).toEqual([['pin']]);
    expect(evaluate(strict, signals, monotonicMs(11_001), real).missing).toEqual([['pin', 'securityKey']]);
  });

  test('the strongest satisfied branch is taken', () => {
    const wide = policyOf(['pin', 'fingerprint'], ['securityKey', 'pin']);
    const all = snapshotOf(satisfied('pin'), satisfied('fingerprint', { strength: 'gate' }), satisfied('securityKey'));
    expect(evaluate(wide, all, at, real)).toMatchObject({ branch: { factors: ['pin', 'securityKey'] } });
  });

  test('an asserted branch grants only when the policy accepts it, and is never offered as a way otherwise', () => {
    const lists = [['fingerprint'], ['phone', 'securityKey']] as const;
    const signals = snapshotOf(
      satisfied('fingerprint', { strength: 'gate' }),
      satisfied('phone', { strength: 'gate' }),
    );
    const refused = evaluate(policyOf(...lists), signals, at, real);
    expect(refused).toMatchObject({ verdict: 'denied', missing: [['securityKey']] });
    expect(refused.reasons.children[0]).toMatchObject({ refusedAsAsserted: true, ok: false });
    const accepted = evaluate(policyOf(...lists, { acceptAsserted: true }), signals, at, real);
    expect(accepted).toMatchObject({ verdict: 'granted', strength: 'asserted' });
  });

  test('a decision cannot be changed afterwards', () => {
    const decision = decide(satisfied('pin'));
    expect(() => Object.assign(decision, { verdict: 'granted' })).toThrow(TypeError);
    expect(Object.isFrozen(decision.reasons.children[0]?.children[0])).toBe(true);
  });
});

describe('explain', () => {
  test('says verdict, branch, each factor with class, age and source, and what is missing', () => {
    expect(explain(decide(satisfied('pin'), unavailable('securityKey', 'no-device')))).toEqual([
      { depth: 0, ok: false, text: 'denied: no pair of factors of the policy is satisfied' },
      {
        depth: 1,
        ok: false,
        text: 'the PIN + a security key (bound-2, opens with this machine + the PIN + a security key)',
      },
      { depth: 2, ok: true, text: 'PIN: satisfied [bound: the TPM checks it; 1.0 s ago; from test pin]' },
      {
        depth: 2,
        ok: false,
        text: 'security key: unavailable: no device [bound: the TPM checks it; 1.0 s ago; from test securityKey]',
      },
      { depth: 0, ok: false, text: 'missing: a security key' },
    ]);
  });

  test('a gate is called a gate', () => {
    const gated = evaluate(
      policyOf(['pin'], ['network']),
      snapshotOf(satisfied('pin'), satisfied('network', { strength: 'gate' })),
      at,
      real,
    );
    const texts = explain(gated).map(({ text }) => text);
    expect(texts[0]).toBe('granted by a trusted network + the PIN (bound-1)');
    expect(texts[2]).toContain('[gate: only observed;');
  });
});
