import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor } from '../../../agent/policy/model.ts';
import {
  isWithin,
  type LocalTime,
  localTimeWords,
  minuteOf,
  type TimeWindow,
  WEEKDAYS,
  windowWords,
} from '../../../agent/policy/time-window.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { policyOf, satisfied, snapshotOf } from '../../support/policy-fixtures.ts';

const office: TimeWindow = { days: ['monday', 'friday'], from: '08:00', to: '17:30' };
const night: TimeWindow = { days: ['friday', 'sunday'], from: '22:00', to: '06:00' };
const time = (day: LocalTime['day'], clock: string): LocalTime => ({ day, minute: minuteOf(clock) ?? -1 });

describe('a time window', () => {
  test.each<[LocalTime['day'], string, boolean]>([
    ['monday', '07:59', false],
    ['monday', '08:00', true],
    ['monday', '17:29', true],
    ['monday', '17:30', false],
    ['friday', '12:00', true],
    ['tuesday', '12:00', false],
    ['sunday', '12:00', false],
  ])('of office hours, on %s at %s: %s', (day, clock, expected) => {
    expect(isWithin(office, time(day, clock))).toBe(expected);
  });

  test.each<[LocalTime['day'], string, boolean]>([
    ['friday', '21:59', false],
    ['friday', '22:00', true],
    ['friday', '23:59', true],
    ['saturday', '00:00', true],
    ['saturday', '05:59', true],
    ['saturday', '06:00', false],
    ['saturday', '22:00', false],
    ['friday', '05:59', false],
    // The night of Sunday is Monday's morning.
    ['sunday', '23:00', true],
    ['monday', '05:59', true],
    ['monday', '06:00', false],
    ['sunday', '05:59', false],
  ])('over midnight, on %s at %s: %s', (day, clock, expected) => {
    expect(isWithin(night, time(day, clock))).toBe(expected);
  });

  test('to 24:00 ends with its day, and from a time to the same one lasts a day', () => {
    const evening: TimeWindow = { days: ['monday'], from: '18:00', to: '24:00' };
    expect(isWithin(evening, time('monday', '23:59'))).toBe(true);
    expect(isWithin(evening, time('tuesday', '00:00'))).toBe(false);
    const day: TimeWindow = { days: ['monday'], from: '12:00', to: '12:00' };
    expect(isWithin(day, time('monday', '11:59'))).toBe(false);
    expect(isWithin(day, time('monday', '12:00'))).toBe(true);
    expect(isWithin(day, time('tuesday', '11:59'))).toBe(true);
    expect(isWithin(day, time('tuesday', '12:00'))).toBe(false);
  });

  test.each([-1, 1440, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('is not open at the minute %d', (minute) => {
    const always: TimeWindow = { days: [...WEEKDAYS], from: '00:00', to: '24:00' };
    const weekNights: TimeWindow = { days: [...WEEKDAYS], from: '22:00', to: '06:00' };
    for (const window of [always, weekNights]) expect(isWithin(window, { day: 'monday', minute })).toBe(false);
    expect(isWithin(always, { day: 'monday', minute: 0 })).toBe(true);
    expect(isWithin(always, { day: 'monday', minute: 1439 })).toBe(true);
  });

  test('is not open on a day that is none, nor between times that are none', () => {
    expect(isWithin(night, { day: 'someday' as 'monday', minute: 10 })).toBe(false);
    for (const [from, to] of [
      ['8:00', '17:30'],
      ['08:00', '25:00'],
      ['08:00', ''],
    ] as const) {
      expect(isWithin({ days: [...WEEKDAYS], from, to }, time('monday', '12:00'))).toBe(false);
    }
  });

  test('is told in words', () => {
    expect(windowWords(office)).toBe('monday, friday 08:00-17:30');
    expect(windowWords({ ...office, days: [...WEEKDAYS] })).toBe('every day 08:00-17:30');
    expect(localTimeWords({ day: 'monday', minute: 485 })).toBe('monday 08:05');
    expect(localTimeWords({ day: 'sunday', minute: 1439 })).toBe('sunday 23:59');
  });
});

test.each<[string, number | null]>([
  ['00:00', 0],
  ['08:30', 510],
  ['24:00', 1440],
  ['24:01', null],
  ['23:60', null],
  ['8:30', null],
  ['08:3', null],
  ['08:300', null],
  ['108:30', null],
  ['', null],
])('%s is the minute %s', (text, minute) => {
  expect(minuteOf(text)).toBe(minute);
});

describe('a part of a policy during a window', () => {
  const policy = policyFor(
    checkedDocument({
      version: 2,
      contexts: {
        unlock: {
          require: {
            any: [{ during: 'office', need: { all: ['pin', 'fingerprint'] } }, { all: ['pin', 'securityKey'] }],
          },
        },
      },
      windows: { office },
    }),
    'unlock',
  );
  const decide = (localTime: LocalTime | null, ...kinds: ('pin' | 'fingerprint' | 'securityKey')[]) =>
    evaluate(policy, snapshotOf(...kinds.map((kind) => satisfied(kind))), monotonicMs(2000), {
      machineSimulated: false,
      pinIsBound: true,
      localTime,
    });

  test('grants while it is open', () => {
    expect(decide(time('monday', '08:00'), 'pin', 'fingerprint').verdict).toBe('granted');
    expect(decide(time('monday', '17:30'), 'pin', 'fingerprint').verdict).toBe('denied');
    expect(decide(time('tuesday', '12:00'), 'pin', 'fingerprint').verdict).toBe('denied');
    expect(decide(time('tuesday', '12:00'), 'pin', 'securityKey').verdict).toBe('granted');
  });

  test('does not grant when nobody knows what time it is', () => {
    expect(decide(null, 'pin', 'fingerprint').verdict).toBe('denied');
    const unknown = evaluate(policy, snapshotOf(satisfied('pin'), satisfied('fingerprint')), monotonicMs(2000), {
      machineSimulated: false,
      pinIsBound: true,
    });
    expect(unknown).toMatchObject({ verdict: 'denied', missing: [['securityKey']] });
  });

  test('is offered as a way only while it is open', () => {
    expect(decide(time('monday', '08:00'), 'pin').missing).toEqual([['fingerprint'], ['securityKey']]);
    expect(decide(time('monday', '07:00'), 'pin').missing).toEqual([['securityKey']]);
  });

  test('says in its reason which window, and what time it is', () => {
    const windowsOf = (localTime: LocalTime | null) =>
      decide(localTime, 'pin').reasons.children.flatMap(({ windows }) => windows);
    expect(windowsOf(time('monday', '08:00'))).toEqual([
      { kind: 'window', ok: true, window: 'office', expected: 'monday, friday 08:00-17:30', found: 'monday 08:00' },
    ]);
    expect(windowsOf(null)).toEqual([
      { kind: 'window', ok: false, window: 'office', expected: 'monday, friday 08:00-17:30', found: null },
    ]);
  });

  test('of a window that the policy does not have never grants, whatever its name', () => {
    const base = policyOf(['pin'], ['securityKey']);
    for (const name of ['gone', 'toString', '__proto__']) {
      const odd = { ...base, require: { during: name, need: base.require } };
      const decision = evaluate(odd, snapshotOf(satisfied('pin'), satisfied('securityKey')), monotonicMs(2000), {
        machineSimulated: false,
        pinIsBound: true,
        localTime: time('monday', '08:00'),
      });
      expect(decision.verdict).toBe('denied');
      expect(decision.reasons.children[0]?.windows[0]).toMatchObject({ ok: false, expected: 'a window of that name' });
    }
  });
});
