/**
 * A policy in any form that it comes in, told by its content: the native document as TOML or JSON, a signed document, or
 * one or several files of a Windows policy. What comes out is the native document, with notes of what was done to it.
 */
import type { PolicyDocument } from '../model.ts';
import type { ConversionNote } from './conversion-notes.ts';
import { fromWindows } from './from-windows.ts';
import { checkSize, invalidPolicy, parseDocument } from './native-json.ts';
import { parseToml } from './native-toml.ts';
import { isSignedDocument, parseSignedDocument, type SignedDocument } from './signed-document.ts';
import type { Note } from './windows/notes.ts';
import { readWindowsPolicies } from './windows/read.ts';

export const POLICY_FORMATS = ['toml', 'json', 'reg', 'intune', 'csp', 'xml', 'strings'] as const;
export type PolicyFormat = (typeof POLICY_FORMATS)[number];

/** How a file was understood. */
export type PolicyForm = 'TOML' | 'JSON' | 'signed document' | 'Windows policy';

export interface PolicyFile {
  /** How errors and notes call it. */
  readonly name: string;
  readonly data: Uint8Array;
}

export interface ReadPolicy {
  readonly form: PolicyForm;
  readonly document: PolicyDocument;
  /** The text of a native document as it was given; null: it was made of another form. */
  readonly json: string | null;
  readonly signed: SignedDocument | null;
  readonly notes: readonly (Note | ConversionNote)[];
  /** Of a Windows policy with nodes of a tenant. */
  readonly tenantId: string | null;
}

const own = (value: unknown, key: string): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);

/** Elements of a native document, of which none is the name of a Windows value. */
const NATIVE_KEYS = ['version', 'contexts', 'first', 'then', 'matching', 'windowsSettings'];

function textOf(data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch (cause) {
    throw invalidPolicy('this is not text in UTF-8', '(document)', cause);
  }
}

function jsonOrNull(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

/** UTF-16 and registry files, XML, and JSON with the names of Windows. */
function isWindows(data: Uint8Array): boolean {
  if (data[0] === 0xff || data[0] === 0xfe) return true;
  const text = new TextDecoder('latin1')
    .decode(data)
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  if (/^(?:REGEDIT4|Windows Registry Editor|<)/.test(text)) return true;
  if (!text.startsWith('{') && !text.startsWith('[')) return false;
  const json = jsonOrNull(text);
  return json !== null && !NATIVE_KEYS.some((key) => own(json.value, key));
}

function readNative(file: PolicyFile, format: 'toml' | 'json' | 'auto'): ReadPolicy {
  const text = textOf(file.data);
  if (text.trim() === '') throw invalidPolicy('the file is empty', '(document)');
  const plain = { json: null, signed: null, notes: [], tenantId: null };
  if (format !== 'toml' && isSignedDocument(text)) {
    const signed = parseSignedDocument(text);
    return { ...plain, form: 'signed document', document: parseDocument(signed.document), json: text, signed };
  }
  // What begins with a brace is no TOML; a list is TOML's first header unless it is JSON.
  const isJson = format === 'json' || (format === 'auto' && text.trimStart().startsWith('{'));
  if (isJson) return { ...plain, form: 'JSON', document: parseDocument(text), json: text };
  return { ...plain, form: 'TOML', document: parseToml(text) };
}

/**
 * @param format of all files; `auto`: told from the content
 * @throws {ERR_POLICY_INVALID | ERR_POLICY_DOCUMENT_SIGNATURE | ERR_POLICY_WINDOWS_* | ERR_POLICY_RULE_*}
 */
export function readPolicyFiles(files: readonly PolicyFile[], format: PolicyFormat | 'auto' = 'auto'): ReadPolicy {
  const [first, ...others] = files;
  if (first === undefined) throw invalidPolicy('there is no file', '(document)');
  const native =
    format === 'toml' || format === 'json' || (format === 'auto' && !files.some(({ data }) => isWindows(data)));
  if (native) {
    if (others.length > 0) {
      throw invalidPolicy(
        'only the sources of a Windows policy are put together; a native document is one file',
        '(document)',
      );
    }
    return readNative(first, format === 'toml' || format === 'json' ? format : 'auto');
  }
  const reading = readWindowsPolicies(files.map(({ name, data }) => ({ name, data, format })));
  const { document, notes } = fromWindows(reading.policy);
  return {
    form: 'Windows policy',
    document: checkSize(document),
    json: null,
    signed: null,
    notes: [...reading.notes, ...notes],
    tenantId: reading.tenantId ?? null,
  };
}
