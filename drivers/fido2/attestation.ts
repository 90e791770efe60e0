/**
 * Attestation statements (WebAuthn §8), as far as they can be checked without trust anchors: `packed` (§8.2) by the
 * credential itself or by the certificate it brings, `fido-u2f` (§8.6). Whose certificate it is: `key-models.ts`.
 */
import { concat, u8 } from '../base/bytes.ts';
import { certificateKey, checkPackedCertificate } from './attestation-certificate.ts';
import { type AuthenticatorData, unverified } from './auth-data.ts';
import { type CosePublicKey, verifySignature } from './cose-key.ts';
import { asArrayOf, asBytes, asInteger, malformed, member, optionalMember } from './fields.ts';
import type { CborMap } from './wire/cbor.ts';
import { COSE_ALG } from './wire/constants.ts';

export interface AttestationResult {
  readonly format: string;
  /** `self`: signed with the credential. `certificate`: with the first of `certificates`. `unchecked`: another format. */
  readonly signedBy: 'self' | 'certificate' | 'nobody' | 'unchecked';
  /** DER, leaf first. */
  readonly certificates: readonly Uint8Array[];
}

/** Longer chains are not followed. */
const MAX_CERTIFICATES = 6;

function certificatesOf(statement: CborMap): readonly Uint8Array[] | undefined {
  const certificates = optionalMember(statement, 'x5c', asArrayOf(asBytes), 'attStmt.x5c');
  if (certificates?.length === 0 || (certificates?.length ?? 0) > MAX_CERTIFICATES) {
    throw malformed(`attStmt.x5c of ${certificates?.length} certificates`);
  }
  return certificates;
}

/** §8.2. */
function verifyPacked(
  statement: CborMap,
  data: AuthenticatorData,
  credential: CosePublicKey,
  clientDataHash: Uint8Array,
): AttestationResult {
  const format = 'packed';
  const algorithm = member(statement, 'alg', asInteger, 'attStmt.alg');
  const signature = member(statement, 'sig', asBytes, 'attStmt.sig');
  const certificates = certificatesOf(statement) ?? [];
  const signed = concat(data.bytes, clientDataHash);
  const [leaf] = certificates;
  if (leaf === undefined) {
    if (algorithm !== credential.algorithm) throw unverified('self attestation with another algorithm');
    if (!verifySignature(credential, signed, signature)) throw unverified('the attestation signature is wrong');
    return { format, signedBy: 'self', certificates };
  }
  const key = certificateKey(leaf);
  if (!verifySignature({ algorithm, key }, signed, signature)) {
    throw unverified('the attestation signature is wrong');
  }
  if (data.attested !== null) checkPackedCertificate(leaf, data.attested.aaguid);
  return { format, signedBy: 'certificate', certificates };
}

/** §8.6: what a U2F key signs is not the authenticator data but what FIDO U2F Raw Message Formats §4.3 lists. */
function verifyFidoU2f(
  statement: CborMap,
  data: AuthenticatorData,
  credential: CosePublicKey,
  clientDataHash: Uint8Array,
): AttestationResult {
  const signature = member(statement, 'sig', asBytes, 'attStmt.sig');
  const certificates = certificatesOf(statement) ?? [];
  const [leaf, ...more] = certificates;
  if (leaf === undefined || more.length > 0) throw malformed('fido-u2f takes exactly one certificate');
  const key = certificateKey(leaf);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw unverified('the certificate has no key on P-256');
  if (credential.algorithm !== COSE_ALG.ES256 || data.attested === null) throw unverified('no U2F key makes such ones');
  const { x, y } = credential.key.export({ format: 'jwk' });
  const point = concat(u8(4), Buffer.from(x ?? '', 'base64url'), Buffer.from(y ?? '', 'base64url'));
  const signed = concat(u8(0), data.rpIdHash, clientDataHash, data.attested.credentialId, point);
  if (!verifySignature({ algorithm: COSE_ALG.ES256, key }, signed, signature)) {
    throw unverified('the attestation signature is wrong');
  }
  return { format: 'fido-u2f', signedBy: 'certificate', certificates };
}

/**
 * @param clientDataHash what was sent
 * @throws {ERR_CTAP_VERIFICATION | ERR_CTAP_MALFORMED_RESPONSE} where a statement of a format that is known does not hold
 */
export function verifyAttestation(
  format: string,
  statement: CborMap,
  data: AuthenticatorData,
  credential: CosePublicKey,
  clientDataHash: Uint8Array,
): AttestationResult {
  if (format === 'none') return { format, signedBy: 'nobody', certificates: [] };
  if (format === 'packed') return verifyPacked(statement, data, credential, clientDataHash);
  if (format === 'fido-u2f') return verifyFidoU2f(statement, data, credential, clientDataHash);
  return { format, signedBy: 'unchecked', certificates: [] };
}
