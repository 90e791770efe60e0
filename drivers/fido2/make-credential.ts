/**
 * authenticatorMakeCredential (CTAP 2.1 §6.1). Extensions are members that the extension files make and read, so a new
 * one needs no change here.
 */

import { type AttestationResult, verifyAttestation } from './attestation.ts';
import {
  type AttestedCredential,
  type AuthenticatorData,
  checkAuthenticatorData,
  parseAuthenticatorData,
  unverified,
} from './auth-data.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import { type CosePublicKey, readCoseKey, SUPPORTED_ALGORITHMS } from './cose-key.ts';
import { type As, asBytes, asMap, asText, malformed, member, optionalMember } from './fields.ts';
import { type Verification, verificationMembers } from './verification.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import { MAKE_CREDENTIAL, MAKE_CREDENTIAL_RESPONSE } from './wire/constants.ts';

export interface MakeCredentialRequest {
  /** 32 bytes. */
  readonly clientDataHash: Uint8Array;
  readonly rpId: string;
  readonly user: { readonly id: Uint8Array; readonly name?: string; readonly displayName?: string };
  /** COSE algorithms, best first. */
  readonly algorithms?: readonly number[];
  /** Credential ids; a key that holds one of them refuses. */
  readonly exclude?: readonly Uint8Array[];
  /** Extension inputs by identifier. */
  readonly extensions?: CborMap;
  /** A discoverable credential takes one of the key's few slots. */
  readonly residentKey?: boolean;
  readonly verification: Verification;
}

export interface MadeCredential {
  readonly data: AuthenticatorData;
  readonly credential: AttestedCredential;
  readonly publicKey: CosePublicKey;
  readonly attestation: AttestationResult;
  /** §12.3, 32 bytes; null: none was asked for, or the key has none. */
  readonly largeBlobKey: Uint8Array | null;
}

/** PublicKeyCredentialDescriptors (WebAuthn §5.8.3). */
export const descriptors = (ids: readonly Uint8Array[]): CborValue =>
  ids.map(
    (id) =>
      new Map<string, CborValue>([
        ['id', id],
        ['type', 'public-key'],
      ]),
  );

function userEntity({ id, name, displayName }: MakeCredentialRequest['user']): CborValue {
  const entity = new Map<string, CborValue>([['id', id]]);
  if (name !== undefined) entity.set('name', name);
  if (displayName !== undefined) entity.set('displayName', displayName);
  return entity;
}

/** CTAP 2.1 §12.3. */
export const asLargeBlobKey: As<Uint8Array> = (value, what) => {
  const key = asBytes(value, what);
  if (key.length !== 32) throw malformed(`${what} of ${key.length} bytes`);
  return key;
};

function encode(request: MakeCredentialRequest, algorithms: readonly number[]): CborMap {
  const members = new Map<number, CborValue>([
    [MAKE_CREDENTIAL.clientDataHash, request.clientDataHash],
    [MAKE_CREDENTIAL.rp, new Map([['id', request.rpId]])],
    [MAKE_CREDENTIAL.user, userEntity(request.user)],
    [
      MAKE_CREDENTIAL.pubKeyCredParams,
      algorithms.map(
        (alg) =>
          new Map<string, CborValue>([
            ['alg', alg],
            ['type', 'public-key'],
          ]),
      ),
    ],
  ]);
  if (request.exclude !== undefined && request.exclude.length > 0) {
    members.set(MAKE_CREDENTIAL.excludeList, descriptors(request.exclude));
  }
  if (request.extensions !== undefined && request.extensions.size > 0) {
    members.set(MAKE_CREDENTIAL.extensions, request.extensions);
  }
  const options = new Map<string, CborValue>();
  if (request.residentKey === true) options.set('rk', true);
  if (request.verification.kind === 'option') options.set('uv', true);
  if (options.size > 0) members.set(MAKE_CREDENTIAL.options, options);
  for (const [key, value] of verificationMembers(request.verification, request.clientDataHash, MAKE_CREDENTIAL)) {
    members.set(key, value);
  }
  return members;
}

/**
 * Makes a credential and checks the answer: relying party, flags, algorithm, and the attestation's signature where it
 * can be checked without trust anchors.
 * @throws {ERR_CTAP_VERIFICATION | ERR_CTAP_ALREADY_ENROLLED | ERR_CTAP_UNSUPPORTED} and what
 *   {@link Authenticator.call} throws
 */
export async function authenticatorMakeCredential(
  authenticator: Authenticator,
  request: MakeCredentialRequest,
  options: CallOptions,
): Promise<MadeCredential> {
  const algorithms = request.algorithms ?? SUPPORTED_ALGORITHMS;
  const response = await authenticator.call('authenticatorMakeCredential', encode(request, algorithms), options);
  const fmt = member(response, MAKE_CREDENTIAL_RESPONSE.fmt, asText, 'fmt');
  const bytes = member(response, MAKE_CREDENTIAL_RESPONSE.authData, asBytes, 'authData');
  const attStmt = member(response, MAKE_CREDENTIAL_RESPONSE.attStmt, asMap, 'attStmt');
  const data = parseAuthenticatorData(bytes);
  checkAuthenticatorData(data, {
    rpId: request.rpId,
    userPresent: true,
    userVerified: request.verification.kind !== 'none',
  });
  if (data.attested === null) throw unverified('there is no credential in it');
  const publicKey = readCoseKey(data.attested.publicKeyValue);
  if (!algorithms.includes(publicKey.algorithm)) throw unverified('the algorithm was not offered');
  const attestation = verifyAttestation(fmt, attStmt, data, publicKey, request.clientDataHash);
  const largeBlobKey = optionalMember(response, MAKE_CREDENTIAL_RESPONSE.largeBlobKey, asLargeBlobKey, 'largeBlobKey');
  return { data, credential: data.attested, publicKey, attestation, largeBlobKey: largeBlobKey ?? null };
}
