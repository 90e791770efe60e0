/**
 * The signed form of FIDO metadata (FIDO Metadata Service 3 §3.1.7): a JWT in compact serialisation (RFC 7515 §7.1) whose
 * header brings the certificates of its signer. It counts when they lead to a root that the owner of the file names, the signature
 * is theirs, and the day on which the next one was announced has not passed.
 */
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { UnixMs } from '../base/brand.ts';
import { utf8 } from '../base/bytes.ts';
import { chainsTo } from './certificate-chain.ts';
import { wrongMetadata as wrong } from './fido-metadata-error.ts';

/** §3.1.7: whom a metadata service's certificate is for. A public root vouches for many; this is what tells them apart. */
const SIGNER = 'mds.fidoalliance.org';
const MAX_CERTIFICATES = 6;
const MAX_CERTIFICATE_TEXT = 12_288;
const MAX_HEADER = 65_536;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;
const RSA_BITS = 2048;

/** What is in front of a JWT's payload and behind it. A JSON file begins with a brace. */
export const isMetadataBlob = (text: string): boolean => /^\s*[A-Za-z0-9_-]+\./.test(text);

/** RFC 7518 §3.3, §3.4; no other algorithm is looked at, and `none` is none of them. */
const ALGORITHMS: Readonly<Record<string, (key: KeyObject) => boolean>> = {
  RS256: (key) => key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS,
  ES256: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1',
};

function part(text: string | undefined, where: string): Buffer {
  if (text === undefined || !BASE64URL.test(text)) throw wrong(where, 'is not base64url');
  return Buffer.from(text, 'base64url');
}

function headerOf(text: string | undefined): Readonly<Record<string, unknown>> {
  if ((text?.length ?? 0) > MAX_HEADER) throw wrong('the header', 'is too long');
  let header: unknown;
  try {
    header = JSON.parse(part(text, 'the header').toString('utf8'));
  } catch (cause) {
    throw wrong('the header', 'is not JSON', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw wrong('the header', 'is no object');
  return header as Readonly<Record<string, unknown>>;
}

function certificatesOf(x5c: unknown): readonly X509Certificate[] {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CERTIFICATES) {
    throw wrong('the header', `does not bring its certificates (x5c of 1 to ${MAX_CERTIFICATES})`);
  }
  return x5c.map((text: unknown, i) => {
    if (typeof text !== 'string' || text.length > MAX_CERTIFICATE_TEXT || !BASE64.test(text)) {
      throw wrong(`x5c[${i}]`, 'is not a certificate in base64');
    }
    try {
      return new X509Certificate(Buffer.from(text, 'base64'));
    } catch (cause) {
      throw wrong(`x5c[${i}]`, 'is not X.509', cause);
    }
  });
}

function keyOf(certificate: X509Certificate, algorithm: unknown): KeyObject {
  const fits =
    typeof algorithm === 'string' && Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined;
  if (fits === undefined) throw wrong('the header', 'names an algorithm that is neither RS256 nor ES256');
  let key: KeyObject;
  try {
    key = certificate.publicKey;
  } catch (cause) {
    throw wrong('x5c[0]', 'has no key that can be read', cause);
  }
  if (!fits(key)) throw wrong('x5c[0]', `has no key for ${algorithm}`);
  return key;
}

/** The date on which the file has to have been replaced, to its end. */
function checkDay(payload: string, at: UnixMs): void {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (cause) {
    throw wrong('the payload', 'is not JSON', cause);
  }
  const next = typeof value === 'object' && value !== null ? Reflect.get(value, 'nextUpdate') : undefined;
  const day = typeof next === 'string' && DAY.test(next) ? Date.parse(next) : Number.NaN;
  if (Number.isNaN(day)) throw wrong('nextUpdate', 'is not a day');
  if (at >= day + DAY_MS) throw wrong('it', `should have been replaced on ${next}: get the new one`);
}

/**
 * Verifies a BLOB and gives its payload, which is JSON with a day of its next update that has not passed.
 * @param roots DER, who may vouch for a signer; at least one
 * @throws {ERR_CTAP_METADATA_FILE} and nothing else
 */
export function openMetadataBlob(text: string, roots: readonly Uint8Array[], at: UnixMs): string {
  if (roots.length === 0) throw wrong('it', 'is a signed BLOB, and no root is named to check it with');
  const [header, payload, signature, ...more] = text.trim().split('.');
  if (more.length > 0) throw wrong('it', 'is no JWT of three parts');
  const { alg, x5c, crit } = headerOf(header);
  if (crit !== undefined) throw wrong('the header', 'wants what is not understood here (crit)');
  const chain = certificatesOf(x5c);
  const [leaf] = chain;
  if (leaf === undefined) throw wrong('the header', 'does not bring its certificates');
  const key = keyOf(leaf, alg);
  if (leaf.ca || leaf.checkHost(SIGNER) === undefined) throw wrong('x5c[0]', `is not for ${SIGNER}`);
  if (!chainsTo(chain, roots, at)) throw wrong('x5c', 'does not lead to the root that is named');
  const json = part(payload, 'the payload');
  const signed = utf8(`${header}.${payload}`);
  const form = alg === 'ES256' ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;
  if (!verify('sha256', signed, form, part(signature, 'the signature'))) throw wrong('the signature', 'is wrong');
  const opened = json.toString('utf8');
  checkDay(opened, at);
  return opened;
}

/**
 * Reads a file of trusted roots.
 * @param pem certificates in PEM; other text between them does not count
 * @returns DER
 * @throws {ERR_CTAP_METADATA_FILE}
 */
export function parseMetadataRoots(pem: string): readonly Uint8Array[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > MAX_CERTIFICATES) throw wrong('its root', 'is no certificate in PEM');
  try {
    return blocks.map((block) => new Uint8Array(new X509Certificate(block).raw));
  } catch (cause) {
    throw wrong('its root', 'is no certificate in PEM', cause);
  }
}
