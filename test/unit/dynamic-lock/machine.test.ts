import { describe, expect, it } from 'vitest';
import { initialState, nextLook, step } from '../../../agent/dynamic-lock/machine.ts';
import type { DynamicLockEvent } from '../../../agent/dynamic-lock/state.ts';
import { DEFAULT_DYNAMIC_LOCK, type DynamicLockPolicy } from '../../../agent/policy/dynamic-lock.ts';
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

/** The phone is near, then its probes fail: gone at 60 s. */
const LEFT = [sample(0, 0), sample(20, null), sample(40, null), sample(60, null)];
const IDLE_SINCE_10 = session(10);

describe('dynamic lock', () => {
  it.each<[string, readonly DynamicLockEvent[], readonly string[], Partial<DynamicLockPolicy>?]>([
    [
      'locks when the phone has gone and the person is idle',
      [...LEFT, look(65, IDLE_SINCE_10)],
      ['65: 1000 unreachable'],
    ],
    ['does not lock whoever is at the keyboard', [...LEFT, look(65, session(null)), look(600, session(null))], []],
    [
      'locks when that person stops',
      [...LEFT, look(65, session(null)), look(200, session(169))],
      ['200: 1000 unreachable'],
    ],
    ['does not lock before the person was idle long enough', [...LEFT, look(80, session(51))], []],
    ['does not lock before the delay is over', [...LEFT, look(64, IDLE_SINCE_10)], []],
    [
      'does not lock an idle person whose phone is near',
      [sample(0, 0), look(60, session(0)), sample(61, -3), look(70, session(0))],
      [],
    ],
    ['does not lock for one failed probe, nor for two', [...LEFT.slice(0, 3), look(65, IDLE_SINCE_10)], []],
    [
      'begins to count again after a good probe',
      [...LEFT.slice(0, 3), sample(50, 0), sample(60, null), look(70, IDLE_SINCE_10)],
      [],
    ],
    [
      'locks once for one absence',
      [...LEFT, look(65, IDLE_SINCE_10), look(66, IDLE_SINCE_10), look(900, session(300))],
      ['65: 1000 unreachable'],
    ],
    [
      'locks again when the phone was back in between',
      [
        ...LEFT,
        look(65, IDLE_SINCE_10),
        sample(70, 0),
        ...[80, 90, 100].map((seconds) => sample(seconds, null)),
        look(140, session(105)),
      ],
      ['65: 1000 unreachable', '140: 1000 unreachable'],
    ],
    [
      'never locks for a phone that was never near',
      [sample(0, null), sample(20, -40), sample(200, null), look(900, session(0))],
      [],
    ],
    ['never locks without any phone', [look(0, session(0)), look(9000, session(0))], []],
  ])('%s', (_, events, expected, changes) => {
    expect(locksOf({ ...ON, ...changes }, events)).toEqual(expected);
  });

  it('does nothing while it is off', () => {
    expect(locksOf(null, [...LEFT, look(900, session(0))])).toEqual([]);
    expect(locksOf(DEFAULT_DYNAMIC_LOCK, [...LEFT, look(900, session(0))])).toEqual([]);
  });

  it('tells which phone, which threshold, how long gone and how long idle', () => {
    const events = [sample(0, -2), ...[20, 40, 60, 80].map((seconds) => sample(seconds, -30)), look(100, session(10))];
    const { effects } = tell(ON, events);
    expect(effects).toEqual([
      {
        seconds: 100,
        effect: {
          type: 'lock',
          uid: ANA,
          sessions: ['c1'],
          reason: {
            at: at(60),
            reason: 'far',
            strength: -26.5,
            threshold: -14,
            phone: A,
            idleSeconds: 90,
            goneSeconds: 40,
          },
        },
      },
    ]);
  });
});

