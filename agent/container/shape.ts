/**
 * Shapes: what a state file holds, written once and used in both directions. Decoding checks everything and names the
 * field that is wrong; unknown fields are refused, because a file is either understood whole or not touched.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';

export interface Shape<T> {
  encode(value: T): CborValue;
  /** @throws {ERR_STATE_CORRUPT} naming `path` */
  decode(value: CborValue | undefined, path: string): T;
}

export type ShapeOf<S> = S extends Shape<infer T> ? T : never;

export const corrupt = (path: string, reason: string): UnlockdError =>
  new UnlockdError('ERR_STATE_CORRUPT', `${path}: ${reason}`, { detail: { field: path } });

/**
 * The body of an earlier version with what has come since. One that holds it already is of no earlier version: whoever
 * wrote a smaller number before it must not have it forgotten.
 * @throws {ERR_STATE_CORRUPT}
 */
export function withAdded(body: CborMap, path: string, added: readonly (readonly [string, CborValue])[]): CborMap {
  const known = added.find(([field]) => body.has(field));
  if (known !== undefined) throw corrupt(`${path}.${known[0]}`, 'newer than the version of the file');
  return new Map([...body, ...added]);
}

/** Byte strings of exactly `exact`, or at most `max` bytes. */
export const bytes = (limits: { exact?: number; max?: number }): Shape<Uint8Array> => ({
  encode: (value) => value,
  decode: (value, path) => {
    if (!(value instanceof Uint8Array)) throw corrupt(path, 'not a byte string');
    if (limits.exact !== undefined && value.length !== limits.exact) throw corrupt(path, `not ${limits.exact} bytes`);
    if (value.length > (limits.exact ?? limits.max ?? 0)) throw corrupt(path, 'too long');
    return value;
  },
});

export const integer = (min: number, max: number): Shape<number> => ({
  encode: (value) => value,
  decode: (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw corrupt(path, 'not an integer');
    if (value < min || value > max) throw corrupt(path, `not within ${min} and ${max}`);
    return value;
  },
});

export const text = (max: number): Shape<string> => ({
  encode: (value) => value,
  decode: (value, path) => {
    if (typeof value !== 'string') throw corrupt(path, 'not a text');
    if (value.length > max) throw corrupt(path, `longer than ${max} characters`);
    return value;
  },
});

export const flag: Shape<boolean> = {
  encode: (value) => value,
  decode: (value, path) => {
    if (typeof value !== 'boolean') throw corrupt(path, 'not true or false');
    return value;
  },
};

export const oneOf = <T extends string>(...values: readonly T[]): Shape<T> => ({
  encode: (value) => value,
  decode: (value, path) => {
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) throw corrupt(path, `none of ${values.join(', ')}`);
    return found;
  },
});

export const nullable = <T>(inner: Shape<T>): Shape<T | null> => ({
  encode: (value) => (value === null ? null : inner.encode(value)),
  decode: (value, path) => (value === null ? null : inner.decode(value, path)),
});

export const list = <T>(item: Shape<T>, max: number): Shape<readonly T[]> => ({
  encode: (values) => values.map((value) => item.encode(value)),
  decode: (value, path) => {
    if (!Array.isArray(value)) throw corrupt(path, 'not a list');
    if (value.length > max) throw corrupt(path, `more than ${max} entries`);
    return value.map((entry: CborValue, index) => item.decode(entry, `${path}[${index}]`));
  },
});

type Fields = Readonly<Record<string, Shape<never>>>;
type RecordOf<F> = { readonly [K in keyof F]: ShapeOf<F[K]> };

export const record = <F extends { readonly [K in keyof F]: Shape<ShapeOf<F[K]>> }>(fields: F): Shape<RecordOf<F>> => {
  const entries = Object.entries(fields as unknown as Fields);
  return {
    encode: (value) => new Map(entries.map(([key, shape]) => [key, shape.encode(value[key as keyof F] as never)])),
    decode: (value, path) => {
      if (!(value instanceof Map)) throw corrupt(path, 'not a map');
      for (const key of value.keys()) {
        if (typeof key !== 'string' || !Object.hasOwn(fields, key)) throw corrupt(path, `unknown field ${String(key)}`);
      }
      const decoded = entries.map(([key, shape]) => [key, shape.decode(value.get(key), `${path}.${key}`)]);
      return Object.fromEntries(decoded) as RecordOf<F>;
    },
  };
};
