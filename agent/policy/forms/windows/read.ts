/**
 * The one door for Windows policies: bytes or text in any of the forms that Windows, Group Policy and Intune give, one
 * file or several whose precedence counts. Everything is hostile until read: a policy with notes, or one typed error.
 */
import { buildPolicy } from './build.ts';
import { isNodeList, isRecord, own, readNodeList } from './csp.ts';
import { isIntuneExport, readIntune } from './intune.ts';
import { MAX_FILE_BYTES } from './limits.ts';
import type { WindowsPolicy } from './model.ts';
import { NODE, type NodeName } from './nodes.ts';
import type { Note } from './notes.ts';
import { readReg } from './reg-keys.ts';
import { REG_HEADERS } from './reg-text.ts';
import { addSetting, emptyReadings, quoted, type Readings, windowsError } from './settings.ts';
import { readSyncml } from './syncml.ts';

/** `xml`: signal rules alone; `strings`: {@link WindowsStrings} as JSON; `csp`: nodes as JSON or SyncML. */
export const WINDOWS_FORMATS = ['reg', 'intune', 'csp', 'xml', 'strings'] as const;
export type WindowsFormat = (typeof WINDOWS_FORMATS)[number];

/** The values as an administrator types them into Group Policy. */
export interface WindowsStrings {
  readonly groupA?: string;
  readonly groupB?: string;
  readonly plugins?: string;
  readonly dynamicLock?: { readonly enabled: boolean; readonly plugins?: string };
}

export interface WindowsReading {
  readonly policy: WindowsPolicy;
  readonly notes: readonly Note[];
  /** Of the CSP nodes, where there were some with a tenant; lower case without braces. */
  readonly tenantId?: string;
}

export interface WindowsInput {
  /** How errors and notes call it. */
  readonly name: string;
  readonly data: Uint8Array | string;
  readonly format?: WindowsFormat | 'auto';
}

const formatError = (words: string, where: string, cause?: unknown) =>
  windowsError('ERR_POLICY_WINDOWS_FORMAT', words, where, cause);

const decode = (encoding: string, octets: Uint8Array, where: string): string => {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(octets);
  } catch (error) {
    throw formatError(`the file is not ${encoding}`, where, error);
  }
};

/** UTF-16LE or UTF-8 by the byte order mark; REGEDIT4 is ANSI; everything else is UTF-8. */
function textOfFile(data: Uint8Array | string, where: string): string {
  if (data.length > MAX_FILE_BYTES) {
    throw windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', `the file is larger than ${MAX_FILE_BYTES} octets`, where);
  }
  if (typeof data === 'string') {
    if (/\p{Surrogate}/u.test(data)) throw formatError('half of a surrogate pair is no character', where);
    return data.replace(/^\ufeff/, '');
  }
  if (data[0] === 0xff && data[1] === 0xfe) return decode('utf-16le', data, where);
  if (data[0] === 0xfe && data[1] === 0xff) throw formatError('the file is UTF-16 with the wrong byte order', where);
  const ansi = [...'REGEDIT4'].every((character, i) => data[i] === character.charCodeAt(0));
  return decode(ansi ? 'windows-1252' : 'utf-8', data, where);
}

const jsonOf = (text: string, where: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    const words = `not JSON: ${quoted(error instanceof Error ? error.message : '')}`;
    throw windowsError('ERR_POLICY_WINDOWS_JSON', words, where, error);
  }
};

const STRING_KEYS = ['groupa', 'groupb', 'plugins', 'dynamiclock'];
const isStrings = (document: unknown): boolean =>
  isRecord(document) && Object.keys(document).some((key) => STRING_KEYS.includes(key.toLowerCase()));