describe('near and far', () => {
  const looks = (until: number) => [look(until, session(0))];

  it('a phone between the two thresholds stays what it was', () => {
    const between = [...Array(20).keys()].map((n) => sample(20 * (n + 1), -12));
    // Started at -9: 3 dB are no fall.
    expect(locksOf(ON, [sample(0, -9), ...between, ...looks(405)])).toEqual([]);
    // Never near, so nothing is lost.
    expect(tell(ON, [sample(0, -12), ...between]).state.phones.get(A.address)?.proximity.judged).toBe('unknown');
  });

  it('a phone that has fallen by more than the greatest fall is weak, even above the far threshold', () => {
    const fallen = [20, 40, 60, 80, 100].map((seconds) => sample(seconds, -13));
    expect(locksOf(ON, [sample(0, 0), ...fallen, ...looks(120)])).toEqual(['120: 1000 fell']);
  });

  it('one weak reading among good ones is smoothed away', () => {
    const flicker = [20, 40, 60, 80, 100, 120].map((seconds, n) => sample(seconds, n % 2 === 0 ? -25 : 0));
    expect(locksOf(ON, [sample(0, 0), ...flicker, ...looks(130)])).toEqual([]);
  });

  it('weakens, then cannot be reached, as a battery goes flat: gone by the first that lasts', () => {
    const flat = [sample(20, -6), sample(40, -15), sample(60, -25), sample(80, null), sample(100, null)];
    expect(locksOf(ON, [sample(0, 0), ...flat, ...looks(140)])).toEqual(['140: 1000 unreachable']);
  });

  it('strength in dBm is not compared: the phone that answers is near', () => {
    const dbm = { rssi: { scale: 'dBm', value: -75 }, reachable: true } as const;
    const events = [0, 20, 40, 60, 80].map((seconds) => sample(seconds, null, A, dbm));
    expect(locksOf(ON, [...events, ...looks(90)])).toEqual([]);
    expect(tell({ ...ON, withoutStrength: 'ignored' }, events).state.phones.get(A.address)?.proximity.judged).toBe(
      'unknown',
    );
  });

  it('a device of another class does not count', () => {
    const headset = phone(A.address, [ANA], 0x240404);
    const events = [
      sample(0, 0, headset),
      ...[20, 40, 60].map((seconds) => sample(seconds, null, headset)),
      ...looks(90),
    ];
    expect(locksOf(ON, events)).toEqual([]);
  });

  it('a cached reading that never comes again is no presence: the phone is gone when it is stale', () => {
    expect(locksOf(ON, [sample(0, 0), look(94, session(0)), look(95, session(0))])).toEqual(['95: 1000 stale']);
  });
});

describe('several phones and several people', () => {
  const gone = (of = A) => [20, 40, 60].map((seconds) => sample(seconds, null, of));

  it('any phone that is near keeps it open', () => {
    expect(locksOf(ON, [sample(0, 0, A), sample(0, 0, B), ...gone(A), sample(60, 0, B), look(90, session(0))])).toEqual(
      [],
    );
  });

  it('when both have gone it locks, and names the one that stayed longest', () => {
    const events = [sample(0, 0, A), sample(0, 0, B), ...gone(A)];
    const later = [65, 85, 105].map((seconds) => sample(seconds, null, B));
    const { effects } = tell(ON, [...events, ...later, look(140, session(0))]);
    expect(effects.map(({ effect }) => effect.type === 'lock' && effect.reason.phone.address)).toEqual([B.address]);
  });

  it('the phone of another user neither locks nor keeps open', () => {
    const bens = phone(B.address, [BEN]);
    expect(locksOf(ON, [sample(0, 0, bens), ...gone(bens), look(90, session(0))])).toEqual([]);
    expect(
      locksOf(ON, [sample(0, 0), sample(0, 0, bens), ...gone(A), sample(60, 0, bens), look(90, session(0))]),
    ).toEqual(['90: 1000 unreachable']);
  });

  it('a phone of nobody counts where the policy says so, for who has none of their own', () => {
    const nobodys = phone(B.address, []);
    const left = [sample(0, 0, nobodys), ...gone(nobodys), look(90, session(0))];
    expect(locksOf(ON, left)).toEqual([]);
    expect(locksOf({ ...ON, unboundPhones: 'counted' }, left)).toEqual(['90: 1000 unreachable']);
    const own = [sample(0, 0, A), sample(50, 0, A), ...left];
    expect(locksOf({ ...ON, unboundPhones: 'counted' }, own)).toEqual([]);
  });

  it('locks only the person whose phone has gone', () => {
    const bens = phone(B.address, [BEN]);
    const both = look(90, session(0), session(0, { id: 'c2', uid: BEN }));
    expect(locksOf(ON, [sample(0, 0), sample(0, 0, bens), ...gone(A), sample(60, 0, bens), both])).toEqual([
      '90: 1000 unreachable',
    ]);
  });

  it('a person is idle only when every session of theirs is that is in front', () => {
    const events = [sample(0, 0), ...gone()];
    expect(locksOf(ON, [...events, look(90, session(0), session(null, { id: 'c2' }))])).toEqual([]);
    const aside = session(null, { id: 'c2', active: false });
    expect(locksOf(ON, [...events, look(90, session(0), aside)])).toEqual([]);
    expect(locksOf(ON, [...events, look(60, session(0), aside), look(91, session(0), aside)])).toEqual([
      '91: 1000 unreachable',
    ]);
  });

  it('a login over the network and a greeter are nobody at the keyboard, and are not locked', () => {
    const events = [sample(0, 0), ...gone()];
    const remote = session(null, { id: 'c2', remote: true });
    const greeter = session(null, { id: 'c3', person: false });
    const { effects } = tell(ON, [...events, look(90, session(0), remote, greeter)]);
    expect(effects.map(({ effect }) => effect.type === 'lock' && effect.sessions)).toEqual([['c1']]);
    expect(locksOf(ON, [...events, look(90, remote)])).toEqual([]);
  });

  it('a session that is locked already is not locked again, and the person’s keys go all the same', () => {
    const events = [
      sample(0, 0),
      ...gone(),
      look(61, session(null, { locked: true })),
      look(91, session(null, { locked: true })),
    ];
    const { effects } = tell(ON, events);
    expect(effects.map(({ effect }) => effect.type === 'lock' && effect.sessions)).toEqual([[]]);
  });
});

