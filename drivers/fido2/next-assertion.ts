/**
 * Assertions of discoverable credentials (CTAP 2.1 §6.2 without an allow list, §6.3 authenticatorGetNextAssertion). One
 * touch, an answer for each account; every one is verified before anything of it is believed.
 */
import { toHex } from '../base/bytes.ts';
import { UnlockdError } from '../base/errors.ts';
import { unverified } from './auth-data.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import type { CosePublicKey } from './cose-key.ts';
import { type UserEntity, userEntityOf } from './credential-management.ts';
import { asBytes, asMap, asUnsigned, malformed, member, optionalMember } from './fields.ts';
import { type Assertion, assertionParameters, verifyAssertion } from './get-assertion.ts';
import type { Verification } from './verification.ts';
import type { CborMap } from './wire/cbor.ts';
import { GET_ASSERTION_RESPONSE } from './wire/constants.ts';

/** More than any key stores; each costs a signature. */
const MAX_ASSERTIONS = 256;

export interface DiscoverableRequest {
  /** 32 bytes. */
  readonly clientDataHash: Uint8Array;
  readonly rpId: string;
  /** The key with which a credential was made; null: nobody knows it. */
  readonly publicKeyOf: (credentialId: Uint8Array) => CosePublicKey | null;
  /** Extension inputs by identifier. */
  readonly extensions?: CborMap;
  readonly verification: Verification;
}

export interface DiscoveredAssertion extends Assertion {
  readonly credentialId: Uint8Array;
  /** Names only after user verification, and where there was a choice. Not signed. */
  readonly user: UserEntity | null;
}

const idOf = (response: CborMap): Uint8Array => {
  const credential = member(response, GET_ASSERTION_RESPONSE.credential, asMap, 'credential');
  return member(credential, 'id', asBytes, 'credential.id');
};

/**
 * Asks for an assertion of every discoverable credential of the relying party, newest first. Those of credentials whose
 * public key nobody knows are left out, as nothing in them can be verified.
 * @throws {ERR_CTAP_NO_CREDENTIAL | ERR_CTAP_VERIFICATION | ERR_CTAP_MALFORMED_RESPONSE} and what
 *   {@link Authenticator.call} throws
 */
export async function authenticatorGetAssertions(
  authenticator: Authenticator,
  request: DiscoverableRequest,
  options: CallOptions,
): Promise<readonly DiscoveredAssertion[]> {
  const parameters = assertionParameters({ ...request, allowList: null, userPresence: true });
  const first = await authenticator.call('authenticatorGetAssertion', parameters, options);
  const count = optionalMember(first, GET_ASSERTION_RESPONSE.numberOfCredentials, asUnsigned, 'numberOfCredentials');
  const total = count ?? 1;
  if (total < 1 || total > MAX_ASSERTIONS) throw malformed(`numberOfCredentials is ${total}`);
  const seen = new Set<string>();
  const found: DiscoveredAssertion[] = [];
  for (let number = 0; number < total; number++) {
    const response = number === 0 ? first : await authenticator.call('authenticatorGetNextAssertion', null, options);
    const credentialId = idOf(response);
    const name = toHex(credentialId);
    if (seen.has(name)) throw unverified('the same credential comes twice');
    seen.add(name);
    const publicKey = request.publicKeyOf(credentialId);
    if (publicKey === null) continue;
    const user = optionalMember(response, GET_ASSERTION_RESPONSE.user, asMap, 'user');
    const assertion = verifyAssertion(response, request, publicKey);
    found.push({ ...assertion, credentialId, user: user === undefined ? null : userEntityOf(user) });
  }
  if (found.length > 0) return found;
  throw new UnlockdError('ERR_CTAP_NO_CREDENTIAL', 'the security key stores no credential that is known here');
}
