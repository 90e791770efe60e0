/**
 * authenticatorMakeCredential (CTAP 2.1 §6.1.2): a new ES256 credential with packed self attestation, resident or
 * inside its id, after the touch.
 */
import { bytesEqual, concat } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { COSE_ALG, MAKE_CREDENTIAL, MAKE_CREDENTIAL_RESPONSE, PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { authDataParts, encodeAuthData } from './authenticator-data.ts';
import { findCredential, newCredentialId, type ProtectionLevel } from './credential.ts';
import { credentialIds, locate, PUBLIC_KEY } from './descriptors.ts';
import { signEs256 } from './p256.ts';
import { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';
import type { UserEntity } from './state.ts';
import { selectByTouch, spendToken, type UvKeys, verifyUser } from './user-verification.ts';

const UV_KEYS: UvKeys = {
  clientDataHash: MAKE_CREDENTIAL.clientDataHash,
  param: MAKE_CREDENTIAL.pinUvAuthParam,
  protocol: MAKE_CREDENTIAL.pinUvAuthProtocol,
};
const MAX_USER_ID = 64;

function userOf(params: Params): UserEntity {
  const user = params.map(MAKE_CREDENTIAL.user);
  const id = user.bytes('id');
  if (id.length === 0 || id.length > MAX_USER_ID) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  return { id: new Uint8Array(id), name: user.textOr('name') ?? null, displayName: user.textOr('displayName') ?? null };
}

/** Step 3: every element is looked at, although the first known one decides. */
function checkAlgorithms(params: Params): void {
  const algorithms = (params.listOr(MAKE_CREDENTIAL.pubKeyCredParams) ?? []).map((entry) => {
    const it = Params.of(entry);
    const [alg, type] = [it.int('alg'), it.text('type')];
    return type === PUBLIC_KEY ? alg : null;
  });
  if (!algorithms.includes(COSE_ALG.ES256)) throw refusal('CTAP2_ERR_UNSUPPORTED_ALGORITHM');
}

/** Step 5. Returns whether the credential shall be resident. */
function residentOf(context: CommandContext, params: Params): boolean {
  const options = params.mapOr(MAKE_CREDENTIAL.options);
  if (options?.boolOr('up') === false) throw refusal('CTAP2_ERR_INVALID_OPTION');
  if (options?.boolOr('uv') && !params.has(MAKE_CREDENTIAL.pinUvAuthParam)) throw refusal('CTAP2_ERR_INVALID_OPTION');
  const resident = options?.boolOr('rk') ?? false;
  if (resident && context.profile.residentCapacity === 0) throw refusal('CTAP2_ERR_UNSUPPORTED_OPTION');
  return resident;
}

/** Steps 6 to 9: who has to bring a token. */
function checkVerificationNeeded(context: CommandContext, params: Params, resident: boolean): void {
  if (params.has(MAKE_CREDENTIAL.pinUvAuthParam)) return;
  const { profile, state } = context;
  if (state.alwaysUv) throw refusal(profile.clientPin ? 'CTAP2_ERR_PUAT_REQUIRED' : 'CTAP2_ERR_OPERATION_DENIED');
  if (state.pinHash === null || (profile.makeCredUvNotRqd && !resident)) return;
  throw refusal('CTAP2_ERR_PUAT_REQUIRED');
}

/** §12.1 and §12.5: what the extensions ask for at registration. */
function extensionsOf(context: CommandContext, params: Params) {
  const input = params.mapOr(MAKE_CREDENTIAL.extensions);
  const output = new Map<string, CborValue>();
  let protection: ProtectionLevel = 1;
  if (context.profile.extensions.includes('credProtect') && input?.has('credProtect')) {
    const level = input.int('credProtect');
    if (level !== 1 && level !== 2 && level !== 3) throw refusal('CTAP2_ERR_INVALID_OPTION');
    protection = level;
    output.set('credProtect', level);
  }
  if (context.profile.extensions.includes('hmac-secret') && input?.boolOr('hmac-secret')) {
    output.set('hmac-secret', true);
  }
  return { protection, output };
}

function store(context: CommandContext, id: Uint8Array, rpId: string, user: UserEntity): void {
  const { state, profile } = context;
  const others = state.residents.filter((it) => it.rpId !== rpId || !bytesEqual(it.user.id, user.id));
  if (others.length >= profile.residentCapacity) throw refusal('CTAP2_ERR_KEY_STORE_FULL');
  state.residents = [...others, { id, rpId, user, serial: state.nextSerial++ }];
}

export async function makeCredential(context: CommandContext, params: Params): Promise<CborMap> {
  params.require(MAKE_CREDENTIAL.clientDataHash, MAKE_CREDENTIAL.rp, MAKE_CREDENTIAL.user);
  params.require(MAKE_CREDENTIAL.pubKeyCredParams);
  await selectByTouch(context, params, UV_KEYS);
  const clientDataHash = params.bytes(MAKE_CREDENTIAL.clientDataHash);
  if (clientDataHash.length !== 32) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const rpId = params.map(MAKE_CREDENTIAL.rp).text('id');
  const user = userOf(params);
  checkAlgorithms(params);
  const resident = residentOf(context, params);
  if (params.has(MAKE_CREDENTIAL.enterpriseAttestation)) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  checkVerificationNeeded(context, params, resident);
  const { protection, output } = extensionsOf(context, params);
  const uv = verifyUser(context, params, UV_KEYS, PERMISSION.mc, rpId);

  const excluded = locate(context, credentialIds(context, params, MAKE_CREDENTIAL.excludeList) ?? [], rpId);
  const isExcluded = excluded.some((it) => it.protection !== 3 || uv);
  await context.touch();
  spendToken(context);
  if (isExcluded) throw refusal('CTAP2_ERR_CREDENTIAL_EXCLUDED');

  const { state } = context;
  const id = newCredentialId(state, context.entropy, { rpId, protection, resident });
  if (resident) store(context, id, rpId, user);
  state.signCount++;
  context.save();
  const credential = findCredential(state, id, rpId);
  if (credential === null) throw refusal('CTAP2_ERR_PROCESSING');
  const parts = authDataParts(context.profile, {
    credential,
    attest: true,
    up: true,
    uv,
    signCount: state.signCount,
    extensions: output,
  });
  const authData = encodeAuthData(context.bend(parts));
  const attStmt = new Map<string, CborValue>([
    ['alg', COSE_ALG.ES256],
    ['sig', signEs256(credential.keys, concat(authData, clientDataHash))],
  ]);
  return new Map<number, CborValue>([
    [MAKE_CREDENTIAL_RESPONSE.fmt, 'packed'],
    [MAKE_CREDENTIAL_RESPONSE.authData, authData],
    [MAKE_CREDENTIAL_RESPONSE.attStmt, attStmt],
  ]);
}
