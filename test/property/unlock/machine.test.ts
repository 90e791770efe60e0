import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grantFor } from '../../../agent/policy/grant.ts';
import { newAttempt, step } from '../../../agent/unlock/machine.ts';
import type { UnlockEffect, UnlockEvent, UnlockPlan, UnlockState } from '../../../agent/unlock/state.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import {
  FACTOR_KINDS,
  type FactorKind,
  type FactorSignal,
  GESTURE_KINDS,
  isGesture,
  SIGNAL_KINDS,
  UNAVAILABLE_REASONS,
  UNSATISFIED_REASONS,
} from '../../../drivers/signal.ts';
import { policyOf, satisfied, USER, unavailable, unsatisfied } from '../../support/policy-fixtures.ts';

const kinds = fc.constantFrom(...FACTOR_KINDS);
const starters = fc.constantFrom<FactorKind>('pin', 'securityKey', 'fingerprint', 'face');
const plans: fc.Arbitrary<UnlockPlan> = fc
  .record({
    first: fc.uniqueArray(starters, { minLength: 1 }),
    second: fc.uniqueArray(kinds, { minLength: 1 }),
    acceptAsserted: fc.boolean(),
    machineSimulated: fc.boolean(),
    pinIsBound: fc.boolean(),
    maxRetries: fc.integer({ min: 1, max: 5 }),
    further: fc.option(fc.uniqueArray(kinds, { minLength: 1 })),
    notEnrolled: fc.subarray<FactorKind>(['pin', 'securityKey']),
  })
  .map(({ first, second, acceptAsserted, machineSimulated, pinIsBound, maxRetries, further, notEnrolled }) => ({
    ...(further === null ? {} : { further: { policies: [policyOf(first, further, { acceptAsserted })], notEnrolled } }),
    policy: policyOf(first, second, { acceptAsserted }),
    options: { machineSimulated, pinIsBound, user: USER },
    limitMs: 60_000,
    maxRetries,
  }));

const times = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
);
const signals: fc.Arbitrary<FactorSignal> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(kinds, times, fc.boolean(), fc.constantFrom('bound' as const, 'gate' as const))
      .map(([kind, observedAt, simulated, strength]) =>
        satisfied(kind, { observedAt, simulated, strength, validFor: 20_000 }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...GESTURE_KINDS), fc.constantFrom(...UNSATISFIED_REASONS), times)
      .map(([k, r, t]) => unsatisfied(k, r, t)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(kinds, fc.constantFrom(...UNAVAILABLE_REASONS), times).map(([k, r, t]) => unavailable(k, r, t)),
  },
);
const events: fc.Arbitrary<UnlockEvent> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('signal' as const),
      at: times.map(monotonicMs),
      signal: signals,
      triesLeft: fc.constantFrom(null, 0, 1, 4),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('signal' as const),
      at: times.map(monotonicMs),
      signal: signals,
      isAnswer: fc.constant(true as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('lost' as const),
      at: times.map(monotonicMs),
      kind: fc.constantFrom(...SIGNAL_KINDS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('tick' as const), at: times.map(monotonicMs) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<UnlockEvent>(
      { type: 'cancel' },
      { type: 'released' },
      { type: 'release-failed', code: 'ERR_HAL_IO' },
    ),
  },
);
const histories = fc.array(events, { maxLength: 40 });

/** Plans that open with PIN and network or face, and further policies; and histories in which that does come about. */
const wanting = fc
  .record({
    others: fc.array(
      fc.uniqueArray(fc.constantFrom<FactorKind>('securityKey', 'fingerprint', 'face', 'phone', 'network'), {
        minLength: 1,
      }),
      { minLength: 1, maxLength: 2 },
    ),
    notEnrolled: fc.subarray<FactorKind>(['securityKey'], { maxLength: 1 }),
  })
  .map(({ others, notEnrolled }) => ({
    policy: policyOf(['pin'], ['network', 'face']),
    further: { policies: others.map((second) => policyOf(['pin'], second)), notEnrolled },
    options: { machineSimulated: false, pinIsBound: true, user: USER },
    limitMs: 60_000,
    maxRetries: 2,
  }));
const likely = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: kinds.map(
        (kind): UnlockEvent => ({
          type: 'signal',
          at: monotonicMs(1000),
          signal: satisfied(kind, { observedAt: 500, validFor: 60_000 }),
        }),
      ),
    },
    { weight: 1, arbitrary: events },
  ),
  { maxLength: 15 },
);

/** Most histories of chance release nothing: half of these may. */
const anyPlan: fc.Arbitrary<UnlockPlan> = fc.oneof(plans, wanting);
const anyHistory = fc.oneof(histories, likely);

const run = (plan: UnlockPlan, history: readonly UnlockEvent[]) => {
  const effects: UnlockEffect[] = [];
  let state: UnlockState = newAttempt(plan);
  for (const event of [{ type: 'start', at: monotonicMs(0), snapshot: new Map() } as UnlockEvent, ...history]) {
    const next = step(state, event);
    effects.push(...next.effects);
    state = next.state;
  }
  return { state, effects };
};
const count = (effects: readonly UnlockEffect[], type: UnlockEffect['type']) =>
  effects.filter((e) => e.type === type).length;

