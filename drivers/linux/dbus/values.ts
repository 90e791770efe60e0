/**
 * Reading what came over D-Bus: every value is unknown until it was looked at here. Dictionaries are read as maps, so
 * that no key of the other side ever becomes a property of an object.
 */
import { UnlockdError } from '../../base/errors.ts';

const wrong = (what: string): UnlockdError =>
  new UnlockdError('ERR_HAL_ANSWER_INVALID', `D-Bus: ${what} has not the form that its interface says`);

/** @throws {ERR_HAL_ANSWER_INVALID} as every reader here */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(what);
  return value;
}

/** `a{sv}` or `a{ss}`. Of a key that comes twice, the last. */
export function dictOf(value: unknown, what: string): ReadonlyMap<string, unknown> {
  const out = new Map<string, unknown>();
  for (const entry of listOf(value, what)) {
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== 'string') throw wrong(what);
    out.set(entry[0], entry[1]);
  }
  return out;
}

export function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(what);
  return value;
}

export function flagOf(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw wrong(what);
  return value;
}

export function numberOf(value: unknown, what: string): number {
  if (typeof value !== 'number') throw wrong(what);
  return value;
}

/** A 64-bit number (`t`, `x`). */
export function bigOf(value: unknown, what: string): bigint {
  if (typeof value !== 'bigint') throw wrong(what);
  return value;
}

/** `ay`. */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const numbers = listOf(value, what);
  if (!numbers.every((each) => typeof each === 'number' && Number.isInteger(each) && each >= 0 && each <= 255)) {
    throw wrong(what);
  }
  return Uint8Array.from(numbers as readonly number[]);
}
