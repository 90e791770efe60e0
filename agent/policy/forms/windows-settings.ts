/**
 * `windowsSettings` of the native document: values of Windows nodes that no section of the document holds, by node, as
 * `./Device/` or `./User/` and the path. Binary data of the registry has its type in the key and its octets in hexadecimal.
 */
import type { PolicyDocument } from '../model.ts';
import type { NodeValue, Scope } from './windows/model.ts';

export interface KeptNode {
  readonly scope: Scope;
  readonly path: string;
  readonly value: NodeValue;
}

const PREFIX: Readonly<Record<Scope, string>> = { device: './Device/', user: './User/' };

export const keyOfNode = ({ scope, path, value }: KeptNode): string =>
  `${PREFIX[scope]}${path}${typeof value === 'object' ? ` [hex(${value.registryType})]` : ''}`;

export const keptValue = (value: NodeValue): string | number | boolean =>
  typeof value === 'object' ? value.hex : value;

/** @returns null: the key is no node */
export function nodeOfKey(key: string, value: string | number | boolean): KeptNode | null {
  const [, scope, path = '', type] = /^\.\/(Device|User)\/(.+?)(?: \[hex\((\d{1,10})\)\])?$/s.exec(key) ?? [];
  if (scope === undefined) return null;
  if (type === undefined) return { scope: scope === 'User' ? 'user' : 'device', path, value };
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(value)) return null;
  return { scope: scope === 'User' ? 'user' : 'device', path, value: { registryType: Number(type), hex: value } };
}

/** The nodes of a document in its order, and the keys that are none. */
export function keptNodes(settings: PolicyDocument['windowsSettings']): {
  readonly nodes: readonly KeptNode[];
  readonly strangers: readonly string[];
} {
  const nodes: KeptNode[] = [];
  const strangers: string[] = [];
  for (const [key, value] of Object.entries(settings)) {
    const node = nodeOfKey(key, value);
    if (node === null) strangers.push(key);
    else nodes.push(node);
  }
  return { nodes, strangers };
}
