/**
 * What the keys of a `.reg` file mean: Group Policy's keys of the computer and of a user, and the keys in which the CSP
 * keeps its values. Names are compared without case, as the registry does. Later lines win over earlier ones, and a
 * deletion makes a setting not configured, as it would on the machine.
 */
import {
  AUTHENTICATION_PATH,
  nodeOfGroupPolicy,
  nodeOfPath,
  PASSPORT_PATH,
  PASSPORT_POLICY_KEY,
  TENANT,
} from './nodes.ts';
import { type RegValue, readRegText } from './reg-text.ts';
import { addNote, addSetting, quoted, type Readings, type Source, windowsError } from './settings.ts';
import { readUri, tenantOf } from './uri.ts';

const HIVES: Readonly<Record<string, 'machine' | 'users' | 'user'>> = {
  hkey_local_machine: 'machine',
  hklm: 'machine',
  hkey_users: 'users',
  hku: 'users',
  hkey_current_user: 'user',
  hkcu: 'user',
};

const SID = /^S-1(?:-\d{1,10}){2,15}$/i;

interface KeyOwner {
  readonly scope: 'machine' | 'user';
  /** The SID, or the person at the machine where the file says HKEY_CURRENT_USER. */
  readonly user: string;
  /** Below the hive or the user. */
  readonly path: string;
}

function ownerOf(key: string): KeyOwner | undefined {
  const [hive = '', ...rest] = key.split('\\');
  const kind = HIVES[hive.toLowerCase()];
  if (kind === 'machine') return { scope: 'machine', user: '', path: rest.join('\\') };
  if (kind === 'user') return { scope: 'user', user: 'HKEY_CURRENT_USER', path: rest.join('\\') };
  const [sid = '', ...below] = rest;
  if (kind !== 'users' || !SID.test(sid)) return undefined;
  return { scope: 'user', user: sid.toUpperCase(), path: below.join('\\') };
}

const below = (path: string, key: string): string | undefined => {
  if (path.toLowerCase() === key.toLowerCase()) return '';
  return path.toLowerCase().startsWith(`${key.toLowerCase()}\\`) ? path.slice(key.length + 1) : undefined;
};

interface Place {
  readonly source: Source;
  readonly user: string;
  readonly tenant?: string;
  /** As in `Setting.path`. */
  readonly path: string;
  readonly groupPolicy?: readonly [key: string, name: string];
}

const CSP_KEY = 'SOFTWARE\\Microsoft\\Policies\\PassportForWork';
const POLICY_MANAGER_KEY = 'SOFTWARE\\Microsoft\\PolicyManager\\current\\device\\Authentication';

function placeOf(owner: KeyOwner, name: string): Place | undefined {
  const { scope, user, path } = owner;
  const groupPolicy = { source: scope === 'machine' ? 'computer-group-policy' : 'user-group-policy', user } as const;
  if (below(path, PASSPORT_POLICY_KEY) !== undefined || nodeOfGroupPolicy(path, name) !== undefined) {
    return { ...groupPolicy, path: `${path}!${name}`, groupPolicy: [path, name] };
  }
  if (scope !== 'machine') return undefined;
  if (below(path, POLICY_MANAGER_KEY) === '') {
    const node = nodeOfPath(`${AUTHENTICATION_PATH}/${name}`);
    return node && { source: 'device-csp', user: '', path: node.path };
  }
  const parts = below(path, CSP_KEY)?.split('\\');
  if (parts === undefined) return undefined;
  const [first = '', second = '', third = '', ...rest] = parts;
  const tenant = tenantOf(first);
  const segments = tenant === undefined ? parts.filter((part) => part !== '') : [TENANT, 'Policies', ...rest];
  const node = readUri(`./Device/${[PASSPORT_PATH, ...segments, name].join('/')}`);
  if (node === undefined) return undefined;
  if (tenant === undefined) return { source: 'device-csp', user: '', path: node.path };
  if (third.toLowerCase() !== 'policies') return undefined;
  if (second.toLowerCase() === 'device') return { source: 'device-csp', user: '', tenant, path: node.path };
  return SID.test(second) ? { source: 'user-csp', user: second.toUpperCase(), tenant, path: node.path } : undefined;
}

const valueOfReg = (value: RegValue) => {
  if (value.kind === 'text') return value.text;
  return value.kind === 'dword' ? value.value : { registryType: value.registryType, hex: value.hex };
};

interface Held {
  readonly key: string;
  readonly name: string;
  readonly value: RegValue;
  readonly line: number;
  /** The key in lower case. */
  readonly folded: string;
}

const isOurs = (key: string): boolean => {
  const path = ownerOf(key)?.path ?? '';
  return below(path, PASSPORT_POLICY_KEY) !== undefined || below(path, CSP_KEY) !== undefined;
};

/** What the registry would hold after the file was merged into an empty one. */
function merged(text: string, file: string, readings: Readings): readonly Held[] {
  const held = new Map<string, Held>();
  const deleted = (line: number, what: string): void =>
    addNote(readings, 'deleted', `${quoted(what)} is deleted: not configured`, `${file} line ${line}`);
  for (const entry of readRegText(text, file)) {
    if (entry.does === 'key') continue;
    if (entry.does === 'delete-key') {
      const deletedKey = entry.key.toLowerCase();
      for (const [id, { folded }] of held) {
        if (folded === deletedKey || folded.startsWith(`${deletedKey}\\`)) held.delete(id);
      }
      if (isOurs(entry.key)) deleted(entry.line, entry.key);
      continue;
    }
    const id = `${entry.key}!${entry.name}`.toLowerCase();
    held.delete(id);
    if (entry.does === 'delete-value') {
      if (isOurs(entry.key)) deleted(entry.line, `${entry.key}!${entry.name}`);
    } else {
      held.set(id, { ...entry, folded: entry.key.toLowerCase() });
    }
  }
  return [...held.values()];
}

/**
 * Reads the settings of a `.reg` file that is already text.
 * @throws {ERR_POLICY_WINDOWS_REG} @throws {ERR_POLICY_WINDOWS_VALUE} @throws {ERR_POLICY_WINDOWS_TOO_LARGE}
 * @throws {ERR_POLICY_WINDOWS_AMBIGUOUS} it has the settings of several users
 */
export function readReg(text: string, file: string, readings: Readings): void {
  const ignored = new Set<string>();
  const users = new Set<string>();
  for (const { key, name, value, line } of merged(text, file, readings)) {
    const where = `${file} line ${line}`;
    const owner = ownerOf(key);
    const place = owner && placeOf(owner, name);
    if (place === undefined) {
      if (ignored.has(key.toLowerCase())) continue;
      ignored.add(key.toLowerCase());
      addNote(readings, 'ignored', `${quoted(key)} has nothing of Windows Hello for Business`, where);
      continue;
    }
    if (place.user !== '') users.add(place.user);
    if (users.size > 1) {
      const words = `the file has the policies of several users: ${[...users].map(quoted).join(', ')}`;
      throw windowsError('ERR_POLICY_WINDOWS_AMBIGUOUS', words, where);
    }
    if (place.tenant !== undefined) readings.tenants.add(place.tenant);
    const node = place.groupPolicy ? nodeOfGroupPolicy(...place.groupPolicy) : nodeOfPath(place.path);
    addSetting(readings, place.source, node ?? place.path, valueOfReg(value), where);
  }
}
