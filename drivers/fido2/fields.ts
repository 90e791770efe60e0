/**
 * Reading decoded CBOR of a security key by key and type. Every mismatch is the same typed error, which names what was
 * read, so that parsers state only what they want.
 */
import { UnlockdError } from '../base/errors.ts';
import type { CborKey, CborMap, CborValue } from './wire/cbor.ts';

/** Turns a value into `T`, or throws ERR_CTAP_MALFORMED_RESPONSE. */
export type As<T> = (value: CborValue, what: string) => T;

export const malformed = (reason: string): UnlockdError =>
  new UnlockdError('ERR_CTAP_MALFORMED_RESPONSE', `answer of the security key: ${reason}`, { detail: { reason } });

export const asBytes: As<Uint8Array> = (value, what) => {
  if (value instanceof Uint8Array) return value;
  throw malformed(`${what} is not a byte string`);
};
export const asText: As<string> = (value, what) => {
  if (typeof value === 'string') return value;
  throw malformed(`${what} is not text`);
};
export const asBoolean: As<boolean> = (value, what) => {
  if (typeof value === 'boolean') return value;
  throw malformed(`${what} is not a boolean`);
};
export const asInteger: As<number> = (value, what) => {
  if (typeof value === 'number') return value;
  throw malformed(`${what} is not an integer`);
};
export const asUnsigned: As<number> = (value, what) => {
  if (typeof value === 'number' && value >= 0) return value;
  throw malformed(`${what} is not an unsigned integer`);
};
export const asMap: As<CborMap> = (value, what) => {
  if (value instanceof Map) return value;
  throw malformed(`${what} is not a map`);
};
export const asAnything: As<CborValue> = (value) => value;

export const asArrayOf =
  <T>(as: As<T>): As<readonly T[]> =>
  (value, what) => {
    if (!Array.isArray(value)) throw malformed(`${what} is not an array`);
    return value.map((item: CborValue) => as(item, `an item of ${what}`));
  };

export const asTextMapOf =
  <T>(as: As<T>): As<ReadonlyMap<string, T>> =>
  (value, what) => {
    const entries = [...asMap(value, what)];
    return new Map(entries.map(([key, item]) => [asText(key, `a key of ${what}`), as(item, `${what}.${key}`)]));
  };

/** @returns undefined where the map has no such member */
export function optionalMember<T>(map: CborMap, key: CborKey, as: As<T>, what: string): T | undefined {
  const value = map.get(key);
  return value === undefined ? undefined : as(value, what);
}

/** @throws {ERR_CTAP_MALFORMED_RESPONSE} also where the map has no such member */
export function member<T>(map: CborMap, key: CborKey, as: As<T>, what: string): T {
  const value = map.get(key);
  if (value === undefined) throw malformed(`${what} is missing`);
  return as(value, what);
}
