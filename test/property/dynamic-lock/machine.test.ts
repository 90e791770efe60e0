/** What holds for every sequence of events, whatever the phone, the radio, the sessions and the clock do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialState, nextLook, step } from '../../../agent/dynamic-lock/machine.ts';
import type { DynamicLockEvent } from '../../../agent/dynamic-lock/state.ts';
import type { DynamicLockPolicy } from '../../../agent/policy/dynamic-lock.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { Session } from '../../../drivers/hal/session.ts';
import {
  A,
  ANA,
  at,
  B,
  BEN,
  hint,
  look,
  ON,
  sample,
  session,
  tell,
  unavailable,
} from '../../support/session/lock-trace.ts';

const weird = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY));
const time = fc
  .oneof({ weight: 6, arbitrary: fc.nat(2_000_000) }, { weight: 1, arbitrary: weird })
  .map((ms) => monotonicMs(ms));
const uid = fc.constantFrom(ANA, BEN);
const device = fc.record({
  address: fc.constantFrom(A.address, B.address, 'cc:cc:cc:cc:cc:cc'),
  name: fc.constantFrom(null, 'a phone'),
  classOfDevice: fc.constantFrom(null, 0x5a020c, 0x240404),
  users: fc.array(uid, { maxLength: 2 }),
});
const outage = fc.constantFrom('radio-off', 'daemon-gone', 'no-permission', 'no-driver', 'failed' as const);
const presence = fc.oneof(
  fc.record({
    type: fc.constant('sample' as const),
    at: time,
    phone: device,
    rssi: fc.option(
      fc.record({
        scale: fc.constantFrom('relative' as const, 'dBm' as const),
        value: fc.oneof(fc.integer({ min: -90, max: 5 }), weird),
      }),
    ),
    source: fc.constantFrom('probe' as const, 'hint' as const),
    reachable: fc.boolean(),
  }),
  fc.record({ type: fc.constant('unavailable' as const), at: time, reason: outage }),
  fc.record({ type: fc.constant('available' as const), at: time }),
);
const anySession: fc.Arbitrary<Session> = fc.record({
  id: fc.constantFrom('c1', 'c2', 'c3'),
  uid,
  active: fc.boolean(),
  type: fc.constant('tty'),
  person: fc.boolean(),
  remote: fc.boolean(),
  locked: fc.option(fc.boolean()),
  idle: fc.record({ idleSinceMs: fc.option(time), source: fc.constantFrom(null, 'mock' as const) }),
});
const policy: fc.Arbitrary<DynamicLockPolicy | null> = fc.option(
  fc
    .record({
      enabled: fc.boolean(),
      weakSamples: fc.integer({ min: 1, max: 4 }),
      idleSeconds: fc.integer({ min: 5, max: 60 }),
      unboundPhones: fc.constantFrom('ignored' as const, 'counted' as const),
      withoutStrength: fc.constantFrom('near' as const, 'ignored' as const),
      radioOff: fc.record({ means: fc.constantFrom('gone' as const, 'hold' as const), afterSeconds: fc.nat(100) }),
    })
    .map((changes) => ({ ...ON, ...changes })),
);
const event: fc.Arbitrary<DynamicLockEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('presence' as const), now: time, presence }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('sessions' as const),
      now: time,
      sessions: fc.uniqueArray(anySession, { maxLength: 3, selector: ({ id }) => id }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('policy' as const), now: time, policy }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom('suspended' as const, 'sessions-unknown' as const, 'tick' as const),
      now: time,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lock-failed' as const), now: time, uid }) },
);
const trace = fc.array(event, { maxLength: 60 });

describe('dynamic lock, for any sequence of events', () => {
  it('answers every event, keeps a bounded state, and has no effect but to lock and to probe', () => {
    fc.assert(
      fc.property(trace, (events) => {
        let state = step(initialState, { type: 'policy', now: at(0), policy: ON }).state;
        for (const one of events) {
          const next = step(state, one);
          for (const { type } of next.effects) expect(['lock', 'probe']).toContain(type);
          expect(next.state.now).toBeGreaterThanOrEqual(state.now);
          expect(next.state.phones.size).toBeLessThanOrEqual(64);
          const due = nextLook(next.state);
          if (due !== null) expect(due).toBeGreaterThan(next.state.now);
          state = next.state;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('never locks while the person is active, and only on what was read at that moment', () => {
    fc.assert(
      fc.property(trace, (events) => {
        let state = step(initialState, { type: 'policy', now: at(0), policy: ON }).state;
        for (const one of events) {
          const next = step(state, one);
          for (const effect of next.effects) {
            if (effect.type !== 'lock') continue;
            if (one.type !== 'sessions') throw new Error(`locked on ${one.type}`);
            const own = one.sessions.filter((each) => each.uid === effect.uid && each.person && !each.remote);
            expect(own.length).toBeGreaterThan(0);
            for (const { active, locked, idle } of own) {
              const inUse = active && locked !== true && idle.idleSinceMs === null;
              expect(inUse).toBe(false);
              if (!active || locked === true || idle.idleSinceMs === null) continue;
              const needed = (next.state.policy?.idleSeconds ?? Number.POSITIVE_INFINITY) * 1000;
              expect(next.state.now - idle.idleSinceMs).toBeGreaterThanOrEqual(needed);
            }
          }
          state = next.state;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('never locks while it is off', () => {
    fc.assert(
      fc.property(trace, fc.boolean(), (events, absent) => {
        const off = absent ? null : { ...ON, enabled: false };
        const without = events.filter(({ type }) => type !== 'policy');
        expect(tell(off, without).effects).toEqual([]);
      }),
    );
  });
});

/** One turn: time goes on, then one thing is seen, then the sessions are looked at. */
const turn = fc.record({
  wait: fc.integer({ min: 1, max: 40 }),
  what: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('probe' as const),
        of: fc.constantFrom(A, B),
        strength: fc.option(fc.integer({ min: -40, max: 0 })),
        raisedBy: fc.nat(40),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('hint' as const), of: fc.constantFrom(A, B) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('outage' as const), reason: outage }) },
  ),
  idle: fc.boolean(),
});

