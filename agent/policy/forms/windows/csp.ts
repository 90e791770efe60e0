/**
 * Settings as CSP nodes: one OMA-URI with its value at a time, for every form that carries them (Intune's custom
 * profiles, SyncML, plain lists), and the plain list itself as JSON.
 */
import type { NodeValue } from './model.ts';
import { addNote, addSetting, quoted, type Readings, windowsError } from './settings.ts';
import { readUri } from './uri.ts';

/** Takes up one node, or notes why not. */
export function addNode(readings: Readings, uri: string, value: NodeValue, where: string): void {
  const address = readUri(uri);
  if (address === undefined) {
    addNote(readings, 'ignored', `${quoted(uri)} is no node of Windows Hello for Business`, where);
    return;
  }
  if (address.tenant !== undefined) readings.tenants.add(address.tenant);
  addSetting(readings, address.source, address.node ?? address.path, value, where);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own property, never an inherited one. */
export const own = (record: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined;

const isValue = (value: unknown): value is boolean | number | string =>
  typeof value === 'boolean' || typeof value === 'string' || Number.isFinite(value);

const shape = (words: string, where: string) => windowsError('ERR_POLICY_WINDOWS_JSON', words, where);

/** Whether a JSON document is a list of nodes: an object whose keys are URIs, or a list of URIs with values. */
export const isNodeList = (document: unknown): boolean => {
  if (Array.isArray(document)) {
    return document.length > 0 && document.every((entry) => isRecord(entry) && typeof own(entry, 'uri') === 'string');
  }
  const keys = isRecord(document) ? Object.keys(document) : [];
  return keys.length > 0 && keys.every((key) => key.startsWith('./'));
};

/**
 * Reads `{"./Device/...": value}` or `[{"uri": "./Device/...", "value": value}]`.
 * @throws {ERR_POLICY_WINDOWS_JSON} @throws {ERR_POLICY_WINDOWS_VALUE}
 */
export function readNodeList(document: unknown, file: string, readings: Readings): void {
  const entries: [string, unknown, string][] = [];
  if (Array.isArray(document)) {
    for (const [index, entry] of document.entries()) {
      const where = `${file} [${index}]`;
      const uri = isRecord(entry) ? own(entry, 'uri') : undefined;
      if (!isRecord(entry) || typeof uri !== 'string') throw shape('an entry has to have uri and value', where);
      entries.push([uri, own(entry, 'value'), where]);
    }
  } else if (isRecord(document)) {
    for (const [uri, value] of Object.entries(document)) entries.push([uri, value, `${file} ${quoted(uri)}`]);
  } else {
    throw shape('a list of nodes is an object or an array', file);
  }
  for (const [uri, value, where] of entries) {
    if (!isValue(value)) throw shape('a value has to be text, a number, true or false', where);
    addNode(readings, uri, value, where);
  }
}
