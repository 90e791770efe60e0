/**
 * What every reader gives: settings with their source, before it is decided who wins. Values are checked against the
 * node's type here, so that the forms differ only in how they spell a value.
 */
import { type ErrorCode, UnlockdError } from '../../../../drivers/base/errors.ts';
import { MAX_SETTINGS } from './limits.ts';
import type { NodeValue, Scope } from './model.ts';
import type { NodeDefinition } from './nodes.ts';
import type { Note, NoteCode } from './notes.ts';

/** Strongest first (Windows Hello for Business, policy conflicts). */
export const SOURCES = ['user-group-policy', 'computer-group-policy', 'user-csp', 'device-csp'] as const;
export type Source = (typeof SOURCES)[number];

export const SOURCE_WORDS: Readonly<Record<Source, string>> = {
  'user-group-policy': 'the Group Policy of the user',
  'computer-group-policy': 'the Group Policy of the computer',
  'user-csp': 'the CSP policy of the user',
  'device-csp': 'the CSP policy of the device',
};

export interface Setting {
  readonly source: Source;
  /** As in `OtherNode.path`. */
  readonly path: string;
  /** The definition of the node; undefined: it is kept as it is. */
  readonly node: NodeDefinition | undefined;
  readonly value: NodeValue;
  /** File and place. */
  readonly where: string;
}

export interface Readings {
  readonly settings: Setting[];
  readonly notes: Note[];
  /** Of the CSP; lower case. */
  readonly tenants: Set<string>;
}

export const emptyReadings = (): Readings => ({ settings: [], notes: [], tenants: new Set() });

export const windowsError = (code: ErrorCode, message: string, where: string, cause?: unknown): UnlockdError =>
  new UnlockdError(code, `${where}: ${message}`, { detail: { where }, cause });

/** Text from a file, short enough for a message and with nothing that a terminal obeys. */
export const quoted = (text: string): string => {
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return JSON.stringify(short.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/gu, '\ufffd'));
};

const scopeOf = (source: Source): Scope => (source.startsWith('user') ? 'user' : 'device');

export function addNote(readings: Readings, code: NoteCode, words: string, where: string): void {
  if (readings.notes.length >= MAX_SETTINGS) {
    throw windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', 'there are too many settings', where);
  }
  readings.notes.push({ code, words, where });
}

const converted = (node: NodeDefinition, value: NodeValue): NodeValue | undefined => {
  const { type } = node;
  if (type.kind === 'text') return typeof value === 'string' ? value : undefined;
  if (type.kind === 'bool') {
    if (typeof value === 'boolean') return value;
    const spelled = typeof value === 'string' ? value.toLowerCase() : value;
    if (spelled === 1 || spelled === '1' || spelled === 'true') return true;
    return spelled === 0 || spelled === '0' || spelled === 'false' ? false : undefined;
  }
  const number = typeof value === 'string' && /^(?:0|[1-9]\d{0,4})$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= type.min && number <= type.max
    ? number
    : undefined;
};

const wanted = ({ type }: NodeDefinition): string =>
  type.kind === 'int' ? `a number from ${type.min} to ${type.max}` : type.kind === 'bool' ? 'true or false' : 'text';

/**
 * Takes a value up after checking its type.
 * @throws {ERR_POLICY_WINDOWS_VALUE} @throws {ERR_POLICY_WINDOWS_TOO_LARGE}
 */
export function addSetting(
  readings: Readings,
  source: Source,
  place: NodeDefinition | string,
  value: NodeValue,
  where: string,
): void {
  if (readings.settings.length >= MAX_SETTINGS) {
    throw windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', 'there are too many settings', where);
  }
  if (typeof place === 'string') {
    addNote(readings, 'unknown-node', 'this setting is not known; it is kept as it is', where);
    readings.settings.push({ source, path: place, node: undefined, value, where });
    return;
  }
  if (!place.scopes.includes(scopeOf(source))) {
    addNote(readings, 'no-user-scope', `${place.path} is a setting of the device only; it is ignored here`, where);
    return;
  }
  const checked = converted(place, value);
  if (checked === undefined) {
    const shown = typeof value === 'object' ? 'binary data' : quoted(String(value));
    throw windowsError('ERR_POLICY_WINDOWS_VALUE', `${place.path} has to be ${wanted(place)}, not ${shown}`, where);
  }
  readings.settings.push({ source, path: place.path, node: place, value: checked, where });
}
