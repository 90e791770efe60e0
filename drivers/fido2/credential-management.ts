/**
 * authenticatorCredentialManagement (CTAP 2.1 §6.8): what a key stores, for whom, and the end of it; under the number of
 * the preview for keys that know no other.
 */
import { bytesEqual, toHex, utf8 } from '../base/bytes.ts';
import { hashRpId, unverified } from './auth-data.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import type { PinUvAuthToken } from './client-pin.ts';
import { asBytes, asMap, asText, asUnsigned, malformed, member, optionalMember } from './fields.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import { asLargeBlobKey } from './make-credential.ts';
import { managedCall, unsupported } from './managed-call.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import {
  CREDENTIAL_MANAGEMENT,
  CREDENTIAL_MANAGEMENT_PARAM,
  CREDENTIAL_MANAGEMENT_RESPONSE,
  CREDENTIAL_MANAGEMENT_SUBCOMMAND,
} from './wire/constants.ts';

const OUT = CREDENTIAL_MANAGEMENT_RESPONSE;
type Subcommand = keyof typeof CREDENTIAL_MANAGEMENT_SUBCOMMAND;

/** More than any key stores; a key that goes on is broken or hostile. */
const MAX_ENUMERATED = 1024;
/** Bytes that a key keeps at least of the id of a relying party. */
const WHOLE_ID = 32;

export interface CredentialsMetadata {
  readonly stored: number;
  readonly remaining: number;
}

export interface StoredRelyingParty {
  /** What the key kept of it: keys may cut it, or leave it out. */
  readonly id: string | null;
  readonly name: string | null;
  /** SHA-256 of the whole id. */
  readonly idHash: Uint8Array;
}

export interface UserEntity {
  readonly id: Uint8Array;
  readonly name: string | null;
  readonly displayName: string | null;
}

export interface StoredCredential {
  readonly id: Uint8Array;
  readonly user: UserEntity;
  /** COSE_Key as it came. */
  readonly publicKey: CborMap;
  /** {@link CRED_PROTECT_POLICY}; null: the key does not say. */
  readonly credProtect: number | null;
  readonly largeBlobKey: Uint8Array | null;
}

/** Runs the subcommands on one key, under one token. */
export class CredentialManagement {
  readonly #authenticator: Authenticator;
  readonly #name: 'authenticatorCredentialManagement' | 'authenticatorCredentialManagementPreview';
  readonly #token: PinUvAuthToken;

  /**
   * @param token with the permission `cm`; stays the caller's
   * @throws {ERR_CTAP_UNSUPPORTED}
   */
  constructor(authenticator: Authenticator, info: AuthenticatorInfo, token: PinUvAuthToken) {
    this.#authenticator = authenticator;
    this.#token = token;
    this.#name = CredentialManagement.require(info);
  }

  /** Which command the key knows, without asking it for anything. @throws {ERR_CTAP_UNSUPPORTED} */
  static require({
    options,
  }: AuthenticatorInfo): 'authenticatorCredentialManagement' | 'authenticatorCredentialManagementPreview' {
    if (options.get('credMgmt') === true) return 'authenticatorCredentialManagement';
    if (options.get('credentialMgmtPreview') === true) return 'authenticatorCredentialManagementPreview';
    throw unsupported('does not list or delete credentials');
  }

