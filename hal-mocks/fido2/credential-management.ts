/**
 * authenticatorCredentialManagement (CTAP 2.1 §6.8), also under the number of the preview: what is stored, for whom, and
 * the end of it. An enumeration goes on only directly after the call that began it.
 */
import { bytesEqual, concat, u8 } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import {
  CREDENTIAL_MANAGEMENT,
  CREDENTIAL_MANAGEMENT_PARAM,
  CREDENTIAL_MANAGEMENT_RESPONSE,
  CREDENTIAL_MANAGEMENT_SUBCOMMAND,
  PERMISSION,
} from '../../drivers/fido2/wire/constants.ts';
import { type Credential, findCredential, residentsOf, rpIdHashOf } from './credential.ts';
import { PUBLIC_KEY } from './descriptors.ts';
import { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';
import type { ResidentCredential, UserEntity } from './state.ts';
import { type AuthKeys, requireToken } from './subcommand-auth.ts';

const KEYS: AuthKeys = {
  param: CREDENTIAL_MANAGEMENT.pinUvAuthParam,
  protocol: CREDENTIAL_MANAGEMENT.pinUvAuthProtocol,
};
const SUB = CREDENTIAL_MANAGEMENT_SUBCOMMAND;
const OUT = CREDENTIAL_MANAGEMENT_RESPONSE;
const EMPTY = new Params(new Map());

const paramsOf = (params: Params): Params => params.mapOr(CREDENTIAL_MANAGEMENT.subCommandParams) ?? EMPTY;

function authorize(context: CommandContext, params: Params, subCommand: number, rpIdHash: Uint8Array | null): void {
  const inner = params.mapOr(CREDENTIAL_MANAGEMENT.subCommandParams);
  const message = inner === undefined ? u8(subCommand) : concat(u8(subCommand), inner.encoded());
  requireToken(context, params, KEYS, message, PERMISSION.cm, rpIdHash);
}

/** Once for each relying party, in the order of their first credential. */
const relyingParties = (residents: readonly ResidentCredential[]): string[] => [
  ...new Set(residents.map(({ rpId }) => rpId)),
];

const rpOf = (rpId: string): [number, CborValue][] => [
  [OUT.rp, new Map<string, CborValue>([['id', rpId]])],
  [OUT.rpIDHash, rpIdHashOf(rpId)],
];

function metadata({ state, profile }: CommandContext): CborMap {
  const used = state.residents.length;
  return new Map<number, CborValue>([
    [OUT.existingResidentCredentialsCount, used],
    [OUT.maxPossibleRemainingResidentCredentialsCount, profile.residentCapacity - used],
  ]);
}

function enumerateRps(context: CommandContext): CborMap {
  const [first, ...left] = relyingParties(context.state.residents);
  if (first === undefined) throw refusal('CTAP2_ERR_NO_CREDENTIALS');
  context.session.enumeration = { of: 'relying parties', left: left.map((rpId) => () => new Map(rpOf(rpId))) };
  return new Map<number, CborValue>([...rpOf(first), [OUT.totalRPs, left.length + 1]]);
}

const userOf = ({ id, name, displayName }: UserEntity): CborMap => {
  const map = new Map<string, CborValue>([['id', id]]);
  if (name !== null) map.set('name', name);
  if (displayName !== null) map.set('displayName', displayName);
  return map;
};

function credentialOf({ id, key, protection, largeBlobKey, resident }: Credential): Map<number, CborValue> {
  const descriptor = new Map<string, CborValue>([
    ['id', id],
    ['type', PUBLIC_KEY],
  ]);
  const map = new Map<number, CborValue>([
    [OUT.credentialID, descriptor],
    [OUT.publicKey, key.publicKey],
    [OUT.credProtect, protection],
  ]);
  if (resident !== null) map.set(OUT.user, userOf(resident.user));
  if (largeBlobKey !== null) map.set(OUT.largeBlobKey, largeBlobKey);
  return map;
}

function enumerateCredentials(context: CommandContext, rpIdHash: Uint8Array): CborMap {
  const rpId = relyingParties(context.state.residents).find((id) => bytesEqual(rpIdHashOf(id), rpIdHash));
  const [first, ...left] = rpId === undefined ? [] : residentsOf(context.state, rpId);
  if (first === undefined) throw refusal('CTAP2_ERR_NO_CREDENTIALS');
  context.session.enumeration = { of: 'credentials', left: left.map((it) => () => credentialOf(it)) };
  return credentialOf(first).set(OUT.totalCredentials, left.length + 1);
}

function next(context: CommandContext, of: 'relying parties' | 'credentials'): CborMap {
  const { enumeration } = context.session;
  const make = enumeration?.of === of ? enumeration.left.shift() : undefined;
  if (make === undefined) throw refusal('CTAP2_ERR_NOT_ALLOWED');
  return make();
}

/** The resident credential that a descriptor names. @throws {CtapRefusal} CTAP2_ERR_NO_CREDENTIALS */
function named(context: CommandContext, params: Params): ResidentCredential {
  const id = params.map(CREDENTIAL_MANAGEMENT_PARAM.credentialID).bytes('id');
  const found = context.state.residents.find((it) => bytesEqual(it.id, id));
  if (found === undefined || findCredential(context.state, id, found.rpId) === null) {
    throw refusal('CTAP2_ERR_NO_CREDENTIALS');
  }
  return found;
}

function deleteCredential(context: CommandContext, params: Params): null {
  const gone = named(context, paramsOf(params));
  authorize(context, params, SUB.deleteCredential, rpIdHashOf(gone.rpId));
  context.state.residents = context.state.residents.filter((it) => it !== gone);
  context.save();
  return null;
}

function updateUser(context: CommandContext, params: Params): null {
  const inner = paramsOf(params);
  const before = named(context, inner);
  const user = inner.map(CREDENTIAL_MANAGEMENT_PARAM.user);
  authorize(context, params, SUB.updateUserInformation, rpIdHashOf(before.rpId));
  // §6.8.6: it names the same account, and what is left out is removed.
  if (!bytesEqual(user.bytes('id'), before.user.id)) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const changed: UserEntity = {
    id: before.user.id,
    name: user.textOr('name') || null,
    displayName: user.textOr('displayName') || null,
  };
  context.state.residents = context.state.residents.map((it) => (it === before ? { ...it, user: changed } : it));
  context.save();
  return null;
}

export function credentialManagement(context: CommandContext, params: Params): CborMap | null {
  const subCommand = params.int(CREDENTIAL_MANAGEMENT.subCommand);
  const goesOn = subCommand === SUB.enumerateRPsGetNextRP || subCommand === SUB.enumerateCredentialsGetNextCredential;
  if (!goesOn) context.session.enumeration = null;
  switch (subCommand) {
    case SUB.getCredsMetadata:
      authorize(context, params, subCommand, null);
      return metadata(context);
    case SUB.enumerateRPsBegin:
      authorize(context, params, subCommand, null);
      return enumerateRps(context);
    case SUB.enumerateRPsGetNextRP:
      return next(context, 'relying parties');
    case SUB.enumerateCredentialsBegin: {
      const rpIdHash = paramsOf(params).bytes(CREDENTIAL_MANAGEMENT_PARAM.rpIDHash);
      authorize(context, params, subCommand, rpIdHash);
      return enumerateCredentials(context, rpIdHash);
    }
    case SUB.enumerateCredentialsGetNextCredential:
      return next(context, 'credentials');
    case SUB.deleteCredential:
      return deleteCredential(context, params);
    case SUB.updateUserInformation:
      // The preview had no such subcommand.
      if (context.profile.credentialManagement === 'yes') return updateUser(context, params);
      break;
  }
  throw refusal('CTAP2_ERR_INVALID_SUBCOMMAND');
}
