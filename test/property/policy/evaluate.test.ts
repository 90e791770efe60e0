import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { branchesOf } from '../../../agent/policy/branches.ts';
import { evaluate, type Snapshot } from '../../../agent/policy/evaluate.ts';
import { explain } from '../../../agent/policy/explain.ts';
import { formatDocument, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { type PolicyDocument, policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { absorbSupersets, familyOf } from '../../../agent/policy/requirement.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import {
  FACTOR_KINDS,
  type FactorKind,
  type FactorSignal,
  GESTURE_KINDS,
  type GestureKind,
  SIGNAL_KINDS,
  UNAVAILABLE_REASONS,
  UNSATISFIED_REASONS,
} from '../../../drivers/signal.ts';
import { documentOf, kindOf, satisfied, USER } from '../../support/policy-fixtures.ts';

const NOW = monotonicMs(100_000);
const factor = fc.constantFrom(...FACTOR_KINDS);
const starter = fc.constantFrom<FactorKind>('pin', 'securityKey', 'fingerprint', 'face');
interface Lists {
  readonly first: readonly FactorKind[];
  readonly second: readonly FactorKind[];
  readonly document: PolicyDocument;
  readonly policy: UnlockPolicy;
}
const lists: fc.Arbitrary<Lists> = fc
  .tuple(
    fc.uniqueArray(starter, { minLength: 1 }),
    fc.uniqueArray(factor, { minLength: 1 }),
    fc.boolean(),
    fc.dictionary(fc.constantFrom(...SIGNAL_KINDS), fc.integer({ min: 1, max: 200 })),
  )
  .map(([first, second, acceptAsserted, freshnessSeconds]) => {
    const document = documentOf(first, second, { acceptAsserted, freshnessSeconds });
    return { first, second, document, policy: policyFor(document, 'unlock') };
  });
const policies = lists.map(({ policy }) => policy);
const options = fc.record({ machineSimulated: fc.boolean(), pinIsBound: fc.boolean(), user: fc.constant(USER) });
const time = fc.oneof(fc.integer({ min: 0, max: 200_000 }), fc.double());

const gestureOf = (kind: GestureKind): fc.Arbitrary<FactorSignal> => {
  const base = {
    kind: fc.constant(kind),
    source: fc.string({ maxLength: 8 }),
    observedAt: time.map(monotonicMs),
    validFor: time.map(milliseconds),
    simulated: fc.boolean(),
  };
  return fc.oneof(
    fc.record({
      ...base,
      state: fc.constant('satisfied' as const),
      strength: fc.constantFrom('bound' as const, 'gate' as const),
      evidence: fc.constant({}),
    }),
    fc.record({ ...base, state: fc.constant('unsatisfied' as const), reason: fc.constantFrom(...UNSATISFIED_REASONS) }),
    fc.record({ ...base, state: fc.constant('unavailable' as const), reason: fc.constantFrom(...UNAVAILABLE_REASONS) }),
  );
};
/** There and matching, not there, or of any other time. */
const surroundingOf = (of: 'phone' | 'network'): fc.Arbitrary<FactorSignal> =>
  fc
    .record({ observedAt: time, validFor: time, simulated: fc.boolean() })
    .map((more): FactorSignal => satisfied(of, more));
const snapshots: fc.Arbitrary<Snapshot> = fc
  .tuple(
    ...GESTURE_KINDS.map((kind) => fc.option(gestureOf(kind), { nil: undefined })),
    ...(['phone', 'network'] as const).map((of) => fc.option(surroundingOf(of), { nil: undefined })),
  )
  .map((signals) => new Map(signals.filter((s) => s !== undefined).map((s) => [s.kind, s])));

const counts = (signal: FactorSignal | undefined, machineSimulated: boolean): boolean =>
  signal !== undefined &&
  (signal.state === 'satisfied' || signal.state === 'observed') &&
  signal.observedAt <= NOW &&
  NOW - signal.observedAt <= signal.validFor &&
  Number.isFinite(signal.validFor) &&
  (!signal.simulated || machineSimulated);

describe('evaluate', () => {
  test('grants only on two fresh, real, available factors of two families, one of each list', () => {
    fc.assert(
      fc.property(lists, snapshots, options, ({ policy, first, second }, snapshot, o) => {
        const decision = evaluate(policy, snapshot, NOW, o);
        if (decision.verdict === 'denied') return;
        const { factors } = decision.branch;
        expect(new Set(factors.map(familyOf)).size).toBe(2);
        for (const f of factors) expect(counts(snapshot.get(kindOf(f)), o.machineSimulated)).toBe(true);
        expect(factors.some((f) => first.includes(f) && factors.some((g) => g !== f && second.includes(g)))).toBe(true);
        if (decision.strength === 'asserted') expect(policy.acceptAsserted).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('one more satisfied factor never turns a grant into a denial', () => {
    fc.assert(
      fc.property(policies, snapshots, options, factor, (policy, snapshot, o, extra) => {
        const before = evaluate(policy, snapshot, NOW, o);
        const more = new Map(snapshot).set(kindOf(extra), satisfied(extra, { observedAt: NOW, validFor: 1000 }));
        const after = evaluate(policy, more, NOW, o);
        if (before.verdict === 'granted') expect(after.verdict).toBe('granted');
      }),
      { numRuns: 2000 },
    );
  });

  test('what it calls missing is what turns the denial into a grant, and less does not', () => {
    fc.assert(
      fc.property(policies, snapshots, options, (policy, snapshot, o) => {
        const decision = evaluate(policy, snapshot, NOW, o);
        for (const way of decision.missing) {
          const present = (kinds: readonly FactorKind[]) =>
            new Map([
              ...snapshot,
              ...kinds.map((f) => [kindOf(f), satisfied(f, { observedAt: NOW, validFor: 1000 })] as const),
            ]);
          expect(evaluate(policy, present(way), NOW, o).verdict).toBe('granted');
          expect(evaluate(policy, present(way.slice(1)), NOW, o).verdict).toBe('denied');
        }
        const usable = branchesOf(policy, o).some((b) => b.strength !== 'asserted' || policy.acceptAsserted);
        if (decision.verdict === 'denied') expect(decision.missing.length > 0).toBe(usable);
      }),
      { numRuns: 2000 },
    );
  });

  test('is total and repeatable, at any time, and every decision can be explained', () => {
    fc.assert(
      fc.property(policies, snapshots, fc.double(), options, (policy, snapshot, now, o) => {
        const decision = evaluate(policy, snapshot, monotonicMs(now), o);
        expect(evaluate(policy, snapshot, monotonicMs(now), o)).toEqual(decision);
        expect(explain(decision).every(({ text }) => text.length > 0)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('branches', () => {
  test('no branch contains another one', () => {
    fc.assert(
      fc.property(policies, options, (policy, o) => {
        const sets = branchesOf(policy, o).map(({ factors }) => factors);
        expect(absorbSupersets(sets)).toEqual(sets);
      }),
    );
  });
});

describe('parsePolicy', () => {
  test('any text is a policy or ERR_POLICY_INVALID', () => {
    const documents = fc.oneof(
      fc.string(),
      fc.json(),
      lists.chain(({ document }) =>
        fc
          .tuple(fc.constant(formatDocument(document)), fc.nat(400), fc.string({ maxLength: 3 }))
          .map(([t, i, s]) => t.slice(0, i) + s + t.slice(i + 1)),
      ),
    );
    fc.assert(
      fc.property(documents, (text) => {
        try {
          expect(parseDocument(text).version).toBe(2);
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_POLICY_INVALID')).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