  #call(subcommand: Subcommand, options: CallOptions, params?: CborMap, authenticated = true): Promise<CborMap> {
    const subCommand = CREDENTIAL_MANAGEMENT_SUBCOMMAND[subcommand];
    const token = authenticated ? this.#token : null;
    const request = { name: this.#name, keys: CREDENTIAL_MANAGEMENT, subCommand, params, token };
    return managedCall(this.#authenticator, request, options);
  }

  async metadata(options: CallOptions): Promise<CredentialsMetadata> {
    const map = await this.#call('getCredsMetadata', options);
    const stored = member(map, OUT.existingResidentCredentialsCount, asUnsigned, 'existingResidentCredentialsCount');
    const key = OUT.maxPossibleRemainingResidentCredentialsCount;
    return { stored, remaining: member(map, key, asUnsigned, 'maxPossibleRemainingResidentCredentialsCount') };
  }

  /** Empty where nothing is stored. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
  async relyingParties(options: CallOptions): Promise<readonly StoredRelyingParty[]> {
    // The preview of some keys says that there is none only so.
    if ((await this.metadata(options)).stored === 0) return [];
    const first = await this.#call('enumerateRPsBegin', options);
    const total = countOf(first, OUT.totalRPs, 'totalRPs');
    const found = total === 0 ? [] : [relyingPartyOf(first)];
    while (found.length < total) {
      found.push(relyingPartyOf(await this.#call('enumerateRPsGetNextRP', options, undefined, false)));
    }
    checkDistinct(found.map(({ idHash }) => idHash));
    return found;
  }

  /** @param idHash of the relying party @throws {ERR_CTAP_NO_CREDENTIAL | ERR_CTAP_MALFORMED_RESPONSE} */
  async credentials(idHash: Uint8Array, options: CallOptions): Promise<readonly StoredCredential[]> {
    const params = new Map<number, CborValue>([[CREDENTIAL_MANAGEMENT_PARAM.rpIDHash, idHash]]);
    const first = await this.#call('enumerateCredentialsBegin', options, params);
    const total = countOf(first, OUT.totalCredentials, 'totalCredentials');
    const found = total === 0 ? [] : [credentialOf(first)];
    while (found.length < total) {
      found.push(credentialOf(await this.#call('enumerateCredentialsGetNextCredential', options, undefined, false)));
    }
    checkDistinct(found.map(({ id }) => id));
    return found;
  }

  /** @throws {ERR_CTAP_NO_CREDENTIAL} */
  async delete(credentialId: Uint8Array, options: CallOptions): Promise<void> {
    const params = new Map<number, CborValue>([[CREDENTIAL_MANAGEMENT_PARAM.credentialID, descriptor(credentialId)]]);
    await this.#call('deleteCredential', options, params);
  }

  /**
   * §6.8.6: the account's names; its id has to be the one that is stored.
   * @throws {ERR_CTAP_NO_CREDENTIAL | ERR_CTAP_UNSUPPORTED}
   */
  async updateUser(credentialId: Uint8Array, user: UserEntity, options: CallOptions): Promise<void> {
    if (this.#name !== 'authenticatorCredentialManagement') throw unsupported('does not rename accounts');
    const entity = new Map<string, CborValue>([['id', user.id]]);
    if (user.name !== null) entity.set('name', user.name);
    if (user.displayName !== null) entity.set('displayName', user.displayName);
    const params = new Map<number, CborValue>([
      [CREDENTIAL_MANAGEMENT_PARAM.credentialID, descriptor(credentialId)],
      [CREDENTIAL_MANAGEMENT_PARAM.user, entity],
    ]);
    await this.#call('updateUserInformation', options, params);
  }
}

const descriptor = (id: Uint8Array): CborMap =>
  new Map<string, CborValue>([
    ['id', id],
    ['type', 'public-key'],
  ]);

/** @throws {ERR_CTAP_VERIFICATION} */
function checkDistinct(names: readonly Uint8Array[]): void {
  if (new Set(names.map(toHex)).size < names.length) throw unverified('it lists the same thing twice');
}

function countOf(map: CborMap, key: number, what: string): number {
  const count = member(map, key, asUnsigned, what);
  if (count > MAX_ENUMERATED) throw malformed(`${what} of ${count}`);
  return count;
}

function relyingPartyOf(map: CborMap): StoredRelyingParty {
  const idHash = member(map, OUT.rpIDHash, asBytes, 'rpIDHash');
  if (idHash.length !== 32) throw malformed(`rpIDHash of ${idHash.length} bytes`);
  const rp = optionalMember(map, OUT.rp, asMap, 'rp') ?? new Map();
  const id = optionalMember(rp, 'id', asText, 'rp.id') ?? null;
  // What is listed under a name is deleted under its digest. Only ids that are this short came whole for certain (§6.8.7).
  if (id !== null && utf8(id).length < WHOLE_ID && !bytesEqual(hashRpId(id), idHash)) {
    throw unverified('it names another relying party than it means');
  }
  return { id, name: optionalMember(rp, 'name', asText, 'rp.name') ?? null, idHash };
}

/** @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export function userEntityOf(map: CborMap): UserEntity {
  return {
    id: member(map, 'id', asBytes, 'user.id'),
    name: optionalMember(map, 'name', asText, 'user.name') ?? null,
    displayName: optionalMember(map, 'displayName', asText, 'user.displayName') ?? null,
  };
}

function credentialOf(map: CborMap): StoredCredential {
  const largeBlobKey = optionalMember(map, OUT.largeBlobKey, asLargeBlobKey, 'largeBlobKey') ?? null;
  return {
    id: member(member(map, OUT.credentialID, asMap, 'credentialID'), 'id', asBytes, 'credentialID.id'),
    user: userEntityOf(member(map, OUT.user, asMap, 'user')),
    publicKey: member(map, OUT.publicKey, asMap, 'publicKey'),
    credProtect: optionalMember(map, OUT.credProtect, asUnsigned, 'credProtect') ?? null,
    largeBlobKey,
  };
}
