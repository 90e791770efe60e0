/**
 * OMA-URIs of the CSP: `./Device/Vendor/MSFT/PassportForWork/...`, `./User/...`, and `./Vendor/...`, which is the
 * device. The tenant's GUID is put aside, with or without braces, so that one path names one node.
 */
import { type NodeDefinition, nodeOfPath, PASSPORT_PATH, TENANT } from './nodes.ts';
import type { Source } from './settings.ts';

const MAX_URI_LENGTH = 1024;

/** The GUID in lower case without braces; undefined where the segment is none. */
export const tenantOf = (segment: string): string | undefined => {
  const guid = segment.replace(/^\{([^{}]*)\}$/, '$1').toLowerCase();
  return /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(guid) ? guid : undefined;
};

export interface NodeAddress {
  readonly source: Extract<Source, 'user-csp' | 'device-csp'>;
  readonly tenant: string | undefined;
  /** With `{TenantId}` for the tenant. */
  readonly path: string;
  readonly node: NodeDefinition | undefined;
}

/** @returns undefined where the URI is no node of Windows Hello for Business */
export function readUri(uri: string): NodeAddress | undefined {
  const text = uri.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (text.length > MAX_URI_LENGTH || /[\u0000-\u001f]|\p{Surrogate}/u.test(text)) return undefined;
  const scope = /^\.\/(device|user)\/(?=vendor\/)|^\.\/(?=vendor\/)/i.exec(text);
  if (scope === null) return undefined;
  const source = scope[1]?.toLowerCase() === 'user' ? 'user-csp' : 'device-csp';
  const segments = text.slice(scope[0].length).split('/');
  if (segments.some((segment) => segment === '')) return undefined;
  const passport = segments.slice(0, 3).join('/').toLowerCase() === PASSPORT_PATH.toLowerCase();
  const [fourth = ''] = segments.slice(3);
  const tenant = passport ? tenantOf(fourth) : undefined;
  const placeholder = passport && /^(?:\{tenantid\}|tenantid|%tenantid%|\{\{tenantid\}\})$/i.test(fourth);
  if (tenant !== undefined || placeholder) segments[3] = TENANT;
  const path = passport ? [PASSPORT_PATH, ...segments.slice(3)].join('/') : segments.join('/');
  const node = nodeOfPath(path);
  if (node === undefined && !(passport && segments.length > 3)) return undefined;
  return { source, tenant, path: node?.path ?? path, node };
}
