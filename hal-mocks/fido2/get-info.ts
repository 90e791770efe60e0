/** authenticatorGetInfo (CTAP 2.1 §6.4): the profile and the state, in the members that the version knows. */
import { fromHex } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { GET_INFO } from '../../drivers/fido2/wire/constants.ts';
import { CREDENTIAL_ID_LENGTH } from './credential.ts';
import { PUBLIC_KEY } from './descriptors.ts';
import type { CommandContext } from './session.ts';

/** FIDO Registry §3.1: USER_VERIFY_FINGERPRINT_INTERNAL. */
const UV_FINGERPRINT = 0x02;

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
  const { fingerprints, config } = profile;
  if (fingerprints !== null) {
    const enrolled = state.templates.length > 0;
    map.set('uv', enrolled);
    map.set('userVerificationMgmtPreview', enrolled);
    if (fingerprints.enrollment === 'yes') map.set('bioEnroll', enrolled);
  }
  if (profile.credentialManagement !== 'no') map.set('credentialMgmtPreview', true);
  if (profile.credentialManagement === 'yes') map.set('credMgmt', true);
  if (profile.largeBlobs > 0) map.set('largeBlobs', true);
  if (config !== null) {
    map.set('authnrCfg', true);
    if (profile.clientPin) map.set('setMinPINLength', true);
    if (config.enterpriseAttestation) map.set('ep', state.enterpriseAttestation);
  }
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
  map.set(
    GET_INFO.algorithms,
    profile.algorithms.map(
      (alg) =>
        new Map<string, CborValue>([
          ['alg', alg],
          ['type', PUBLIC_KEY],
        ]),
    ),
  );
  if (profile.clientPin) {
    map.set(GET_INFO.forcePINChange, state.forcePinChange);
    map.set(GET_INFO.minPINLength, state.minPinLength);
  }
  if (profile.largeBlobs > 0) map.set(GET_INFO.maxSerializedLargeBlobArray, profile.largeBlobs);
  if (profile.extensions.includes('credBlob')) map.set(GET_INFO.maxCredBlobLength, profile.maxCredBlobLength);
  if (profile.config !== null) {
    map.set(GET_INFO.maxRPIDsForSetMinPINLength, profile.config.setMinPinLengthRpIds);
  }
  if (profile.fingerprints !== null) {
    map.set(GET_INFO.preferredPlatformUvAttempts, profile.maxUvRetries);
    map.set(GET_INFO.uvModality, UV_FINGERPRINT);
  }
  map.set(GET_INFO.firmwareVersion, 1);
  map.set(GET_INFO.remainingDiscoverableCredentials, profile.residentCapacity - state.residents.length);
  return map;
}