interface Choice {
  /** Raise the strength of every probe as the turn says; a failed one becomes a weak one. */
  readonly raised: boolean;
  /** Turns before which the phone A is seen near once more. */
  readonly extra: readonly number[];
}

/** When the first lock comes; infinity: never. */
function firstLock(
  policyInForce: DynamicLockPolicy,
  turns: readonly (typeof turn extends fc.Arbitrary<infer T> ? T : never)[],
  choice: Choice,
): number {
  let now = 0;
  let idleFrom: number | null = null;
  const events: DynamicLockEvent[] = [sample(0, 0, A), look(0, session(null))];
  turns.forEach(({ wait, what, idle }, n) => {
    now += wait;
    if (choice.extra.includes(n)) events.push(sample(now, 0, A));
    if (what.type === 'hint') events.push(hint(now, what.of));
    else if (what.type === 'outage') events.push(unavailable(now, what.reason));
    else {
      const { strength, raisedBy } = what;
      const raised = strength === null ? (raisedBy > 10 ? -40 + raisedBy / 2 : null) : Math.min(0, strength + raisedBy);
      events.push(sample(now, choice.raised ? raised : strength, what.of));
    }
    idleFrom = idle ? (idleFrom ?? now) : null;
    events.push(look(now, session(idleFrom)));
  });
  const lock = tell(policyInForce, events).effects.find(({ effect }) => effect.type === 'lock');
  return lock?.seconds ?? Number.POSITIVE_INFINITY;
}

describe('more presence', () => {
  // The greatest fall is measured from the best strength, so that a stronger past makes the same present a greater fall.
  const absolute: DynamicLockPolicy = { ...ON, rule: { ...ON.rule, rssiMaxDelta: -100 }, idleSeconds: 10 };

  it('never locks earlier: stronger samples', () => {
    let compared = 0;
    fc.assert(
      fc.property(fc.array(turn, { minLength: 5, maxLength: 40 }), (turns) => {
        const less = firstLock(absolute, turns, { raised: false, extra: [] });
        const more = firstLock(absolute, turns, { raised: true, extra: [] });
        if (Number.isFinite(less)) compared++;
        expect(more).toBeGreaterThanOrEqual(less);
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(100);
  });

  it('never locks earlier: one more sample that is as strong as can be', () => {
    fc.assert(
      fc.property(
        fc.array(turn, { minLength: 5, maxLength: 40 }),
        fc.array(fc.nat(40), { maxLength: 6 }),
        (turns, extra) => {
          const less = firstLock(absolute, turns, { raised: false, extra: [] });
          expect(firstLock(absolute, turns, { raised: false, extra })).toBeGreaterThanOrEqual(less);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never locks earlier: less idleness', () => {
    fc.assert(
      fc.property(
        fc.array(turn, { minLength: 5, maxLength: 40 }),
        fc.array(fc.nat(40), { maxLength: 6 }),
        (turns, busy) => {
          const less = firstLock(ON, turns, { raised: false, extra: [] });
          const awake = turns.map((one, n) => (busy.includes(n) ? { ...one, idle: false } : one));
          expect(firstLock(ON, awake, { raised: false, extra: [] })).toBeGreaterThanOrEqual(less);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
