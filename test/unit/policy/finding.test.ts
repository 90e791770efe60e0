/** What one signal is worth: every reason for which it does not count, of gestures and of the surroundings alike. */
import { describe, expect, test } from 'vitest';
import { compileBranches } from '../../../agent/policy/branches.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { ageLimitsOf, allowedMsOf, findingOf, isWellFormed } from '../../../agent/policy/finding.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { type FactorSignal, SIGNAL_KINDS } from '../../../drivers/signal.ts';
import { policyOf, satisfied, snapshotOf, USER, unavailable, unsatisfied } from '../../support/policy-fixtures.ts';

const NO_LIMITS = ageLimitsOf({ freshnessSeconds: {} });
const found = (signal: unknown, more: { now?: number; machineSimulated?: boolean } = {}) =>
  findingOf('pin', signal as FactorSignal, {
    ageLimits: NO_LIMITS,
    now: monotonicMs(more.now ?? 2000),
    machineSimulated: more.machineSimulated ?? false,
  });
const pin = satisfied('pin');

describe('a signal', () => {
  test.each<[string, unknown, object]>([
    ['that is right', pin, { is: 'satisfied' }],
    ['that is none', undefined, { is: 'missing' }],
    ['null', null, { is: 'malformed' }],
    ['a text', 'pin', { is: 'malformed' }],
    ['of another kind', satisfied('face'), { is: 'malformed' }],
    ['without a time', { ...pin, observedAt: undefined }, { is: 'malformed' }],
    ['at no time', { ...pin, observedAt: Number.NaN }, { is: 'malformed' }],
    ['for ever', { ...pin, validFor: Number.POSITIVE_INFINITY }, { is: 'malformed' }],
    ['that does not say whether it is simulated', { ...pin, simulated: undefined }, { is: 'malformed' }],
    ['without a source', { ...pin, source: undefined }, { is: 'malformed' }],
    ['in no state', { ...pin, state: 'granted' }, { is: 'malformed' }],
    ['that was observed', { ...pin, state: 'observed' }, { is: 'satisfied' }],
    ['that is wrong', unsatisfied('pin', 'wrong'), { is: 'unsatisfied', reason: 'wrong' }],
    ['that is wrong for no reason', { ...unsatisfied('pin', 'wrong'), reason: 'because' }, { is: 'malformed' }],
    ['that is unavailable', unavailable('pin', 'no-device'), { is: 'unavailable', reason: 'no-device' }],
    ['that is unavailable for no reason', { ...unavailable('pin', 'no-device'), reason: 7 }, { is: 'malformed' }],
    ['that is simulated', satisfied('pin', { simulated: true }), { is: 'simulated' }],
    ['of now', satisfied('pin', { observedAt: 2000 }), { is: 'satisfied' }],
    ['of the future', satisfied('pin', { observedAt: 2001 }), { is: 'from-the-future' }],
    ['at its limit', satisfied('pin', { validFor: 1000 }), { is: 'satisfied' }],
    ['beyond its limit', satisfied('pin', { validFor: 999 }), { is: 'stale', allowedMs: 999 }],
    ['that is wrong and old', { ...unsatisfied('pin', 'wrong'), validFor: 1 }, { is: 'unsatisfied', reason: 'wrong' }],
  ])('%s', (_, signal, expected) => {
    expect(found(signal)).toEqual(expected);
  });

  test('that is simulated counts on a simulated machine, and so does a real one', () => {
    expect(found(satisfied('pin', { simulated: true }), { machineSimulated: true })).toEqual({ is: 'satisfied' });
    expect(found(pin, { machineSimulated: true })).toEqual({ is: 'satisfied' });
  });

  test('at a time that is none is worth nothing', () => {
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY]) expect(found(pin, { now })).toEqual({ is: 'malformed' });
  });

  test('is well-formed under its own kind only', () => {
    expect([isWellFormed(pin, 'pin'), isWellFormed(pin, 'face'), isWellFormed(undefined, 'pin')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test.each(SIGNAL_KINDS)('the policy shortens how long a signal of %s counts, and lengthens nothing', (kind) => {
  const signal = { ...satisfied('pin', { validFor: 5000 }) };
  const limits = ageLimitsOf({ freshnessSeconds: { [kind]: 2 } });
  for (const other of SIGNAL_KINDS) expect(allowedMsOf(other, signal, limits)).toBe(other === kind ? 2000 : 5000);
  expect(allowedMsOf(kind, signal, ageLimitsOf({ freshnessSeconds: { [kind]: 9 } }))).toBe(5000);
});

describe('a gesture', () => {
  const decide = (signal: unknown) =>
    evaluate(
      policyOf(['pin'], ['securityKey']),
      snapshotOf({ ...pin, ...(signal as object) } as FactorSignal),
      monotonicMs(2000),
      {
        machineSimulated: false,
        pinIsBound: true,
        user: USER,
      },
    ).reasons.children[0]?.children[0];

  test('of which there is only an observation is malformed, and nothing of it is told', () => {
    expect(decide({ state: 'observed', evidence: { a: 1 }, detail: 'x' })).toEqual({
      kind: 'factor',
      ok: false,
      factor: 'pin',
      finding: { is: 'malformed' },
      strength: 'bound',
      ageMs: null,
      source: null,
      evidence: {},
      detail: null,
      children: [],
    });
  });

  test('of which there is only an observation tells nothing either where it is simulated, old or of the future', () => {
    for (const more of [{ simulated: true }, { validFor: 1 }, { observedAt: 3000 }]) {
      const leaf = decide({ ...more, state: 'observed', evidence: { a: 1 }, detail: 'x' });
      expect([leaf?.ok, leaf?.ageMs, leaf?.source, leaf?.evidence, leaf?.detail]).toEqual([
        false,
        null,
        null,
        {},
        null,
      ]);
    }
  });

  test('is told with its age, its source and its facts, and with no more', () => {
    expect(decide({ evidence: { right: true, tries: 3, odd: {} }, detail: 'x' })).toMatchObject({
      ok: true,
      ageMs: 1000,
      source: 'test pin',
      evidence: { right: true, tries: 3 },
      detail: null,
    });
    expect(decide({ evidence: null })).toMatchObject({ ok: true, evidence: {} });
    expect(decide({ state: 'unsatisfied', reason: 'wrong', detail: 'x' })).toMatchObject({
      ok: false,
      detail: 'x',
      evidence: {},
    });
    expect(decide({ state: 'unsatisfied', reason: 'wrong', detail: 7 })).toMatchObject({ ok: false, detail: null });
  });
});

describe('what cannot be compiled is refused in words', () => {
  const refusal = (action: () => unknown): unknown => {
    try {
      action();
    } catch (error) {
      if (isUnlockdError(error)) return { code: error.code, message: error.message, detail: error.detail };
      throw error;
    }
    return 'nothing thrown';
  };

  test('no pair at all', () => {
    expect(refusal(() => compileBranches(policyOf(['pin'], ['pin']), { pinIsBound: true }))).toMatchObject({
      code: 'ERR_POLICY_NO_BRANCH',
      message: 'nothing satisfies the policy with two different factors',
    });
  });

  test('asserted pairs, each named once', () => {
    expect(
      refusal(() =>
        compileBranches(policyOf(['fingerprint', 'face'], ['phone', 'network', 'pin']), { pinIsBound: true }),
      ),
    ).toEqual({
      code: 'ERR_POLICY_ASSERTED_BRANCH',
      message:
        'no factor is enforced by the TPM in: a fingerprint + a paired phone; a fingerprint + a trusted network; a face + a paired phone; a face + a trusted network',
      detail: { branches: 4, pinIsBound: true },
    });
  });

  test('and that the PIN would be one, if the TPM limited the tries at it', () => {
    const because = ' (the TPM does not limit tries at the PIN)';
    const message = (first: 'pin' | 'face', then: readonly ('fingerprint' | 'phone')[]) =>
      (refusal(() => compileBranches(policyOf([first], then), { pinIsBound: false })) as { message: string }).message;
    expect(message('pin', ['fingerprint'])).toBe(
      `no factor is enforced by the TPM in: a fingerprint + the PIN${because}`,
    );
    expect(message('face', ['fingerprint'])).toBe('no factor is enforced by the TPM in: a fingerprint + a face');
    const mixed = refusal(() => compileBranches(policyOf(['pin', 'face'], ['fingerprint']), { pinIsBound: false })) as {
      message: string;
    };
    expect(mixed.message).toBe(
      `no factor is enforced by the TPM in: a fingerprint + a face; a fingerprint + the PIN${because}`,
    );
  });
});
