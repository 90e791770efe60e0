/**
 * A FIDO metadata file: a metadata BLOB as its service signs it (`metadata-blob.ts`), or, local and trusted as far as its owner is,
 * the payload of one (FIDO Metadata Service 3 §3.1.6) or one metadata statement (FIDO Metadata Statement 3 §4), as JSON. Read is
 * only what enrolment decides with.
 */
import type { UnixMs } from '../base/brand.ts';
import { UnlockdError } from '../base/errors.ts';
import { wrongMetadata as wrong } from './fido-metadata-error.ts';
import { isMetadataBlob, openMetadataBlob } from './metadata-blob.ts';

export interface KeyModel {
  readonly description: string;
  /** DER; who may have issued an attestation certificate of this model, or the certificate itself. */
  readonly roots: readonly Uint8Array[];
  /** `basic_surrogate`: its credentials attest themselves. */
  readonly attestsItself: boolean;
  /** A status that says that the model is not to be trusted any more; null: none. */
  readonly compromised: string | null;
}

export interface FidoMetadata {
  /** By AAGUID: 32 lower-case hexadecimal digits. */
  readonly models: ReadonlyMap<string, KeyModel>;
}

/** The BLOB of all models of all makers has some 10 MB. */
export const MAX_METADATA_FILE = 32 * 1024 * 1024;
const MAX_ENTRIES = 10_000;
const MAX_ROOTS = 64;
const MAX_ROOT_TEXT = 12_288;
const AAGUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** MDS3 §3.1.4: what makes a model one that nobody should enrol. */
const COMPROMISED: ReadonlySet<unknown> = new Set([
  'USER_VERIFICATION_BYPASS',
  'ATTESTATION_KEY_COMPROMISE',
  'USER_KEY_REMOTE_COMPROMISE',
  'USER_KEY_PHYSICAL_COMPROMISE',
  'REVOKED',
]);

type Members = ReadonlyMap<string, unknown>;

function object(value: unknown, where: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(where, 'is not an object');
  return new Map(Object.entries(value));
}

function list(value: unknown, where: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(where, 'is not an array');
  if (value.length > most) throw wrong(where, `has ${value.length} items, and ${most} are the most`);
  return value;
}

function text(value: unknown, where: string): string {
  if (typeof value !== 'string') throw wrong(where, 'is not a text');
  return value;
}

function rootOf(value: unknown, where: string): Uint8Array {
  // Line breaks stand in many files, though none should.
  const encoded = text(value, where);
  if (encoded.length > MAX_ROOT_TEXT) throw wrong(where, 'is longer than a certificate');
  const base64 = encoded.replaceAll(/[\r\n\t ]/g, '');
  if (!BASE64.test(base64)) throw wrong(where, 'is not base64');
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** The latest reports stand last; one bad word is enough. */
function compromisedBy(value: unknown, where: string): string | null {
  if (value === undefined) return null;
  const statuses = list(value, where, MAX_ENTRIES).map((report, i) =>
    text(object(report, `${where}[${i}]`).get('status'), `${where}[${i}].status`),
  );
  return statuses.find((status) => COMPROMISED.has(status)) ?? null;
}

function modelOf(statement: Members, where: string, compromised: string | null): KeyModel {
  const roots = list(statement.get('attestationRootCertificates'), `${where}.attestationRootCertificates`, MAX_ROOTS);
  const types = list(statement.get('attestationTypes'), `${where}.attestationTypes`, MAX_ROOTS);
  return {
    description: text(statement.get('description'), `${where}.description`),
    roots: roots.map((root, i) => rootOf(root, `${where}.attestationRootCertificates[${i}]`)),
    attestsItself: types.some((type) => type === 'basic_surrogate'),
    compromised,
  };
}

function aaguidOf(value: unknown, where: string): string {
  const aaguid = text(value, where);
  if (!AAGUID.test(aaguid)) throw wrong(where, 'is not an AAGUID in lower case');
  return aaguid.replaceAll('-', '');
}

function parsed(json: string): Members {
  if (json.length > MAX_METADATA_FILE) throw wrong('it', `has ${json.length} characters`);
  try {
    return object(JSON.parse(json), 'it');
  } catch (cause) {
    if (cause instanceof UnlockdError) throw cause;
    throw wrong('it', 'is not JSON', cause);
  }
}

/**
 * @param json the file's text; at most {@link MAX_METADATA_FILE} characters
 * @throws {ERR_CTAP_METADATA_FILE} and nothing else; the message says where
 */
export function parseFidoMetadata(json: string): FidoMetadata {
  const file = parsed(json);
  const models = new Map<string, KeyModel>();
  const add = (aaguid: string, model: KeyModel, where: string) => {
    if (models.has(aaguid)) throw wrong(where, 'names a model a second time');
    models.set(aaguid, model);
  };
  if (!file.has('entries')) {
    add(aaguidOf(file.get('aaguid'), 'aaguid'), modelOf(file, 'it', null), 'it');
    return { models };
  }
  for (const [i, value] of list(file.get('entries'), 'entries', MAX_ENTRIES).entries()) {
    const where = `entries[${i}]`;
    const entry = object(value, where);
    // Entries of U2F and UAF authenticators have other names.
    if (!entry.has('aaguid')) continue;
    const statement = object(entry.get('metadataStatement'), `${where}.metadataStatement`);
    const aaguid = aaguidOf(entry.get('aaguid'), `${where}.aaguid`);
    if (statement.has('aaguid') && aaguidOf(statement.get('aaguid'), `${where}.metadataStatement.aaguid`) !== aaguid) {
      throw wrong(where, 'is of two models');
    }
    const compromised = compromisedBy(entry.get('statusReports'), `${where}.statusReports`);
    add(aaguid, modelOf(statement, `${where}.metadataStatement`, compromised), where);
  }
  return { models };
}

/** How a signed file is checked. */
export interface MetadataTrust {
  /** DER: who may vouch for whoever signed it. */
  readonly roots: readonly Uint8Array[];
  /** Civil time: certificates expire, and files are replaced. */
  readonly at: UnixMs;
}

/**
 * Reads either form. A signed file is verified first; where roots are named, another one is not taken.
 * @throws {ERR_CTAP_METADATA_FILE} and nothing else
 */
export function readFidoMetadata(text: string, { roots, at }: MetadataTrust): FidoMetadata {
  if (text.length > MAX_METADATA_FILE) throw wrong('it', `has ${text.length} characters`);
  if (isMetadataBlob(text)) return parseFidoMetadata(openMetadataBlob(text, roots, at));
  if (roots.length > 0) throw wrong('it', 'is not signed, and a root is named that its signer has to have');
  return parseFidoMetadata(text);
}
