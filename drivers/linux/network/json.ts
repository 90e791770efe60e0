/** JSON of a program or a daemon of the host: nothing in it has a type until it was looked at here. */
import { UnlockdError } from '../../base/errors.ts';

/** Nothing that describes the links of a machine is longer (UTF-16 units). */
export const MAX_JSON_LENGTH = 1024 * 1024;

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function parseJson(text: string, what: string): unknown {
  try {
    if (text.length > MAX_JSON_LENGTH) throw new Error('too long');
    return JSON.parse(text);
  } catch (cause) {
    throw new UnlockdError('ERR_HAL_ANSWER_INVALID', `${what}: what it says is no JSON that can be read`, { cause });
  }
}

/** A field of an object, its own and not one of its prototype; undefined: there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** Entries of a field that is a list; empty: there is none, or it is no list. */
export function listIn(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name);
  return Array.isArray(list) ? list : [];
}

export function textIn(value: unknown, name: string): string | null {
  const text = fieldOf(value, name);
  return typeof text === 'string' ? text : null;
}
