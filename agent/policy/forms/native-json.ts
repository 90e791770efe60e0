/**
 * The native policy document as JSON, which is also how it is kept. Beyond its schema, every name has to be known and
 * unique, trees are bounded, and what stands first in a list-and-list policy is something that a person does (Windows
 * rule V2).
 */
import type * as z from 'zod';
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import { type PolicyDocument, policyFor, type UnlockPolicy } from '../model.ts';
import { isBounded, namesIn, type Requirement } from '../requirement.ts';
import { documentV1 } from './document-v1.ts';
import { documentSchema } from './native-schema.ts';
import { elementOf, positionOf, repeatedKey } from './text-positions.ts';

/** Size limit of a policy document, in UTF-16 units. */
export const MAX_POLICY_LENGTH = 65_536;
/** Limits of one requirement: nesting, and parts in all. */
const MAX_DEPTH = 8;
const MAX_PARTS = 128;

const freeze = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
};

export const invalidPolicy = (message: string, element: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_POLICY_INVALID', message, { detail: { element }, cause });

/** The unknown element beside the first one that is wrong. */
function besideOf(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const parent = elementOf(issues[0]?.path.slice(0, -1) ?? []);
  return issues.find(({ code, path }) => code === 'unrecognized_keys' && elementOf(path) === parent);
}

/** The library's words, shorter. */
const plain = (message: string): string =>
  message.replace(/^Invalid input: /, '').replace(/, received undefined$/, ', and there is nothing');

/** Of the alternatives of a union, the complaint that got furthest into the document, of the one that fits best. */
function deepest(issue: z.core.$ZodIssue, base: readonly PropertyKey[] = []): { path: PropertyKey[]; message: string } {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return { path: [...path, issue.keys[0] ?? ''], message: 'there is no such element' };
  }
  const alternatives = issue.code === 'invalid_union' ? issue.errors : [];
  const [first] = alternatives
    .flatMap(([cause, ...others]) => (cause === undefined ? [] : [{ ...deepest(cause, path), others: others.length }]))
    .filter((each) => each.path.length > path.length)
    .sort((a, b) => b.path.length - a.path.length || a.others - b.others);
  return (
    first ?? { path, message: issue.code === 'invalid_union' ? 'is none of what may stand here' : plain(issue.message) }
  );
}

/**
 * Bounded before any schema walks it: recursion over a hostile document ends here. A key that schemas pass over in silence
 * is no element either.
 */
function checkNesting(value: unknown, path: readonly PropertyKey[] = []): void {
  if (path.length > 24) throw invalidPolicy('the document is nested too deeply', '(document)');
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const own = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === '__proto__') throw invalidPolicy(`${elementOf(own)}: there is no such element`, elementOf(own));
    checkNesting(inner, own);
  }
}

function measure(requirement: Requirement, element: string, depth = 1): number {
  if (depth > MAX_DEPTH) throw invalidPolicy(`${element}: nested deeper than ${MAX_DEPTH}`, element);
  if (typeof requirement === 'string') return 1;
  if ('need' in requirement) return 1 + measure(requirement.need, `${element}.need`, depth + 1);
  const [key, parts] =
    'any' in requirement
      ? ['any', requirement.any]
      : 'all' in requirement
        ? ['all', requirement.all]
        : ['of', requirement.of];
  const seen = new Set<string>();
  let count = 1;
  for (const [i, part] of parts.entries()) {
    const where = `${element}.${key}[${i}]`;
    if (typeof part === 'string' && seen.has(part)) throw invalidPolicy(`${where}: ${part} is listed twice`, where);
    if (typeof part === 'string') seen.add(part);
    count += measure(part, where, depth + 1);
  }
  return count;
}

function windowsIn(requirement: Requirement): readonly string[] {
  if (typeof requirement === 'string') return [];
  if ('need' in requirement) return [requirement.during, ...windowsIn(requirement.need)];
  const parts = 'any' in requirement ? requirement.any : 'all' in requirement ? requirement.all : requirement.of;
  return parts.flatMap(windowsIn);
}

