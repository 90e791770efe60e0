import { describe, expect, test } from 'vitest';
import { USER } from '../../support/policy-fixtures.ts';
import { elementsOf, holds, phone, whereOf } from './situations.ts';

const near = { type: 'bluetooth' };
const around = (...devices: ReturnType<typeof phone>[]) => ({ bluetooth: { devices } });
const strength = (value: number, rssiBest: number | null = null) =>
  around(phone({ rssi: { scale: 'relative', value }, rssiBest }));

describe('a phone', () => {
  test('that is near, proved and enrolled holds; none does not', () => {
    expect(holds(near, around(phone()))).toBe(true);
    expect(holds(near, around())).toBe(false);
    expect(holds(near, around(phone({ proved: false }), phone()))).toBe(true);
  });

  // Vector T12: the major class is in the bits 0x1F00.
  test.each<[number | undefined, number | null, boolean]>([
    [512, 0x5a020c, true],
    [undefined, 0x5a020c, true],
    [undefined, 0x000200, true],
    [undefined, 0xffe2ff, true],
    [undefined, 0x5a010c, false],
    [undefined, 0x5a030c, false],
    [undefined, 0x5a220c & ~0x2000, true],
    [undefined, null, false],
    [1792, 0x5a070c, true],
    [1792, 0x5a020c, false],
    [0, 0x00000c, true],
    [0, 0x5a020c, false],
    [7936, 0x001f00, true],
    [256, 0x5a010c, true],
  ])('class %s with the Class of Device %s: %s', (classOfDevice, own, expected) => {
    const condition = classOfDevice === undefined ? near : { ...near, classOfDevice };
    expect(holds(condition, around(phone({ classOfDevice: own })))).toBe(expected);
  });

  test.each<[number | undefined, number, boolean]>([
    [undefined, -10, true],
    [undefined, -10.5, false],
    [undefined, 0, true],
    [undefined, -60, false],
    [-5, -5, true],
    [-5, -6, false],
    [0, 0, true],
    [0, -1, false],
  ])('rssiMin %s with %d dB: %s', (rssiMin, value, expected) => {
    expect(holds(rssiMin === undefined ? near : { ...near, rssiMin }, strength(value))).toBe(expected);
  });

  test.each<[number | undefined, number, number | null, boolean]>([
    [undefined, -10, 0, true],
    [undefined, -10, 0.5, false],
    [undefined, -10, null, true],
    [undefined, -5, 5, true],
    [-8, -8, 0, true],
    [-8, -9, 0, false],
    [0, -3, -3, true],
    [0, -4, -3, false],
    [0, -2, -3, true],
  ])('rssiMaxDelta %s with %d dB after at best %s dB: %s', (rssiMaxDelta, value, best, expected) => {
    expect(holds(rssiMaxDelta === undefined ? near : { ...near, rssiMaxDelta }, strength(value, best))).toBe(expected);
  });

  test('that was near stays near down to rssiFar, and one that was not has to come up to rssiMin', () => {
    const condition = { ...near, rssiMin: -5, rssiFar: -15, rssiMaxDelta: -100 };
    expect(holds(condition, strength(-15, -3))).toBe(true);
    expect(holds(condition, strength(-16, -3))).toBe(false);
    expect(holds(condition, strength(-6, null))).toBe(false);
    expect(holds(condition, strength(-5, null))).toBe(true);
    // Without rssiFar there is one threshold.
    expect(holds({ ...near, rssiMin: -5, rssiMaxDelta: -100 }, strength(-6, -3))).toBe(false);
  });

  test('of which the strength is on another scale, or not known, is not near', () => {
    expect(holds(near, around(phone({ rssi: { scale: 'dBm', value: 0 } })))).toBe(false);
    expect(holds(near, around(phone({ rssi: null })))).toBe(false);
  });

  test('that does not prove its bond is anybody with its address', () => {
    expect(holds(near, around(phone({ proved: false })))).toBe(false);
    expect(holds(near, { ...around(phone({ proved: false })), matching: { phones: 'any-paired' } })).toBe(false);
  });

  test.each<[string, readonly number[], number | null, boolean, boolean]>([
    ['of this user', [USER], USER, true, true],
    ['of several users', [7, USER], USER, true, true],
    ['of user A, for user B', [USER], 7, false, true],
    ['only paired with the machine', [], USER, false, true],
    ['of somebody, for nobody in particular', [USER], null, false, true],
  ])('%s: enrolled %s', (_, users, user, enrolled, anyPaired) => {
    const seen = { ...around(phone({ users })), user };
    expect(holds(near, seen)).toBe(enrolled);
    expect(holds(near, { ...seen, matching: { phones: 'any-paired' } })).toBe(anyPaired);
  });

  test('that was not near before has not become weaker', () => {
    const far = { ...near, rssiMin: -40 };
    expect(holds(far, strength(-30))).toBe(true);
    expect(holds(far, strength(-30, -19))).toBe(false);
  });

  test('has all of it: two that have a half each do not add up', () => {
    expect(holds(near, around(phone({ proved: false }), phone({ users: [] })))).toBe(false);
  });
});

