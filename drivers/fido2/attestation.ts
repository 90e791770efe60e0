/**
 * Attestation statements (WebAuthn §8), as far as they can be checked without trust anchors: `packed` by the credential
 * itself or by the certificate it brings. Whether a certificate belongs to a maker is not decided here.
 */
import { X509Certificate } from 'node:crypto';
import { concat } from '../base/bytes.ts';
import { type AuthenticatorData, unverified } from './auth-data.ts';
import { type CosePublicKey, verifySignature } from './cose-key.ts';
import { asArrayOf, asBytes, asInteger, malformed, member, optionalMember } from './fields.ts';
import type { CborMap } from './wire/cbor.ts';

export interface AttestationResult {
  readonly format: string;
  /** `self`: signed with the credential. `certificate`: with the first of `certificates`. `unchecked`: another format. */
  readonly signedBy: 'self' | 'certificate' | 'nobody' | 'unchecked';
  /** DER, leaf first. */
  readonly certificates: readonly Uint8Array[];
}

function leafKey(der: Uint8Array, algorithm: number): CosePublicKey {
  try {
    return { algorithm, key: new X509Certificate(der).publicKey };
  } catch {
    throw malformed('the attestation certificate is not X.509');
  }
}

/**
 * @param clientDataHash what was sent
 * @throws {ERR_CTAP_VERIFICATION} where a signature is there and wrong
 */
export function verifyAttestation(
  format: string,
  statement: CborMap,
  data: AuthenticatorData,
  credential: CosePublicKey,
  clientDataHash: Uint8Array,
): AttestationResult {
  if (format === 'none') return { format, signedBy: 'nobody', certificates: [] };
  if (format !== 'packed') return { format, signedBy: 'unchecked', certificates: [] };
  const algorithm = member(statement, 'alg', asInteger, 'attStmt.alg');
  const signature = member(statement, 'sig', asBytes, 'attStmt.sig');
  const certificates = optionalMember(statement, 'x5c', asArrayOf(asBytes), 'attStmt.x5c') ?? [];
  const signed = concat(data.bytes, clientDataHash);
  const [leaf] = certificates;
  if (leaf === undefined) {
    if (algorithm !== credential.algorithm) throw unverified('self attestation with another algorithm');
    if (!verifySignature(credential, signed, signature)) throw unverified('the attestation signature is wrong');
    return { format, signedBy: 'self', certificates };
  }
  if (!verifySignature(leafKey(leaf, algorithm), signed, signature)) {
    throw unverified('the attestation signature is wrong');
  }
  return { format, signedBy: 'certificate', certificates };
}
