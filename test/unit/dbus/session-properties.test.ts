import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { dictOf } from '../../../drivers/linux/dbus/values.ts';
import { sessionOf } from '../../../drivers/linux/session/session-properties.ts';

const MOMENT = { now: monotonicMs(50_000), machine: milliseconds(900_000) };
const PROPERTIES: readonly (readonly [string, unknown])[] = [
  ['Id', '7'],
  ['User', [1000, '/org/freedesktop/login1/user/_1000']],
  ['Active', true],
  ['Type', 'wayland'],
  ['Class', 'user'],
  ['Remote', false],
  ['LockedHint', false],
  ['IdleHint', true],
  ['IdleSinceHintMonotonic', 860_000_000n],
];
const read = (...changes: (readonly [string, unknown])[]) => sessionOf(new Map([...PROPERTIES, ...changes]), MOMENT);

describe('what logind says of a session', () => {
  it('is read into the words of the seam, idleness on our own clock', () => {
    expect(read()).toEqual({
      id: '7',
      uid: 1000,
      active: true,
      type: 'wayland',
      person: true,
      remote: false,
      locked: false,
      idle: { idleSinceMs: 10_000, source: 'logind' },
    });
  });

  it('an idleness without a beginning is none', () => {
    expect(read(['IdleSinceHintMonotonic', 0n]).idle.idleSinceMs).toBeNull();
  });

  it('an idleness that begins in the future begins now', () => {
    expect(read(['IdleSinceHintMonotonic', 2n ** 63n]).idle.idleSinceMs).toBe(50_000);
  });

  it('the time of an idleness that is over says nothing', () => {
    expect(read(['IdleHint', false]).idle.idleSinceMs).toBeNull();
  });

  it.each([
    ['user', true],
    ['user-early', true],
    ['greeter', false],
    ['lock-screen', false],
    ['background', false],
    ['manager', false],
  ])('the class %s is a person’s: %s', (name, person) => {
    expect(read(['Class', name]).person).toBe(person);
  });

  it.each([
    ['Id', '../7'],
    ['Id', 7],
    ['User', 1000],
    ['User', ['root']],
    ['Active', 1],
    ['IdleSinceHintMonotonic', 5],
    ['LockedHint', 'yes'],
  ])('%s = %j is refused', (name, value) => {
    expect(() => read([name, value])).toThrow(expect.objectContaining({ code: 'ERR_HAL_ANSWER_INVALID' }));
  });

  it('anything at all is a session or a typed error', () => {
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...PROPERTIES.map(([name]) => name)), (value, name) => {
        try {
          read([name, value]);
          dictOf(value, 'anything');
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')).toBe(true);
        }
      }),
    );
  });
});