describe('the unlock machine, whatever happens', () => {
  test('waits for no answer that has come: what was shown is used, asked for anew or given up', () => {
    let answers = 0;
    fc.assert(
      fc.property(plans, histories, (plan, history) => {
        let state = step(newAttempt(plan), { type: 'start', at: monotonicMs(0), snapshot: new Map() }).state;
        for (const event of history) {
          const { asking } = state;
          const next = step(state, event);
          state = next.state;
          if (event.type !== 'signal' || event.isAnswer === undefined || event.signal.kind !== asking) continue;
          if (event.signal.state !== 'satisfied' || !isGesture(event.signal) || state.phase !== 'collecting') continue;
          answers++;
          const anew = next.effects.some((effect) => effect.type === 'ask' && effect.factor === asking);
          expect(anew || state.asking !== asking).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
    expect(answers).toBeGreaterThan(0);
  });

  test('releases at most once, and only with a genuine decision that says granted', () => {
    let releases = 0;
    fc.assert(
      fc.property(anyPlan, anyHistory, (plan, history) => {
        const { effects } = run(plan, history);
        expect(count(effects, 'release')).toBeLessThanOrEqual(1);
        for (const effect of effects) {
          if (effect.type !== 'release') continue;
          releases++;
          expect(effect.decision.verdict).toBe('granted');
          expect(grantFor(effect.decision, { container: '00', context: 'login' }).branch).toBe(effect.decision.branch);
        }
      }),
      { numRuns: 1000 },
    );
    expect(releases).toBeGreaterThan(5);
  });

  test('is over once its time is over and the release has answered, and says so exactly once', () => {
    fc.assert(
      fc.property(anyPlan, anyHistory, (plan, history) => {
        const over: UnlockEvent = { type: 'tick', at: monotonicMs(60_000) };
        // The first may release what is there while something further was asked for.
        const { state, effects } = run(plan, [...history, over, over]);
        expect(state.phase).toBe('done');
        expect(count(effects, 'finish')).toBe(1);
        const end = effects.findIndex(({ type }) => type === 'finish');
        expect(effects.slice(end + 1).every(({ type }) => type === 'forget')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('is granted only after a release was asked for and came through', () => {
    fc.assert(
      fc.property(anyPlan, anyHistory, (plan, history) => {
        const { state, effects } = run(plan, history);
        if (state.outcome?.is !== 'granted') return;
        expect(count(effects, 'release')).toBe(1);
        expect(history.some(({ type }) => type === 'released')).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('asks for one factor at a time, and never again for one that is used up', () => {
    fc.assert(
      fc.property(anyPlan, anyHistory, (plan, history) => {
        let state = newAttempt(plan);
        let open: FactorKind | null = null;
        for (const event of [{ type: 'start', at: monotonicMs(0), snapshot: new Map() } as UnlockEvent, ...history]) {
          const next = step(state, event);
          // An answer closes the question it answers.
          if (event.type === 'signal' && next.effects.every(({ type }) => type !== 'stop-asking')) {
            if (event.signal.kind === open && event.signal.state !== 'satisfied' && next.state.asking !== open)
              open = null;
            if (next.effects.some((e) => e.type === 'refused')) open = null;
          }
          for (const effect of next.effects) {
            if (effect.type === 'stop-asking') {
              expect(effect.factor).toBe(open);
              open = null;
            }
            if (effect.type === 'ask') {
              expect(open).toBeNull();
              open = effect.factor;
              expect(next.state.retries.get(effect.factor) ?? 0).toBeLessThan(plan.maxRetries);
            }
          }
          expect(next.state.asking).toBe(open);
          state = next.state;
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('asks for something further only of who is let in already, and of nobody who cannot present it', () => {
    let asked = 0;
    fc.assert(
      fc.property(wanting, likely, (plan, history) => {
        let state = newAttempt(plan);
        for (const event of [{ type: 'start', at: monotonicMs(0), snapshot: new Map() } as UnlockEvent, ...history]) {
          const { state: next, effects } = step(state, event);
          for (const effect of effects) {
            if (effect.type !== 'ask' || !effect.further) continue;
            asked++;
            expect(next.decision?.verdict).toBe('granted');
            expect(['phone', 'network', ...plan.further.notEnrolled]).not.toContain(effect.factor);
          }
          state = next;
        }
      }),
      { numRuns: 1000 },
    );
    expect(asked).toBeGreaterThan(5);
  });

  test('lets in with something further whoever is let in without, at the same moment or when that cannot be had', () => {
    let further = 0;
    fc.assert(
      fc.property(wanting, likely, ({ further: wanted, ...without }, history) => {
        const plan = { ...without, further: wanted };
        let [plain, more] = [newAttempt(without), newAttempt(plan)];
        for (const event of [{ type: 'start', at: monotonicMs(0), snapshot: new Map() } as UnlockEvent, ...history]) {
          plain = step(plain, event).state;
          more = step(more, event).state;
          if (plain.phase !== 'releasing') continue;
          if (more.phase === 'releasing') return;
          further++;
          // Nothing more comes, and what opened is as fresh as it was.
          expect(more.phase).toBe('collecting');
          if (more.asking === null) throw new Error('asks for nothing');
          const at = 'at' in event ? event.at : monotonicMs(0);
          while (more.phase === 'collecting' && more.asking !== null) {
            const signal = unavailable(more.asking as (typeof GESTURE_KINDS)[number], 'failed', at);
            more = step(more, { type: 'signal', at, signal }).state;
          }
          expect(more.phase).toBe('releasing');
          return;
        }
      }),
      { numRuns: 1000 },
    );
    expect(further).toBeGreaterThan(5);
  });
});
