/**
 * P-256 on the authenticator's side: key pairs from scalars, ECDH, ES256 signatures, and COSE_Key maps (RFC 9053 §7.1;
 * CTAP 2.1 §6.5.6). Its own code, not the client's, so that a mistake cannot cancel itself out.
 */
import { createECDH, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { toHex } from '../../drivers/base/bytes.ts';
import type { CborKey, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { COSE_ALG, COSE_CRV, COSE_KEY, COSE_KTY } from '../../drivers/fido2/wire/constants.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';

/** The order of the group (SEC 2, secp256r1). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export interface P256KeyPair {
  /** 32 bytes, big-endian. */
  readonly d: Uint8Array;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/**
 * A key pair from 48 uniformly random bytes (FIPS 186-5 A.2.1: extra bits make the bias negligible). Zeroes `random`.
 */
export function keyPairFrom(random: Uint8Array): P256KeyPair {
  if (random.length < 48) throw new TypeError('48 random bytes are needed for a P-256 key');
  const scalar = (BigInt(`0x${toHex(random)}`) % (ORDER - 1n)) + 1n;
  random.fill(0);
  const d = Uint8Array.from(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'));
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const point = new Uint8Array(ecdh.getPublicKey());
  return { d, x: point.slice(1, 33), y: point.slice(33, 65) };
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

function signingKey(pair: P256KeyPair): KeyObject {
  const key = { kty: 'EC', crv: 'P-256', d: base64url(pair.d), x: base64url(pair.x), y: base64url(pair.y) };
  return createPrivateKey({ key, format: 'jwk' });
}

/** ES256: ECDSA over SHA-256 of `message`, in the ASN.1 form that WebAuthn prescribes (§6.5.5 there). */
export const signEs256 = (pair: P256KeyPair, message: Uint8Array): Uint8Array =>
  new Uint8Array(sign('sha256', message, signingKey(pair)));

/** The x-coordinate of the shared point, 32 bytes. @throws {CtapRefusal} when the peer's point is not on the curve */
export function ecdhX(pair: P256KeyPair, peer: { readonly x: Uint8Array; readonly y: Uint8Array }): Uint8Array {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(pair.d);
  try {
    return new Uint8Array(ecdh.computeSecret(Buffer.concat([Uint8Array.of(4), peer.x, peer.y])));
  } catch {
    throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  }
}

/** COSE_Key of a public key for `alg`. */
export const coseKey = (pair: P256KeyPair, alg: number): Map<CborKey, CborValue> =>
  new Map<CborKey, CborValue>([
    [COSE_KEY.kty, COSE_KTY.EC2],
    [COSE_KEY.alg, alg],
    [COSE_KEY.crv, COSE_CRV.P256],
    [COSE_KEY.x, pair.x],
    [COSE_KEY.y, pair.y],
  ]);

/** The platform's key agreement key, with exactly the members that §6.5.6 lists. @throws {CtapRefusal} */
export function agreementKeyOf(params: Params): { readonly x: Uint8Array; readonly y: Uint8Array } {
  const [x, y] = [params.bytes(COSE_KEY.x), params.bytes(COSE_KEY.y)];
  const fits =
    params.int(COSE_KEY.kty) === COSE_KTY.EC2 &&
    params.int(COSE_KEY.alg) === COSE_ALG.ECDH_ES_HKDF_256 &&
    params.int(COSE_KEY.crv) === COSE_CRV.P256 &&
    x.length === 32 &&
    y.length === 32;
  if (!fits) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  return { x, y };
}
