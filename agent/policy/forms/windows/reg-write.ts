/**
 * The policy as a `.reg` file of Group Policy's keys, as regedit writes one: UTF-16LE with byte order mark, version 5,
 * keys sorted, CRLF. Nodes that Group Policy does not have are refused, not written where Windows would not look.
 */
import { type Inexpressible, refuseInexpressible } from './inexpressible.ts';
import type { NodeValue, WindowsPolicy } from './model.ts';
import { REG, REG_HEADERS } from './reg-text.ts';
import { type NodeSetting, nodesOfPolicy } from './to-nodes.ts';

const quotedText = (text: string): string => `"${text.replace(/[\\"]/g, (character) => `\\${character}`)}"`;

const regValue = (value: NodeValue): string => {
  if (typeof value === 'string') return quotedText(value);
  if (typeof value === 'object') {
    const octets = value.hex.match(/../g)?.join(',') ?? '';
    return `hex${value.registryType === REG.binary ? '' : `(${value.registryType.toString(16)})`}:${octets}`;
  }
  return `dword:${Number(value).toString(16).padStart(8, '0')}`;
};

interface Place {
  readonly key: string;
  readonly name: string;
}

const placeOf = ({ node, path }: NodeSetting): Place | undefined => {
  if (node !== undefined) return node.groupPolicy;
  const mark = path.indexOf('!');
  return path.startsWith('Vendor/') || path.startsWith('settings-catalog:') || mark < 0
    ? undefined
    : { key: path.slice(0, mark), name: path.slice(mark + 1) };
};

/** UTF-16LE with its byte order mark. */
function utf16(text: string): Uint8Array {
  const octets = new Uint8Array(2 * text.length + 2);
  const view = new DataView(octets.buffer);
  view.setUint16(0, 0xfeff, true);
  for (let i = 0; i < text.length; i += 1) view.setUint16(2 * i + 2, text.charCodeAt(i), true);
  return octets;
}

/**
 * The octets of the file.
 * @param options.user SID whose key the settings of the user go to; without it, HKEY_CURRENT_USER
 * @throws {ERR_POLICY_NOT_WINDOWS}
 */
export function writeReg(policy: WindowsPolicy, options: { readonly user?: string } = {}): Uint8Array {
  const { settings, reasons } = nodesOfPolicy(policy);
  const all: Inexpressible[] = [...reasons];
  const keys = new Map<string, string[]>();
  const userHive = options.user === undefined ? 'HKEY_CURRENT_USER' : `HKEY_USERS\\${options.user}`;
  for (const setting of settings) {
    const place = placeOf(setting);
    if (place === undefined) {
      all.push({ what: setting.path, words: 'Group Policy has no value for it; export it as CSP nodes' });
      continue;
    }
    const key = `${setting.scope === 'user' ? userHive : 'HKEY_LOCAL_MACHINE'}\\${place.key}`;
    const name = place.name === '' ? '@' : quotedText(place.name);
    const lines = keys.get(key) ?? [];
    lines.push(`${name}=${regValue(setting.value)}`);
    keys.set(key, lines);
  }
  refuseInexpressible(all);
  const sections = [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
  const body = sections.map(([key, lines]) => `[${key}]\r\n${lines.sort().join('\r\n')}\r\n\r\n`).join('');
  return utf16(`${REG_HEADERS[0]}\r\n\r\n${body}`);
}