describe('when phones cannot be looked at', () => {
  const idle = (seconds: number) => look(seconds, session(0));

  it('the radio was switched off: gone after the usual time and that of the policy', () => {
    const off = [sample(0, 0), unavailable(5, 'radio-off')];
    expect(locksOf(ON, [...off, idle(154)])).toEqual([]);
    expect(locksOf(ON, [...off, idle(155)])).toEqual(['155: 1000 radio-off']);
  });

  it('the radio was switched off and the policy says to hold: nobody is locked, until it is on again', () => {
    const hold = { ...ON, radioOff: { means: 'hold', afterSeconds: 0 } } as const;
    const off = [sample(0, 0), unavailable(5, 'radio-off'), idle(5000)];
    expect(locksOf(hold, off)).toEqual([]);
    expect(locksOf(hold, [...off, available(6000), idle(6090), idle(6096)])).toEqual(['6096: 1000 stale']);
  });

  it('a restart of the daemon locks nobody', () => {
    const events = [
      sample(0, 0),
      sample(80, 0),
      unavailable(85, 'daemon-gone'),
      idle(171),
      available(200),
      sample(201, 0),
      idle(260),
    ];
    expect(locksOf(ON, events)).toEqual([]);
  });

  it('a daemon that does not come back is waited for, not for ever', () => {
    const events = [sample(0, 0), unavailable(5, 'daemon-gone')];
    expect(locksOf(ON, [...events, idle(154), idle(155)])).toEqual(['155: 1000 daemon-gone']);
  });

  it('a daemon that restarts again and again holds it open no longer than one that is gone', () => {
    const flapping = [...Array(100).keys()].flatMap((n) => [
      unavailable(5 + 2 * n, 'daemon-gone'),
      available(6 + 2 * n),
    ]);
    expect(locksOf(ON, [sample(0, 0), ...flapping, idle(210)])).toEqual(['210: 1000 daemon-gone']);
  });

  it('a machine without a driver locks nobody', () => {
    expect(locksOf(ON, [unavailable(0, 'no-driver'), idle(100), idle(10_000)])).toEqual([]);
  });
});