/** What no schema says: names, duplicates, sizes. */
function checkDocument(document: PolicyDocument): void {
  const rules = new Set<string>();
  for (const [i, { name }] of document.rules.entries()) {
    if (rules.has(name)) throw invalidPolicy(`rules[${i}].name: ${name} is there twice`, `rules[${i}].name`);
    rules.add(name);
  }
  for (const [context, policy] of Object.entries(document.contexts)) {
    const element = `contexts.${context}.require`;
    const parts = measure(policy.require, element);
    if (parts > MAX_PARTS) throw invalidPolicy(`${element}: more than ${MAX_PARTS} parts`, element);
    for (const name of namesIn(policy.require)) {
      if (name.startsWith('rule:') && !rules.has(name.slice('rule:'.length))) {
        throw invalidPolicy(`${element}: there is no rule ${name.slice('rule:'.length)}`, element);
      }
    }
    for (const name of windowsIn(policy.require)) {
      if (!Object.hasOwn(document.windows, name))
        throw invalidPolicy(`${element}: there is no window ${name}`, element);
    }
    if (!isBounded(policy.require, document.rules))
      throw invalidPolicy(`${element}: has more alternatives than can be looked at`, element);
  }
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A misspelt element is missing under its name and unknown under the other: the latter says more.
  const issue = (issues[0]?.path.length ?? 0) < 2 ? issues[0] : (besideOf(issues) ?? issues[0]);
  const { path, message } = issue === undefined ? { path: [], message: 'is not a policy' } : deepest(issue);
  const element = elementOf(path) || '(document)';
  throw invalidPolicy(`${element}: ${message}`, element);
}

/**
 * Checks what was read from JSON or TOML.
 * @throws {ERR_POLICY_INVALID} with the element in `detail.element` (`contexts.unlock.require.any[1]`, `pin.minLength`)
 */
export function checkedDocument(value: unknown): PolicyDocument {
  checkNesting(value);
  const isFirstVersion = typeof value === 'object' && value !== null && (value as { version?: unknown }).version === 1;
  const document = read(documentSchema, isFirstVersion ? read(documentV1, value) : value) as PolicyDocument;
  checkDocument(document);
  return freeze(document);
}

/** @throws {ERR_POLICY_INVALID} */
function checkLength(text: string): void {
  if (text.length <= MAX_POLICY_LENGTH) return;
  throw invalidPolicy(`the document is longer than ${MAX_POLICY_LENGTH} characters`, '(document)');
}

/**
 * Gives an error of {@link checkedDocument} the place in the text where its element stands.
 * @param form what the text was parsed as, without an error
 */
export function located(error: unknown, text: string, form: 'toml' | 'json'): unknown {
  if (!isUnlockdError(error, 'ERR_POLICY_INVALID') || error.detail.line !== undefined) return error;
  const element = String(error.detail.element);
  const isWhole = element === '(document)';
  const { line, column } = isWhole ? { line: 1, column: 1 } : positionOf(text, form, element);
  return new UnlockdError('ERR_POLICY_INVALID', `line ${line} column ${column}: ${error.message}`, {
    detail: { element, line, column },
    cause: error,
  });
}

/**
 * Reads a policy document.
 * @param text JSON, at most {@link MAX_POLICY_LENGTH} units
 * @throws {ERR_POLICY_INVALID} with the element in `detail.element`, and where it stands in `detail.line` and `column`
 */
export function parseDocument(text: string): PolicyDocument {
  checkLength(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = `the document is not JSON: ${error instanceof Error ? error.message : ''}`;
    throw invalidPolicy(message, '(document)', error);
  }
  try {
    // The parser takes the last of them, and whoever reads the text may have stopped at the first.
    const twice = repeatedKey(text);
    if (twice !== null) throw invalidPolicy(`${twice}: is there twice`, twice);
    return checkedDocument(value);
  } catch (error) {
    throw located(error, text, 'json');
  }
}

/** The policy of the `unlock` context of a document. @throws {ERR_POLICY_INVALID} */
export const parsePolicy = (text: string): UnlockPolicy => policyFor(parseDocument(text), 'unlock');

/** The document's text, every element written out, keys in a fixed order: equal policies have equal text. */
export const formatDocument = (document: PolicyDocument): string => JSON.stringify(documentSchema.parse(document));

/** Refuses a document whose text could not be read or kept again. @throws {ERR_POLICY_INVALID} */
export function checkSize(document: PolicyDocument): PolicyDocument {
  checkLength(formatDocument(document));
  return document;
}
