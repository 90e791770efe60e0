/**
 * authenticatorGetAssertion (CTAP 2.1 §6.2) for credentials that are named in the allow list. `assertSilently` asks
 * whether a key holds one of them, without a touch; `authenticatorGetAssertion` asks for a signature and verifies it.
 * Without an allow list: `next-assertion.ts`.
 */
import { bytesEqual, concat } from '../base/bytes.ts';
import { isUnlockdError } from '../base/errors.ts';
import { type AuthenticatorData, checkAuthenticatorData, parseAuthenticatorData, unverified } from './auth-data.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import { type CosePublicKey, verifySignature } from './cose-key.ts';
import { asBytes, asMap, member, optionalMember } from './fields.ts';
import { asLargeBlobKey, descriptors } from './make-credential.ts';
import { NO_VERIFICATION, type Verification, verificationMembers } from './verification.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import { GET_ASSERTION, GET_ASSERTION_RESPONSE } from './wire/constants.ts';

export interface GetAssertionRequest {
  /** 32 bytes. */
  readonly clientDataHash: Uint8Array;
  readonly rpId: string;
  /** The one credential that is to sign, and the public key it was enrolled with. */
  readonly credentialId: Uint8Array;
  readonly publicKey: CosePublicKey;
  /** Extension inputs by identifier. */
  readonly extensions?: CborMap;
  readonly verification: Verification;
}

/** What of a request is encoded. */
export interface AssertionParameters {
  readonly rpId: string;
  readonly clientDataHash: Uint8Array;
  /** Null: any discoverable credential of the relying party. */
  readonly allowList: readonly Uint8Array[] | null;
  readonly extensions?: CborMap | undefined;
  readonly verification: Verification;
  readonly userPresence: boolean;
}

/** Parameters of authenticatorGetAssertion. */
export function assertionParameters(request: AssertionParameters): CborMap {
  const members = new Map<number, CborValue>([
    [GET_ASSERTION.rpId, request.rpId],
    [GET_ASSERTION.clientDataHash, request.clientDataHash],
  ]);
  if (request.allowList !== null) members.set(GET_ASSERTION.allowList, descriptors(request.allowList));
  if (request.extensions !== undefined && request.extensions.size > 0) {
    members.set(GET_ASSERTION.extensions, request.extensions);
  }
  // `up` is true unless told, and some keys refuse what only repeats a default.
  const options = new Map<string, CborValue>();
  if (!request.userPresence) options.set('up', false);
  if (request.verification.kind === 'option') options.set('uv', true);
  if (options.size > 0) members.set(GET_ASSERTION.options, options);
  for (const [key, value] of verificationMembers(request.verification, request.clientDataHash, GET_ASSERTION)) {
    members.set(key, value);
  }
  return members;
}

/** §6.2.3: the credential may be left out when the allow list had one member. */
function echoedId(response: CborMap, allowList: readonly Uint8Array[]): Uint8Array {
  const credential = optionalMember(response, GET_ASSERTION_RESPONSE.credential, asMap, 'credential');
  const [only] = allowList;
  const echoed = credential === undefined ? undefined : member(credential, 'id', asBytes, 'credential.id');
  const id = echoed ?? (allowList.length === 1 ? only : undefined);
  if (id === undefined || !allowList.some((allowed) => bytesEqual(allowed, id))) {
    throw unverified('it is by a credential that was not asked for');
  }
  return id;
}

/** A verified assertion. */
export interface Assertion {
  readonly data: AuthenticatorData;
  /** §12.3, 32 bytes, not signed; null: not asked for, or the credential has none. */
  readonly largeBlobKey: Uint8Array | null;
}

/**
 * Verifies one response: signature, relying party, and what was asked for.
 * @throws {ERR_CTAP_VERIFICATION | ERR_CTAP_MALFORMED_RESPONSE | ERR_CTAP_INVALID_CBOR}
 */
export function verifyAssertion(
  response: CborMap,
  request: { readonly rpId: string; readonly clientDataHash: Uint8Array; readonly verification: Verification },
  publicKey: CosePublicKey,
): Assertion {
  const bytes = member(response, GET_ASSERTION_RESPONSE.authData, asBytes, 'authData');
  const signature = member(response, GET_ASSERTION_RESPONSE.signature, asBytes, 'signature');
  if (!verifySignature(publicKey, concat(bytes, request.clientDataHash), signature)) {
    throw unverified('the signature is not by the enrolled credential');
  }
  const data = parseAuthenticatorData(bytes);
  const userVerified = request.verification.kind !== 'none';
  checkAuthenticatorData(data, { rpId: request.rpId, userPresent: true, userVerified });
  const largeBlobKey = optionalMember(response, GET_ASSERTION_RESPONSE.largeBlobKey, asLargeBlobKey, 'largeBlobKey');
  return { data, largeBlobKey: largeBlobKey ?? null };
}

/**
 * Asks for an assertion, with touch, and verifies it.
 * @throws {ERR_CTAP_VERIFICATION | ERR_CTAP_NO_CREDENTIAL} and what {@link Authenticator.call} throws
 */
export async function authenticatorGetAssertion(
  authenticator: Authenticator,
  request: GetAssertionRequest,
  options: CallOptions,
): Promise<Assertion> {
  const allowList = [request.credentialId];
  const encoded = assertionParameters({ ...request, allowList, userPresence: true });
  const response = await authenticator.call('authenticatorGetAssertion', encoded, options);
  echoedId(response, allowList);
  return verifyAssertion(response, request, request.publicKey);
}

/**
 * Which of `allowList` the key holds, without a touch (`up` false). What it says is a hint: only a verified assertion
 * proves it.
 * @param allowList at most the key's maxCredentialCountInList
 * @returns the credential id, or null where it holds none
 */
export async function assertSilently(
  authenticator: Authenticator,
  request: { readonly rpId: string; readonly clientDataHash: Uint8Array; readonly allowList: readonly Uint8Array[] },
  options: CallOptions,
): Promise<Uint8Array | null> {
  const encoded = assertionParameters({ ...request, verification: NO_VERIFICATION, userPresence: false });
  try {
    const response = await authenticator.call('authenticatorGetAssertion', encoded, options);
    return echoedId(response, request.allowList);
  } catch (error) {
    if (isUnlockdError(error, 'ERR_CTAP_NO_CREDENTIAL')) return null;
    throw error;
  }
}
