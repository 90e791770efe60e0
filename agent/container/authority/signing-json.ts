/**
 * What goes between a managed machine and its policy authority is JSON from outside on both sides: it is understood whole
 * or refused, with the field that was not.
 */
import { fromHex } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { FACTOR_KINDS, type FactorKind } from '../../../drivers/signal.ts';

/** Of requests and approvals. Version 1 carried the context `unlock` alone, and nobody signs less than he was shown. */
export const SIGNING_VERSION = 2;
const MAX_DOCUMENT = 131_072;
/** Fields of both. */
export const HEADER = ['type', 'version', 'wants', 'containerId'] as const;

export type Wants = 'first-write' | 'policy';
export type Json = Readonly<Record<string, unknown>>;

export const badRequest = (reason: string): UnlockdError =>
  new UnlockdError('ERR_POLICY_SIGNATURE', `the document is not what was expected: ${reason}`);

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws {ERR_POLICY_SIGNATURE} no JSON, another kind, or another version than {@link SIGNING_VERSION} */
export function parseSigningJson(text: string, type: string): Json {
  if (text.length > MAX_DOCUMENT) throw badRequest('it is too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('it is not JSON');
  }
  if (!isObject(value) || value.type !== type) throw badRequest(`it is not an ${type}`);
  if (value.version === 1)
    throw badRequest('it is of version 1, which carries one context only; make a new request with `policy request`');
  if (value.version !== SIGNING_VERSION) throw badRequest(`it is not of version ${SIGNING_VERSION}`);
  return value;
}

/** What is not understood is refused, not passed over: a signer must not approve less than it was shown. */
export function onlyFields(json: Json, ...fields: readonly string[]): void {
  const extra = Object.keys(json).find((field) => !fields.includes(field));
  if (extra !== undefined) throw badRequest(`an unknown field ${extra.slice(0, 32)}`);
}

export function hexOf(value: unknown, field: string): Uint8Array {
  if (typeof value !== 'string' || value.length > 4096 || !/^([0-9a-f]{2})+$/.test(value))
    throw badRequest(`${field} is not hexadecimal`);
  return fromHex(value);
}

export function numberOf(value: unknown, field: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw badRequest(`${field} is not a number`);
  return value;
}

export function textOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw badRequest(`${field} is not a text`);
  return value;
}

export function wantsOf(value: unknown): Wants {
  if (value !== 'first-write' && value !== 'policy') throw badRequest('wants');
  return value;
}

export function factorOf(value: unknown): FactorKind {
  const found = FACTOR_KINDS.find((kind) => kind === value);
  if (found === undefined) throw badRequest('an unknown factor');
  return found;
}

export function listOf<T>(value: unknown, max: number, field: string, item: (entry: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > max) throw badRequest(`${field} is not a list of at most ${max}`);
  return value.map(item);
}

/** An object with these fields and no others. */
export function objectOf(value: unknown, field: string, ...fields: readonly string[]): Json {
  if (!isObject(value)) throw badRequest(`${field} is not an object`);
  onlyFields(value, ...fields);
  return value;
}
