/**
 * COSE public keys (RFC 9052 §7, RFC 8230) and signatures made with them: ES256, EdDSA on Ed25519, RS256. A key that is
 * not exactly one of these is refused before anything is verified with it.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { UnlockdError } from '../base/errors.ts';
import { asBytes, asInteger, asMap, malformed, member } from './fields.ts';
import { type CborMap, type CborValue, decodeLenient } from './wire/cbor.ts';
import { COSE_ALG, COSE_CRV, COSE_KEY, COSE_KTY } from './wire/constants.ts';

export interface CosePublicKey {
  readonly algorithm: number;
  readonly key: KeyObject;
}

/** What a request offers, in our order of preference. */
export const SUPPORTED_ALGORITHMS: readonly number[] = [COSE_ALG.ES256, COSE_ALG.EdDSA, COSE_ALG.RS256];

const COORDINATE_LENGTH = 32;
const RSA_BITS = { least: 2048, most: 8192 } as const;

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function coordinate(map: CborMap, label: number, what: string): string {
  const bytes = member(map, label, asBytes, what);
  if (bytes.length !== COORDINATE_LENGTH) throw malformed(`${what} of ${bytes.length} bytes`);
  return base64url(bytes);
}

function expectMember(map: CborMap, label: number, expected: number, what: string): void {
  const value = member(map, label, asInteger, what);
  if (value !== expected) throw malformed(`${what} is ${value}, expected ${expected}`);
}

function jwkOf(map: CborMap, algorithm: number): { readonly [member: string]: string } {
  switch (algorithm) {
    case COSE_ALG.ES256:
      expectMember(map, COSE_KEY.kty, COSE_KTY.EC2, 'kty');
      expectMember(map, COSE_KEY.crv, COSE_CRV.P256, 'crv');
      return { kty: 'EC', crv: 'P-256', x: coordinate(map, COSE_KEY.x, 'x'), y: coordinate(map, COSE_KEY.y, 'y') };
    case COSE_ALG.EdDSA:
      expectMember(map, COSE_KEY.kty, COSE_KTY.OKP, 'kty');
      expectMember(map, COSE_KEY.crv, COSE_CRV.Ed25519, 'crv');
      return { kty: 'OKP', crv: 'Ed25519', x: coordinate(map, COSE_KEY.x, 'x') };
    case COSE_ALG.RS256: {
      expectMember(map, COSE_KEY.kty, COSE_KTY.RSA, 'kty');
      const n = member(map, COSE_KEY.rsaN, asBytes, 'n');
      const e = member(map, COSE_KEY.rsaE, asBytes, 'e');
      // Verification costs grow with both: a hostile key must not choose them freely.
      if (n.length * 8 < RSA_BITS.least || n.length * 8 > RSA_BITS.most) throw malformed(`n of ${n.length} bytes`);
      if (e.length === 0 || e.length > 4) throw malformed(`e of ${e.length} bytes`);
      return { kty: 'RSA', n: base64url(n), e: base64url(e) };
    }
    default:
      throw new UnlockdError('ERR_CTAP_UNSUPPORTED', `COSE algorithm ${algorithm} is not supported`, {
        detail: { algorithm },
      });
  }
}

/**
 * @param value the decoded COSE_Key
 * @throws {ERR_CTAP_MALFORMED_RESPONSE | ERR_CTAP_UNSUPPORTED}
 */
export function readCoseKey(value: CborValue): CosePublicKey {
  const map = asMap(value, 'the credential public key');
  const algorithm = member(map, COSE_KEY.alg, asInteger, 'alg');
  const jwk = jwkOf(map, algorithm);
  try {
    return { algorithm, key: createPublicKey({ key: jwk, format: 'jwk' }) };
  } catch {
    throw malformed('the credential public key is not a point of its curve');
  }
}

/** @throws {ERR_CTAP_INVALID_CBOR | ERR_CTAP_MALFORMED_RESPONSE | ERR_CTAP_UNSUPPORTED} */
export const parseCoseKey = (bytes: Uint8Array): CosePublicKey => readCoseKey(decodeLenient(bytes).value);

const DIGESTS: ReadonlyMap<number, string | null> = new Map<number, string | null>([
  [COSE_ALG.ES256, 'sha256'],
  [COSE_ALG.EdDSA, null],
  [COSE_ALG.RS256, 'sha256'],
]);

const KEY_TYPES: ReadonlyMap<number, string> = new Map([
  [COSE_ALG.ES256, 'ec'],
  [COSE_ALG.EdDSA, 'ed25519'],
  [COSE_ALG.RS256, 'rsa'],
]);

/**
 * True when `signature` is one of `key` over `data`; ES256 in ASN.1 DER as WebAuthn §6.5.5 has it. False for anything
 * else, garbage included.
 */
export function verifySignature(key: CosePublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  const digest = DIGESTS.get(key.algorithm);
  if (digest === undefined || key.key.asymmetricKeyType !== KEY_TYPES.get(key.algorithm)) return false;
  try {
    return verify(digest, data, key.key, signature);
  } catch {
    return false;
  }
}
