/**
 * Authenticator data (WebAuthn §6.1): the bytes that an authenticator signs. The parser takes exactly what the flags
 * announce; the checks compare it with what was asked.
 */
import { createHash } from 'node:crypto';
import { ByteReader, bytesEqual, utf8 } from '../base/bytes.ts';
import { UnlockdError } from '../base/errors.ts';
import { asMap, malformed } from './fields.ts';
import { type CborMap, type CborValue, decodePrefix } from './wire/cbor.ts';
import { AUTH_DATA_FLAG } from './wire/constants.ts';

export interface AttestedCredential {
  readonly aaguid: Uint8Array;
  readonly credentialId: Uint8Array;
  /** The COSE_Key as it came, and decoded. */
  readonly publicKey: Uint8Array;
  readonly publicKeyValue: CborValue;
}

export interface AuthenticatorData {
  /** The whole, as it was signed. */
  readonly bytes: Uint8Array;
  readonly rpIdHash: Uint8Array;
  /** {@link AUTH_DATA_FLAG} bits. */
  readonly flags: number;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly signCount: number;
  readonly attested: AttestedCredential | null;
  /** Extension outputs; empty where there are none. */
  readonly extensions: CborMap;
}

/** WebAuthn §5.1: credential ids are at most 1023 bytes. */
export const MAX_CREDENTIAL_ID_LENGTH = 1023;
const EXTENSION_DEPTH = 8;

/** @throws {ERR_CTAP_MALFORMED_RESPONSE | ERR_CTAP_INVALID_CBOR} */
export function parseAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  const reader = new ByteReader(bytes, (reason) => malformed(`authenticator data: ${reason}`));
  const rpIdHash = reader.bytes(32, 'rpIdHash');
  const flags = reader.u8('flags');
  const signCount = reader.u32('signCount');
  let attested: AttestedCredential | null = null;
  if ((flags & AUTH_DATA_FLAG.AT) !== 0) {
    const aaguid = reader.bytes(16, 'aaguid');
    const length = reader.u16('credentialIdLength');
    if (length === 0 || length > MAX_CREDENTIAL_ID_LENGTH) throw malformed(`a credential id of ${length} bytes`);
    const credentialId = reader.bytes(length, 'credentialId');
    const key = decodePrefix(bytes.subarray(reader.offset));
    attested = { aaguid, credentialId, publicKey: reader.bytes(key.length), publicKeyValue: key.value };
  }
  let extensions: CborMap = new Map();
  if ((flags & AUTH_DATA_FLAG.ED) !== 0) {
    const decoded = decodePrefix(bytes.subarray(reader.offset), { maxDepth: EXTENSION_DEPTH });
    reader.bytes(decoded.length);
    extensions = asMap(decoded.value, 'extension outputs');
  }
  reader.end('authenticator data');
  return {
    bytes,
    rpIdHash,
    flags,
    userPresent: (flags & AUTH_DATA_FLAG.UP) !== 0,
    userVerified: (flags & AUTH_DATA_FLAG.UV) !== 0,
    signCount,
    attested,
    extensions,
  };
}

export const unverified = (reason: string): UnlockdError =>
  new UnlockdError('ERR_CTAP_VERIFICATION', `the answer of the security key does not verify: ${reason}`, {
    detail: { reason },
  });

/** The last one: a machine asks for the same relying party all day. */
let hashed: { readonly rpId: string; readonly hash: Uint8Array } | null = null;

/** SHA-256 of the relying party id, as authenticator data carries it. */
export function hashRpId(rpId: string): Uint8Array {
  if (hashed?.rpId !== rpId) hashed = { rpId, hash: createHash('sha256').update(utf8(rpId)).digest() };
  return hashed.hash;
}

/**
 * Checks what every answer has to satisfy.
 * @param expected `userPresent`, `userVerified`: what was asked for; more than asked is no error here
 * @throws {ERR_CTAP_VERIFICATION}
 */
export function checkAuthenticatorData(
  data: AuthenticatorData,
  expected: { readonly rpId: string; readonly userPresent: boolean; readonly userVerified: boolean },
): void {
  if (!bytesEqual(data.rpIdHash, hashRpId(expected.rpId))) throw unverified('it is for another relying party');
  if (expected.userPresent && !data.userPresent) throw unverified('the user was not present');
  if (expected.userVerified && !data.userVerified) throw unverified('the user was not verified');
}