describe('hints', () => {
  const idle = (seconds: number) => look(seconds, session(0));

  it('do not keep it open when probes say that the phone has gone', () => {
    const hints = [10, 20, 30, 40, 50, 60, 70, 80].map((seconds) => hint(seconds));
    const events = [...LEFT, ...hints, idle(90)].sort((a, b) => a.now - b.now);
    expect(locksOf(ON, events)).toEqual(['90: 1000 unreachable']);
  });

  it('prolong what a probe said by a bounded time', () => {
    const hints = [...Array(60).keys()].map((n) => hint(5 * n));
    const events = (...looks: DynamicLockEvent[]) => [sample(0, 0), ...hints, ...looks].sort((a, b) => a.now - b.now);
    expect(locksOf(ON, events(idle(154)))).toEqual([]);
    expect(locksOf(ON, events(idle(155)))).toEqual(['155: 1000 stale']);
  });

  it('of a phone that is not near ask for a probe, and no more often than probes have their turn', () => {
    const { effects, state } = tell(ON, [...LEFT, ...[61, 62, 63, 81, 82].map((seconds) => hint(seconds))]);
    expect(effects).toEqual([
      { seconds: 61, effect: { type: 'probe', address: A.address } },
      { seconds: 81, effect: { type: 'probe', address: A.address } },
    ]);
    expect(state.phones.get(A.address)?.proximity.judged).toBe('far');
  });
});

describe('suspend and clocks', () => {
  it('what was sampled before a suspend does not count, however late it comes', () => {
    const asleep = [sample(0, 0), { type: 'suspended', now: at(10) } as const];
    const late = sample(11, 0, A, { at: at(9) });
    const { state } = tell(ON, [...asleep, late]);
    expect(state.phones.size).toBe(0);
    expect(locksOf(ON, [...asleep, late, look(900, session(0))])).toEqual([]);
  });

  it('after a suspend the phone has to be seen again before its leaving counts', () => {
    const woken = [sample(0, 0), { type: 'suspended', now: at(10) } as const, sample(20, 0)];
    const left = [40, 60, 80].map((seconds) => sample(seconds, null));
    expect(locksOf(ON, [...woken, ...left, look(120, session(15))])).toEqual(['120: 1000 unreachable']);
  });

  it('a clock that jumps back stands still, and samples from the future are from now', () => {
    expect(locksOf(ON, [...LEFT, look(-500, session(-900)), look(65, IDLE_SINCE_10)])).toEqual([
      '65: 1000 unreachable',
    ]);
    const future = sample(0, 0, A, { at: at(1_000_000) });
    expect(locksOf(ON, [future, look(95, session(0))])).toEqual(['95: 1000 stale']);
  });

  it('an old sample that arrives late changes nothing', () => {
    const late = [61, 62, 63].map((seconds) => sample(seconds, 0, A, { at: at(seconds - 50) }));
    expect(locksOf(ON, [...LEFT, ...late, look(70, IDLE_SINCE_10)])).toEqual(['70: 1000 unreachable']);
  });

  it('a lock that the host refused is tried again, not at once', () => {
    const events: DynamicLockEvent[] = [
      ...LEFT,
      look(65, IDLE_SINCE_10),
      { type: 'lock-failed', now: at(65), uid: ANA },
    ];
    expect(locksOf(ON, [...events, look(84, IDLE_SINCE_10), look(85, IDLE_SINCE_10)])).toEqual([
      '65: 1000 unreachable',
      '85: 1000 unreachable',
    ]);
  });

  it('sessions that cannot be read are nobody’s idleness', () => {
    expect(
      locksOf(ON, [
        look(5, IDLE_SINCE_10),
        ...LEFT,
        { type: 'sessions-unknown', now: at(64) },
        { type: 'tick', now: at(900) },
      ]),
    ).toEqual([]);
  });
});

describe('the time of the next look', () => {
  it('is when the phone would be stale, or the person idle long enough', () => {
    expect(nextLook(initialState)).toBeNull();
    expect(nextLook(tell(ON, []).state)).toBeNull();
    expect(nextLook(tell(ON, [sample(0, 0), look(10, session(null))]).state)).toBe(at(90));
    expect(nextLook(tell(ON, [look(0, session(null)), ...LEFT, look(61, session(null))]).state)).toBe(at(91));
    expect(nextLook(tell(ON, [...LEFT, look(61, session(40))]).state)).toBe(at(70));
    expect(nextLook(tell(ON, [...LEFT, look(65, session(0))]).state)).toBeNull();
  });

  it('is not put off by the probes that come meanwhile', () => {
    const events = [...LEFT, look(61, session(null)), sample(80, null)];
    expect(nextLook(tell(ON, events).state)).toBe(at(91));
  });

  it('a look at that time locks', () => {
    const { state } = tell(ON, [...LEFT, look(61, session(40))]);
    const due = nextLook(state);
    if (due === null) throw new Error('nothing is due');
    expect(step(state, look(due / 1000, session(40))).effects).toHaveLength(1);
  });
});
