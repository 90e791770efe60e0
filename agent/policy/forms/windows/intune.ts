/**
 * Intune's exports as Graph gives them: custom profiles (`windows10CustomConfiguration` with `omaSettings`) and policies
 * of the settings catalog (`deviceManagementConfigurationPolicy` with `settings`), one, an array, or a collection.
 */
import { addNode, isRecord, own } from './csp.ts';
import { MAX_DEPTH, MAX_FILE_BYTES } from './limits.ts';
import type { NodeValue } from './model.ts';
import { nodeOfCatalogId } from './nodes.ts';
import { addNote, addSetting, quoted, type Readings, type Source, windowsError } from './settings.ts';

const shape = (words: string, where: string) => windowsError('ERR_POLICY_WINDOWS_JSON', words, where);

const textOf = (record: Readonly<Record<string, unknown>>, name: string, where: string): string => {
  const value = own(record, name);
  if (typeof value !== 'string') throw shape(`${name} has to be text`, where);
  return value;
};

const listOf = (record: Readonly<Record<string, unknown>>, name: string, where: string): readonly unknown[] => {
  const value = own(record, name);
  if (!Array.isArray(value)) throw shape(`${name} has to be a list`, where);
  return value;
};

const typeName = (record: Readonly<Record<string, unknown>>): string => {
  const type = own(record, '@odata.type');
  return typeof type === 'string' ? type.slice(type.lastIndexOf('.') + 1) : '';
};

/** The text in Base64, which has to be UTF-8. */
export function readBase64(text: string, where: string): string {
  if (text.length > MAX_FILE_BYTES || !/^[A-Za-z\d+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    throw shape('the value is not Base64', where);
  }
  try {
    const octets = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch (error) {
    throw windowsError('ERR_POLICY_WINDOWS_JSON', 'the value is not Base64 of UTF-8', where, error);
  }
}

const OMA_TYPES: ReadonlyMap<string, 'string' | 'number' | 'boolean' | 'base64'> = new Map([
  ['omaSettingString', 'string'],
  ['omaSettingInteger', 'number'],
  ['omaSettingBoolean', 'boolean'],
  ['omaSettingStringXml', 'base64'],
  ['omaSettingBase64', 'base64'],
]);

function omaSetting(entry: unknown, where: string, readings: Readings): void {
  if (!isRecord(entry)) throw shape('an OMA setting has to be an object', where);
  const uri = textOf(entry, 'omaUri', where);
  const type = typeName(entry);
  const kind = OMA_TYPES.get(type);
  const value = own(entry, 'value');
  if (own(entry, 'isEncrypted') === true && (value === null || value === undefined || value === '****')) {
    throw windowsError('ERR_POLICY_WINDOWS_VALUE', 'the export has the value masked; ask Graph for it in plain', where);
  }
  if (kind === undefined) {
    addNote(readings, 'ignored', `${quoted(uri)} has the type ${quoted(type)}, which no setting has`, where);
    return;
  }
  const wanted = kind === 'base64' ? 'string' : kind;
  if (typeof value !== wanted || (typeof value === 'number' && !Number.isFinite(value))) {
    throw shape(`the value of ${quoted(type)} has to be a ${wanted}`, where);
  }
  if (typeof value === 'string') addNode(readings, uri, kind === 'base64' ? readBase64(value, where) : value, where);
  else if (typeof value === 'number' || typeof value === 'boolean') addNode(readings, uri, value, where);
}

/** `device_vendor_...` or `user_vendor_...`, and what follows the scope. */
const catalogId = (id: string): { readonly source: Source; readonly rest: string } | undefined => {
  const found = /^(device|user)_(vendor_msft_.{1,900})$/i.exec(id);
  if (found === null) return undefined;
  const rest = (found[2] ?? '').toLowerCase();
  return { source: found[1]?.toLowerCase() === 'user' ? 'user-csp' : 'device-csp', rest };
};

function catalogValue(readings: Readings, id: string, value: NodeValue, where: string): void {
  const named = catalogId(id);
  const node = named && nodeOfCatalogId(named.rest);
  if (named === undefined || (node === undefined && !named.rest.startsWith('vendor_msft_passportforwork_'))) {
    addNote(readings, 'ignored', `${quoted(id)} is no setting of Windows Hello for Business`, where);
    return;
  }
  addSetting(readings, named.source, node ?? `settings-catalog:${named.rest}`, value, where);
}

function children(value: unknown, where: string, readings: Readings, depth: number): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) throw shape('children has to be a list', where);
  for (const [index, child] of value.entries()) settingInstance(child, `${where}.children[${index}]`, readings, depth);
}

