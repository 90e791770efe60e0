/**
 * What a `packed` attestation certificate has to be (WebAuthn §8.2.1), read from its DER because the platform's parser
 * shows neither the version nor foreign extensions. Whose certificate it is, is decided elsewhere (`key-models.ts`).
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { bytesEqual, fromHex } from '../base/bytes.ts';
import { unverified } from './auth-data.ts';
import { DER, type DerElement, derElements, derInside } from './der.ts';
import { malformed } from './fields.ts';

const BASIC_CONSTRAINTS = fromHex('551d13');
/** id-fido-gen-ce-aaguid, 1.3.6.1.4.1.45724.1.1.4. */
const FIDO_AAGUID = fromHex('2b0601040182e51c010104');
const SUBJECT = { C: fromHex('550406'), O: fromHex('55040a'), OU: fromHex('55040b'), CN: fromHex('550403') };
const UNIT = 'Authenticator Attestation';
/** Longer than any attestation certificate. */
const MAX_CERTIFICATE = 8192;

/** @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export function readCertificate(der: Uint8Array): X509Certificate {
  if (der.length > MAX_CERTIFICATE) throw malformed(`a certificate of ${der.length} bytes`);
  try {
    return new X509Certificate(der);
  } catch {
    throw malformed('the attestation certificate is not X.509');
  }
}

/** The platform decodes the key of a certificate only when it is asked for it. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export function certificateKey(der: Uint8Array): KeyObject {
  const certificate = readCertificate(der);
  try {
    return certificate.publicKey;
  } catch {
    throw malformed('the attestation certificate has no key that can be read');
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Attributes of the subject: every value with its type. */
function attribute(subject: readonly DerElement[], type: Uint8Array): string | null {
  for (const part of subject) {
    for (const pair of derInside(part, DER.set)) {
      const [name, value] = derInside(pair, DER.sequence);
      if (name?.tag === DER.oid && value !== undefined && bytesEqual(name.content, type)) return textOf(value.content);
    }
  }
  return null;
}

interface Extension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function extension(list: readonly DerElement[], id: Uint8Array): Extension | null {
  for (const entry of list) {
    const [name, ...rest] = derInside(entry, DER.sequence);
    if (name?.tag !== DER.oid || !bytesEqual(name.content, id)) continue;
    const critical = rest[0]?.tag === DER.boolean && rest[0].content[0] === 0xff;
    const value = rest.at(-1);
    if (value?.tag !== DER.octetString) throw malformed('a certificate of another shape');
    return { critical, value: value.content };
  }
  return null;
}

/**
 * @param aaguid the model that the authenticator data names
 * @throws {ERR_CTAP_VERIFICATION | ERR_CTAP_MALFORMED_RESPONSE}
 */
export function checkPackedCertificate(der: Uint8Array, aaguid: Uint8Array): void {
  const [body] = derInside(derElements(der)[0], DER.sequence);
  const parts = derInside(body, DER.sequence);
  const [version] = derInside(parts[0], DER.version);
  if (version?.tag !== DER.integer || version.content.length !== 1 || version.content[0] !== 2) {
    throw unverified('the attestation certificate is not of version 3');
  }
  // version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, …, extensions
  const subject = derInside(parts[5], DER.sequence);
  for (const name of ['C', 'O', 'CN'] as const) {
    if (!attribute(subject, SUBJECT[name])) throw unverified(`the attestation certificate names no ${name}`);
  }
  if (attribute(subject, SUBJECT.OU) !== UNIT) throw unverified(`the attestation certificate is not for ${UNIT}`);
  const last = parts.find(({ tag }) => tag === DER.extensions);
  const list = last === undefined ? [] : derInside(derInside(last, DER.extensions)[0], DER.sequence);
  const constraints = extension(list, BASIC_CONSTRAINTS);
  if (constraints === null) throw unverified('the attestation certificate does not say that it is no authority');
  const [isAuthority] = derInside(derElements(constraints.value)[0], DER.sequence);
  if (isAuthority?.tag === DER.boolean && isAuthority.content[0] !== 0) {
    throw unverified('the attestation certificate is that of an authority');
  }
  const model = extension(list, FIDO_AAGUID);
  if (model === null) return;
  const [inner] = derElements(model.value);
  if (model.critical || inner?.tag !== DER.octetString || !bytesEqual(inner.content, aaguid)) {
    throw unverified('the attestation certificate is for another model of key');
  }
}