describe('the reasons', () => {
  test('name each element, what it asks for and what was found', () => {
    expect(elementsOf(near, around(phone({ rssiBest: 4 })))).toEqual([
      'ok user: enrolled for uid 1000 | enrolled for uid 1000',
      'ok proved: a link under the bonded key | proved',
      'ok classOfDevice: phone (512) | phone (512)',
      'ok rssiMin: at least -10 dB | 0 dB',
      'ok rssiMaxDelta: weaker by at most 10 dB | -4 dB since 4 dB',
    ]);
    const bad = phone({ users: [], proved: false, classOfDevice: 0x1e00, rssi: { scale: 'dBm', value: -70 } });
    expect(elementsOf(near, { ...around(bad), user: null })).toEqual([
      'no user: enrolled for this user | paired with the machine only',
      'no proved: a link under the bonded key | not proved',
      'no classOfDevice: phone (512) | unknown (7680)',
      'no rssiMin: at least -10 dB | -70 dBm, another scale',
      'no rssiMaxDelta: weaker by at most 10 dB | ?',
    ]);
    const silent = phone({ users: [7, 8], classOfDevice: null, rssi: null });
    expect(elementsOf({ ...near, classOfDevice: 1792 }, { ...around(silent), user: null })).toEqual([
      'no user: enrolled for this user | enrolled for uid 7, 8',
      'ok proved: a link under the bonded key | proved',
      'no classOfDevice: wearable (1792) | ?',
      'no rssiMin: at least -10 dB | ?',
      'no rssiMaxDelta: weaker by at most 10 dB | ?',
    ]);
    expect(elementsOf({ ...near, rssiFar: -20 }, strength(-12, -5)).slice(3)).toEqual([
      'ok rssiMin: at least -20 dB | -12 dB',
      'ok rssiMaxDelta: weaker by at most 10 dB | -7 dB since -5 dB',
    ]);
    expect(elementsOf({ ...near, rssiFar: -20 }, strength(-12))[3]).toBe('no rssiMin: at least -10 dB | -12 dB');
    expect(elementsOf(near, strength(-1))[4]).toBe('ok rssiMaxDelta: weaker by at most 10 dB | it was not near before');
  });

  test.each([
    [0, 'miscellaneous'],
    [256, 'computer'],
    [512, 'phone'],
    [768, 'network access point'],
    [1024, 'audio or video'],
    [1280, 'peripheral'],
    [1536, 'imaging'],
    [1792, 'wearable'],
    [2048, 'toy'],
    [2304, 'health'],
    [7936, 'uncategorized'],
  ])('call the major class %d %s', (classOfDevice, words) => {
    expect(
      elementsOf({ ...near, classOfDevice }, around(phone({ classOfDevice: classOfDevice | 0xc }))).slice(2, 3),
    ).toEqual([`ok classOfDevice: ${words} (${classOfDevice}) | ${words} (${classOfDevice})`]);
  });

  test('do not ask for a user where any paired phone will do', () => {
    expect(elementsOf(near, { ...around(phone()), matching: { phones: 'any-paired' } })[0]).toContain('proved');
  });

  test('tell nothing of the phone of another user, neither whose it is nor that it is near', () => {
    const theirs = phone({ name: 'Phone of 7', users: [7, 8] });
    expect(holds(near, around(theirs))).toBe(false);
    expect(elementsOf(near, around(theirs))).toEqual(elementsOf(near, around()));
    expect(whereOf(near, around(theirs))).toBe(whereOf(near, around()));
    const shared = phone({ name: 'Phone of the desk', users: [7, USER] });
    expect(elementsOf(near, around(theirs, shared))[0]).toBe('ok user: enrolled for uid 1000 | enrolled for uid 1000');
    expect(whereOf(near, around(theirs, shared))).toBe('Phone of the desk');
  });

  test('name no phone of another user where it counts as well', () => {
    const theirs = {
      ...around(phone({ name: 'Phone of 7', users: [7] })),
      matching: { phones: 'any-paired' } as const,
    };
    expect(holds(near, theirs)).toBe(true);
    expect(whereOf(near, theirs)).toBe('the phone of another user');
  });

  test('of no device find nothing, and name the device that comes closest', () => {
    expect(elementsOf(near, around())).toEqual([
      'no user: enrolled for uid 1000 | ?',
      'no proved: a link under the bonded key | ?',
      'no classOfDevice: phone (512) | ?',
      'no rssiMin: at least -10 dB | ?',
      'no rssiMaxDelta: weaker by at most 10 dB | ?',
    ]);
    expect(elementsOf({ ...near, rssiFar: -20 }, around())[3]).toBe('no rssiMin: at least -10 dB | ?');
    expect(whereOf(near, around())).toBeNull();
    expect(whereOf(near, around(phone({ name: 'far', rssi: null }), phone({ name: 'hers', users: [] })))).toBe('hers');
    expect(whereOf(near, around(phone({ name: null })))).toBe('02:00:00:00:00:01');
  });
});
