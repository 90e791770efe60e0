/** The edges of dynamic lock: other people, other outages, a policy that changes, more than it keeps. */
import { describe, expect, it } from 'vitest';
import { initialState, nextLook, step } from '../../../agent/dynamic-lock/machine.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import {
  A,
  ANA,
  at,
  available,
  B,
  BEN,
  hint,
  locksOf,
  look,
  ON,
  phone,
  sample,
  session,
  tell,
  unavailable,
} from '../../support/session/lock-trace.ts';

const LEFT = [sample(0, 0), sample(20, null), sample(40, null), sample(60, null)];
const idle = (seconds: number) => look(seconds, session(0));
const bens = phone(B.address, [BEN]);

describe('other people', () => {
  it('somebody else at the keyboard does not keep a person’s session open, and is not locked with them', () => {
    const { effects } = tell(ON, [...LEFT, look(90, session(0), session(null, { id: 'c2', uid: BEN }))]);
    expect(effects.map(({ effect }) => effect.type === 'lock' && [effect.uid, effect.sessions])).toEqual([
      [ANA, ['c1']],
    ]);
  });

  it('the phone of somebody else coming near does not end an absence', () => {
    expect(locksOf(ON, [...LEFT, idle(90), sample(95, 0, bens), sample(96, 0, bens), idle(200)])).toEqual([
      '90: 1000 unreachable',
    ]);
  });

  it('one’s own failed probes do not end it either', () => {
    expect(locksOf(ON, [...LEFT, idle(90), sample(95, null), sample(115, -40), idle(200)])).toEqual([
      '90: 1000 unreachable',
    ]);
  });

  it('where phones of nobody count, the phone of somebody else still does not', () => {
    const left = [20, 40, 60].map((seconds) => sample(seconds, null, bens));
    expect(locksOf({ ...ON, unboundPhones: 'counted' }, [sample(0, 0, bens), ...left, idle(90)])).toEqual([]);
  });
});

describe('a driver that fails', () => {
  const failed = [sample(0, 0), unavailable(5, 'failed')];

  it('is waited for longer than a daemon that restarts', () => {
    expect(locksOf(ON, [...failed, idle(394)])).toEqual([]);
    expect(locksOf(ON, [...failed, idle(395)])).toEqual(['395: 1000 failed']);
  });

  it('or holds, where the policy says so', () => {
    expect(locksOf({ ...ON, failed: { means: 'hold', afterSeconds: 0 } }, [...failed, idle(5000)])).toEqual([]);
  });

  it('a radio that holds does not shorten what a phone had anyway', () => {
    const hold = { ...ON, radioOff: { means: 'hold', afterSeconds: 0 }, hintSeconds: 3600 } as const;
    const events = [sample(0, 0), hint(80), unavailable(81, 'radio-off'), available(82)];
    expect(nextLook(tell(hold, events).state)).toBe(at(172));
  });
});

describe('a policy that changes', () => {
  it('keeps what was seen, and counts weak samples anew', () => {
    let { state } = tell(ON, LEFT.slice(0, 3));
    state = step(state, { type: 'policy', now: at(50), policy: { ...ON, idleSeconds: 60 } }).state;
    expect(state.phones.get(A.address)?.proximity).toMatchObject({ judged: 'near', weak: 0 });
  });

  it('that switches it off forgets everything, and remembers whether phones can be looked at', () => {
    let { state } = tell(ON, [...LEFT, idle(90)]);
    state = step(state, { type: 'policy', now: at(100), policy: null }).state;
    expect([state.policy, state.phones.size, state.locked.size, state.sessions.size]).toEqual([null, 0, 0, 0]);
    state = step(state, unavailable(110, 'radio-off')).state;
    expect(state.outage).toEqual({ reason: 'radio-off', since: at(110) });
    state = step(state, sample(111, 0)).state;
    expect([state.outage?.reason, state.phones.size]).toEqual(['radio-off', 0]);
    expect(step(state, available(112)).state.outage).toBeNull();
  });
});

describe('more than it keeps, and what makes no sense', () => {
  const address = (n: number) => `aa:aa:aa:aa:aa:${n.toString(16).padStart(2, '0')}`;

  it('of phones it keeps 64, and what it knows of those goes on', () => {
    const many = [...Array(100).keys()].map((n) => sample(n / 10, 0, phone(address(n))));
    const { state } = tell(ON, [...many, sample(11, -20, phone(address(0)))]);
    expect(state.phones.size).toBe(64);
    expect(state.phones.get(address(0))?.proximity.sampledAt).toBe(at(11));
  });

  it('of phones that were only heard it asks for 64', () => {
    const many = [...Array(100).keys()].map((n) => hint(1, phone(address(n))));
    expect(tell(ON, many).effects).toHaveLength(64);
  });

  it('a time that is none, or beyond all measure, moves nothing', () => {
    const { state } = tell(ON, [sample(0, 0), sample(10, 0)]);
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, -1]) {
      expect(step(state, { type: 'tick', now: monotonicMs(now) }).state.now).toBe(at(10));
    }
    const untimed = step(initialState, { type: 'policy', now: monotonicMs(Number.NaN), policy: ON }).state;
    expect(step(untimed, { ...idle(0), now: monotonicMs(Number.NaN) }).state.sessions.size).toBe(0);
  });

  it('an idleness since ever is none', () => {
    const ever = session(0, { idle: { idleSinceMs: monotonicMs(Number.NEGATIVE_INFINITY), source: 'mock' } });
    expect(locksOf(ON, [...LEFT, look(90, ever)])).toEqual([]);
  });

  it('a strength that is no number, or in dBm, is not compared, however strong', () => {
    for (const rssi of [{ scale: 'relative', value: Number.NaN } as const, { scale: 'dBm', value: -5 } as const]) {
      const { state } = tell({ ...ON, withoutStrength: 'ignored' }, [sample(0, null, A, { reachable: true, rssi })]);
      expect(state.phones.get(A.address)?.proximity).toMatchObject({ judged: 'unknown', strength: null });
    }
  });

  it('a refusal that nobody was locked by changes nothing', () => {
    const { state } = tell(ON, LEFT);
    expect(step(state, { type: 'lock-failed', now: at(61), uid: ANA }).state.refused.size).toBe(0);
  });

  it('sessions that cannot be read are forgotten', () => {
    const { state } = tell(ON, [idle(5), { type: 'sessions-unknown', now: at(6) }]);
    expect(state.sessions.size).toBe(0);
  });
});
