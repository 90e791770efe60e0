/** authenticatorGetInfo (CTAP 2.1 §6.4): the profile and the state, in the members that the version knows. */
import { fromHex } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { COSE_ALG, GET_INFO } from '../../drivers/fido2/wire/constants.ts';
import { CREDENTIAL_ID_LENGTH } from './credential.ts';
import { PUBLIC_KEY } from './descriptors.ts';
import type { CommandContext } from './session.ts';

function options({ profile, state }: CommandContext): CborMap {
  const map = new Map<string, CborValue>([
    ['rk', profile.residentCapacity > 0],
    ['up', true],
    ['plat', false],
  ]);
  if (profile.clientPin) map.set('clientPin', state.pinHash !== null);
  if (profile.tokenPermissions) map.set('pinUvAuthToken', true);
  if (profile.alwaysUv !== null) map.set('alwaysUv', state.alwaysUv);
  if (profile.makeCredUvNotRqd) map.set('makeCredUvNotRqd', true);
  return map;
}

export function getInfo(context: CommandContext): CborMap {
  const { profile, state } = context;
  const map = new Map<number, CborValue>([
    [GET_INFO.versions, profile.versions],
    [GET_INFO.aaguid, fromHex(profile.aaguid)],
    [GET_INFO.options, options(context)],
    [GET_INFO.maxMsgSize, profile.maxMsgSize],
    [GET_INFO.pinUvAuthProtocols, profile.pinUvAuthProtocols],
  ]);
  if (profile.extensions.length > 0) map.set(GET_INFO.extensions, profile.extensions);
  if (!profile.getInfo21) return map;
  map.set(GET_INFO.maxCredentialCountInList, profile.maxCredentialCountInList);
  map.set(GET_INFO.maxCredentialIdLength, CREDENTIAL_ID_LENGTH);
  map.set(GET_INFO.transports, ['usb']);
  map.set(GET_INFO.algorithms, [
    new Map<string, CborValue>([
      ['alg', COSE_ALG.ES256],
      ['type', PUBLIC_KEY],
    ]),
  ]);
  if (profile.clientPin) {
    map.set(GET_INFO.forcePINChange, state.forcePinChange);
    map.set(GET_INFO.minPINLength, state.minPinLength);
  }
  map.set(GET_INFO.firmwareVersion, 1);
  map.set(GET_INFO.remainingDiscoverableCredentials, profile.residentCapacity - state.residents.length);
  return map;
}
