/**
 * What logind says of one session (org.freedesktop.login1(5), "Session Objects"), read into the words of the seam.
 * Nothing in it is believed beyond its form: texts are cut, a time in the future counts as now.
 */
import { type Milliseconds, type MonotonicMs, monotonicMs } from '../../base/brand.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { IdleState, Session } from '../../hal/session.ts';
import { bigOf, flagOf, listOf, numberOf, textOf } from '../dbus/values.ts';

/** The two clocks at one moment: ours, and the one that logind measures on. */
export interface Moment {
  readonly now: MonotonicMs;
  readonly machine: Milliseconds;
}

/** Ids of logind are numbers, or letters and digits where it made one up. */
const ID = /^[A-Za-z0-9_]{1,64}$/;
const WORD_LENGTH = 32;

export const isSessionId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

function idleOf(properties: ReadonlyMap<string, unknown>, { now, machine }: Moment): IdleState {
  if (!flagOf(properties.get('IdleHint') ?? false, 'IdleHint')) return { idleSinceMs: null, source: 'logind' };
  const since = bigOf(properties.get('IdleSinceHintMonotonic') ?? 0n, 'IdleSinceHintMonotonic');
  // 0: logind does not know since when, so it may have begun just now.
  if (since <= 0n) return { idleSinceMs: null, source: 'logind' };
  const ago = machine - Number(since) / 1000;
  return { idleSinceMs: monotonicMs(now - Math.max(0, ago)), source: 'logind' };
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function sessionOf(properties: ReadonlyMap<string, unknown>, moment: Moment): Session {
  const id = textOf(properties.get('Id'), 'Id');
  if (!isSessionId(id)) throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'logind: the id of a session is none');
  const locked = properties.get('LockedHint');
  return {
    id,
    uid: numberOf(listOf(properties.get('User'), 'User')[0], 'User'),
    active: flagOf(properties.get('Active'), 'Active'),
    type: textOf(properties.get('Type') ?? 'unspecified', 'Type').slice(0, WORD_LENGTH),
    // `user`, `user-early`, `user-light`, ...: people; `greeter`, `lock-screen`, `background`, `manager`: not.
    person: /^user(-|$)/.test(textOf(properties.get('Class') ?? 'user', 'Class')),
    remote: flagOf(properties.get('Remote') ?? false, 'Remote'),
    locked: locked === undefined ? null : flagOf(locked, 'LockedHint'),
    idle: idleOf(properties, moment),
  };
}