function settingInstance(instance: unknown, where: string, readings: Readings, depth: number): void {
  if (depth > MAX_DEPTH) throw windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', 'nested too deeply', where);
  if (!isRecord(instance)) throw shape('a setting instance has to be an object', where);
  const id = textOf(instance, 'settingDefinitionId', where);
  const choice = own(instance, 'choiceSettingValue');
  const simple = own(instance, 'simpleSettingValue');
  if (isRecord(choice)) {
    const option = textOf(choice, 'value', where);
    if (!option.toLowerCase().startsWith(`${id.toLowerCase()}_`)) {
      throw shape(`${quoted(option)} is no choice of ${quoted(id)}`, where);
    }
    catalogValue(readings, id, option.slice(id.length + 1), where);
    children(own(choice, 'children'), where, readings, depth + 1);
  } else if (isRecord(simple)) {
    const value = own(simple, 'value');
    if (typeof value !== 'string' && !(typeof value === 'number' && Number.isFinite(value))) {
      throw shape('the value has to be text or a number', where);
    }
    catalogValue(readings, id, value, where);
  } else if (Object.hasOwn(instance, 'groupSettingCollectionValue')) {
    for (const [index, group] of listOf(instance, 'groupSettingCollectionValue', where).entries()) {
      if (!isRecord(group)) throw shape('a group has to be an object', where);
      children(own(group, 'children'), `${where}[${index}]`, readings, depth + 1);
    }
  } else {
    const named = catalogId(id);
    const ours = named?.rest.startsWith('vendor_msft_passportforwork') ?? false;
    if (ours) throw shape(`${quoted(id)} has a kind of value that none of its settings has`, where);
    addNote(readings, 'ignored', `${quoted(id)} is no setting of Windows Hello for Business`, where);
  }
}

/** The policies in an export: one, an array, or Graph's collection. */
const policiesIn = (document: unknown): readonly unknown[] => {
  if (Array.isArray(document)) return document;
  const value = isRecord(document) ? own(document, 'value') : undefined;
  return Array.isArray(value) ? value : [document];
};

const isPolicy = (policy: unknown): boolean =>
  isRecord(policy) && (Array.isArray(own(policy, 'omaSettings')) || Array.isArray(own(policy, 'settings')));

export const isIntuneExport = (document: unknown): boolean => policiesIn(document).some(isPolicy);

/**
 * Reads an export. Policies of other kinds in it are ignored with a note.
 * @throws {ERR_POLICY_WINDOWS_JSON} @throws {ERR_POLICY_WINDOWS_VALUE} @throws {ERR_POLICY_WINDOWS_TOO_LARGE}
 */
export function readIntune(document: unknown, file: string, readings: Readings): void {
  for (const [index, policy] of policiesIn(document).entries()) {
    const name = isRecord(policy) ? (own(policy, 'displayName') ?? own(policy, 'name')) : undefined;
    const where = `${file} ${typeof name === 'string' ? quoted(name) : `policy ${index + 1}`}`;
    if (!isRecord(policy)) throw shape('a policy has to be an object', where);
    if (Array.isArray(own(policy, 'omaSettings'))) {
      for (const [n, entry] of listOf(policy, 'omaSettings', where).entries()) {
        omaSetting(entry, `${where} omaSettings[${n}]`, readings);
      }
    } else if (Array.isArray(own(policy, 'settings'))) {
      for (const [n, entry] of listOf(policy, 'settings', where).entries()) {
        const place = `${where} settings[${n}]`;
        if (!isRecord(entry)) throw shape('a setting has to be an object', place);
        settingInstance(own(entry, 'settingInstance'), place, readings, 1);
      }
    } else {
      addNote(readings, 'ignored', 'neither a custom profile nor a policy of the settings catalog', where);
    }
  }
}