function readStrings(document: unknown, file: string, readings: Readings): void {
  const shape = (words: string) => windowsError('ERR_POLICY_WINDOWS_JSON', words, file);
  if (!isRecord(document)) throw shape('the values have to be an object');
  const take = (name: NodeName, value: unknown, key: string): void => {
    if (typeof value !== 'string' && typeof value !== 'boolean') throw shape(`${quoted(key)} has to be text`);
    addSetting(readings, 'computer-group-policy', NODE[name], value, `${file} ${key}`);
  };
  for (const [key, value] of Object.entries(document)) {
    const name = key.toLowerCase();
    if (name === 'groupa') take('groupA', value, key);
    else if (name === 'groupb') take('groupB', value, key);
    else if (name === 'plugins') take('unlockPlugins', value, key);
    else if (name === 'dynamiclock' && isRecord(value)) {
      const plugins = own(value, 'plugins');
      take('dynamicLock', own(value, 'enabled'), `${key}.enabled`);
      if (plugins !== undefined) take('dynamicLockPlugins', plugins, `${key}.plugins`);
      const other = Object.keys(value).find((inner) => inner !== 'enabled' && inner !== 'plugins');
      if (other !== undefined) throw shape(`${quoted(`${key}.${other}`)} is no value`);
    } else throw shape(`${quoted(key)} is no value`);
  }
}

function detect(text: string, where: string): WindowsFormat {
  if (REG_HEADERS.some((header) => text.startsWith(header))) return 'reg';
  const start = text.trimStart();
  if (/^<(?:rule|signal|and|or)\b/.test(start)) return 'xml';
  if (start.startsWith('<')) return 'csp';
  if (start.startsWith('{') || start.startsWith('[')) {
    const document = jsonOf(text, where);
    if (isIntuneExport(document)) return 'intune';
    if (isNodeList(document)) return 'csp';
    if (isStrings(document)) return 'strings';
  }
  throw formatError('the file is in none of the known forms', where);
}

function readInput(input: WindowsInput, readings: Readings): void {
  const { name } = input;
  const text = textOfFile(input.data, name);
  const wanted = input.format ?? 'auto';
  const format = wanted === 'auto' ? detect(text, name) : wanted;
  if (format === 'reg') readReg(text, name, readings);
  else if (format === 'intune') readIntune(jsonOf(text, name), name, readings);
  else if (format === 'strings') readStrings(jsonOf(text, name), name, readings);
  else if (format === 'csp' && text.trimStart().startsWith('<')) readSyncml(text, name, readings);
  else if (format === 'csp') readNodeList(jsonOf(text, name), name, readings);
  else {
    // An editor ends a file with a line break; the value itself has none.
    const rules = text.replace(/\r?\n$/, '');
    addSetting(readings, 'computer-group-policy', NODE.unlockPlugins, rules, name);
  }
}

/**
 * Reads several sources of one machine, the stronger one winning setting by setting.
 * @throws {ERR_POLICY_WINDOWS_*} @throws {ERR_POLICY_RULE_*}
 */
export function readWindowsPolicies(inputs: readonly WindowsInput[]): WindowsReading {
  const readings = emptyReadings();
  for (const input of inputs) readInput(input, readings);
  const [tenantId, other] = readings.tenants;
  if (other !== undefined) {
    const words = `the nodes of two tenants are mixed: ${tenantId} and ${other}`;
    throw windowsError('ERR_POLICY_WINDOWS_AMBIGUOUS', words, inputs.map(({ name }) => name).join(', '));
  }
  const { policy, notes } = buildPolicy(readings.settings);
  return { policy, notes: [...readings.notes, ...notes], ...(tenantId === undefined ? {} : { tenantId }) };
}

/**
 * Reads one file.
 * @param data a file's octets, or its text
 * @param options.format as the form is known; `auto`, the default, tells it from the content
 * @param options.name how errors and notes call it
 * @throws {ERR_POLICY_WINDOWS_*} @throws {ERR_POLICY_RULE_*}
 */
export const readWindowsPolicy = (
  data: Uint8Array | string,
  options: { readonly format?: WindowsFormat | 'auto'; readonly name?: string } = {},
): WindowsReading =>
  readWindowsPolicies([{ name: options.name ?? 'the file', data, format: options.format ?? 'auto' }]);

/** Reads the values as they are typed into Group Policy. */
export const readWindowsStrings = (strings: WindowsStrings): WindowsReading =>
  readWindowsPolicy(JSON.stringify(strings), { format: 'strings', name: 'Group Policy' });
