/**
 * A signed policy document: the document's text, a version that its author counts up, and a detached Ed25519 signature
 * (RFC 8032) over both, as one JSON object. Here is its form and what is signed; keys and cryptography are elsewhere.
 */
import * as z from 'zod';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { MAX_POLICY_LENGTH } from './native-json.ts';
import { repeatedKey } from './text-positions.ts';

/** Names the envelope; the signature is over {@link DOMAIN}. */
export const SIGNED_FORMAT = 'unlockd signed policy document';
const DOMAIN = 'unlockd policy document v1';
export const MAX_DOCUMENT_VERSION = 0xffff_ffff;
/** The document at its longest, with every character escaped. */
const MAX_ENVELOPE_LENGTH = 2 * MAX_POLICY_LENGTH + 1024;

export interface SignedDocument {
  /** 1 and up; of two documents the one with the higher number is the newer. */
  readonly version: number;
  /** JSON. */
  readonly document: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly key: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

const envelope = z.strictObject({
  format: z.literal(SIGNED_FORMAT),
  version: z.int().min(1).max(MAX_DOCUMENT_VERSION),
  document: z
    .string()
    .min(1)
    .max(MAX_POLICY_LENGTH)
    // UTF-8 has one replacement for all halves of surrogate pairs: the signature would hold for other texts as well.
    .refine((text) => !/\p{Surrogate}/u.test(text)),
  key: z.string().regex(/^[0-9a-f]{64}$/),
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** "unlockd policy document v1" ‖ version (8 bytes, big endian) ‖ UTF-8 of the document. */
export function signedBytes({ version, document }: Pick<SignedDocument, 'version' | 'document'>): Uint8Array {
  const [domain, text] = [DOMAIN, document].map((part) => new TextEncoder().encode(part)) as [Uint8Array, Uint8Array];
  const bytes = new Uint8Array(domain.length + 8 + text.length);
  bytes.set(domain);
  new DataView(bytes.buffer).setBigUint64(domain.length, BigInt(version));
  bytes.set(text, domain.length + 8);
  return bytes;
}

/** Whether a text says that it is a signed document; it may still be a broken one. */
export function isSignedDocument(text: string): boolean {
  if (text.length > MAX_ENVELOPE_LENGTH || !text.includes(SIGNED_FORMAT)) return false;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'format');
  } catch {
    return false;
  }
}

/** @throws {ERR_POLICY_DOCUMENT_SIGNATURE} it is not of this form */
export function parseSignedDocument(text: string): SignedDocument {
  try {
    const { version, document, key, signature } = envelope.parse(JSON.parse(text));
    if (repeatedKey(text) !== null) throw new TypeError('an element is there twice');
    return { version, document, key, signature: bytesOf(signature) };
  } catch (cause) {
    throw new UnlockdError('ERR_POLICY_DOCUMENT_SIGNATURE', 'the signed document is not of the form that it names', {
      cause,
    });
  }
}

export const formatSignedDocument = ({ version, document, key, signature }: SignedDocument): string =>
  `${JSON.stringify({ format: SIGNED_FORMAT, version, key, signature: hexOf(signature), document }, null, 2)}\n`;
