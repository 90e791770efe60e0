/**
 * The key of a policy authority elsewhere, outside any TPM: P-256, ECDSA over what TPM2_VerifySignature will be given.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { badRequest } from './signing-json.ts';

/** Of a P-256 signature, bytes. */
const SCALAR = 32;

/** Raw, hexadecimal. */
export interface HexSignature {
  readonly r: string;
  readonly s: string;
}

/** @param key private, P-256 */
export function signDigest(key: KeyObject, approved: Uint8Array, policyRef: Uint8Array): HexSignature {
  // ECDSA over SHA-256(approvedPolicy ‖ policyRef): the hash that TPM2_VerifySignature is given.
  const message = Buffer.concat([approved, policyRef]);
  const raw = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
  return { r: raw.subarray(0, 32).toString('hex'), s: raw.subarray(32).toString('hex') };
}

/**
 * Whether an approved policy is signed by the authority: what TPM2_VerifySignature will say, known before anybody is
 * asked for a factor.
 */
export function isApprovedBy(
  authority: { readonly x: Uint8Array; readonly y: Uint8Array },
  approved: Uint8Array,
  policyRef: Uint8Array,
  signature: { readonly r: Uint8Array; readonly s: Uint8Array },
): boolean {
  if (signature.r.length > SCALAR || signature.s.length > SCALAR) return false;
  const raw = Buffer.alloc(2 * SCALAR);
  raw.set(signature.r, SCALAR - signature.r.length);
  raw.set(signature.s, 2 * SCALAR - signature.s.length);
  const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  try {
    const jwk = { kty: 'EC', crv: 'P-256', x: base64url(authority.x), y: base64url(authority.y) };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return verify('sha256', Buffer.concat([approved, policyRef]), { key, dsaEncoding: 'ieee-p1363' }, raw);
  } catch {
    // Coordinates that are no point of the curve: nothing is signed by such a key.
    return false;
  }
}

/** The public coordinates of a P-256 key in PEM. @throws {ERR_POLICY_SIGNATURE} not a P-256 key */
export function authorityCoordinates(pem: string): { readonly x: Uint8Array; readonly y: Uint8Array } {
  let jwk: ReturnType<KeyObject['export']>;
  try {
    jwk = createPublicKey(pem).export({ format: 'jwk' });
  } catch {
    throw badRequest('the authority key is not a public key in PEM');
  }
  if (jwk.crv !== 'P-256' || jwk.x === undefined || jwk.y === undefined)
    throw badRequest('the authority key is not on P-256');
  return { x: new Uint8Array(Buffer.from(jwk.x, 'base64url')), y: new Uint8Array(Buffer.from(jwk.y, 'base64url')) };
}
