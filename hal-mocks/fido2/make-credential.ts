/**
 * authenticatorMakeCredential (CTAP 2.1 §6.1.2): a new credential with packed self attestation, resident or
 * inside its id, after the touch.
 */
import { bytesEqual, concat, fromHex } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { COSE_ALG, MAKE_CREDENTIAL, MAKE_CREDENTIAL_RESPONSE, PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { attestationCertificate, batchKey } from './attestation-certificate.ts';
import { authDataParts, encodeAuthData } from './authenticator-data.ts';
import { uvIsConfigured } from './built-in-uv.ts';
import { type Credential, findCredential, newCredentialId } from './credential.ts';
import { credentialIds, locate, PUBLIC_KEY } from './descriptors.ts';
import { registrationExtensions } from './extensions.ts';
import { signEs256 } from './p256.ts';
import { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';
import type { SigningAlgorithm } from './signing-key.ts';
import type { UserEntity } from './state.ts';
import { asksForFinger, requirePresence, selectByTouch, type UvKeys, verifyUser } from './user-verification.ts';

const UV_KEYS: UvKeys = {
  clientDataHash: MAKE_CREDENTIAL.clientDataHash,
  options: MAKE_CREDENTIAL.options,
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
function algorithmOf(context: CommandContext, params: Params): SigningAlgorithm {
  const algorithms = (params.listOr(MAKE_CREDENTIAL.pubKeyCredParams) ?? []).map((entry) => {
    const it = Params.of(entry);
    const [alg, type] = [it.int('alg'), it.text('type')];
    return type === PUBLIC_KEY ? alg : null;
  });
  for (const wanted of algorithms) {
    const known = context.profile.algorithms.find((alg) => alg === wanted);
    if (known !== undefined) return known;
  }
  throw refusal('CTAP2_ERR_UNSUPPORTED_ALGORITHM');
}

/** Step 5. Returns whether the credential shall be resident. */
function residentOf(context: CommandContext, params: Params): boolean {
  const options = params.mapOr(MAKE_CREDENTIAL.options);
  if (options?.boolOr('up') === false) throw refusal('CTAP2_ERR_INVALID_OPTION');
  const resident = options?.boolOr('rk') ?? false;
  if (resident && context.profile.residentCapacity === 0) throw refusal('CTAP2_ERR_UNSUPPORTED_OPTION');
  return resident;
}

/** Step 4 (enterprise attestation, §7.1): the platform's list is enough, as this key has none of its own. */
function enterpriseOf({ state }: CommandContext, params: Params): boolean {
  const asked = params.intOr(MAKE_CREDENTIAL.enterpriseAttestation);
  if (asked === undefined) return false;
  if (!state.enterpriseAttestation) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  if (asked !== 1 && asked !== 2) throw refusal('CTAP2_ERR_INVALID_OPTION');
  return asked === 2;
}

/** Steps 6 to 9: who has to bring a token. */
function checkVerificationNeeded(context: CommandContext, params: Params, resident: boolean): void {
  if (params.has(MAKE_CREDENTIAL.pinUvAuthParam) || asksForFinger(context, params, UV_KEYS)) return;
  const { profile, state } = context;
  // §6.1.2 step 6: a key that always verifies does so by itself where it can.
  if (state.alwaysUv && uvIsConfigured(context)) return;
  if (state.alwaysUv) throw refusal(profile.clientPin ? 'CTAP2_ERR_PUAT_REQUIRED' : 'CTAP2_ERR_OPERATION_DENIED');
  const isProtected = state.pinHash !== null || uvIsConfigured(context);
  if (!isProtected || (profile.makeCredUvNotRqd && !resident)) return;
  throw refusal('CTAP2_ERR_PUAT_REQUIRED');
}

function store(
  context: CommandContext,
  id: Uint8Array,
  rpId: string,
  user: UserEntity,
  credBlob: Uint8Array | null,
): void {
  const { state, profile } = context;
  const others = state.residents.filter((it) => it.rpId !== rpId || !bytesEqual(it.user.id, user.id));
  if (others.length >= profile.residentCapacity) throw refusal('CTAP2_ERR_KEY_STORE_FULL');
  state.residents = [...others, { id, rpId, user, serial: state.nextSerial++, credBlob }];
}

/** WebAuthn §8.2: `packed`, by the credential itself or by the batch key. */
function attestationStatement({ profile }: CommandContext, credential: Credential, signed: Uint8Array): CborMap {
  const byItself = profile.attestation === 'self';
  const statement = new Map<string, CborValue>([
    ['alg', byItself ? credential.key.alg : COSE_ALG.ES256],
    ['sig', byItself ? credential.key.sign(signed) : signEs256(batchKey(), signed)],
  ]);
  if (!byItself) statement.set('x5c', [attestationCertificate(fromHex(profile.aaguid))]);
  return statement;
}

export async function makeCredential(context: CommandContext, params: Params): Promise<CborMap> {
  params.require(MAKE_CREDENTIAL.clientDataHash, MAKE_CREDENTIAL.rp, MAKE_CREDENTIAL.user);
  params.require(MAKE_CREDENTIAL.pubKeyCredParams);
  await selectByTouch(context, params, UV_KEYS);
  const clientDataHash = params.bytes(MAKE_CREDENTIAL.clientDataHash);
  if (clientDataHash.length !== 32) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const rpId = params.map(MAKE_CREDENTIAL.rp).text('id');
  const user = userOf(params);
  const alg = algorithmOf(context, params);
  const resident = residentOf(context, params);
  const enterprise = enterpriseOf(context, params);
  checkVerificationNeeded(context, params, resident);
  const uv = await verifyUser(context, params, UV_KEYS, PERMISSION.mc, rpId);
  const extensions = registrationExtensions(context, params, { rpId, resident });
  const { protection, output, credBlob, largeBlob, hmacSecret } = extensions;

  const excluded = locate(context, credentialIds(context, params, MAKE_CREDENTIAL.excludeList) ?? [], rpId);
  const isExcluded = excluded.some((it) => it.protection !== 3 || uv);
  await requirePresence(context);
  if (isExcluded) throw refusal('CTAP2_ERR_CREDENTIAL_EXCLUDED');

  const { state } = context;
  const id = newCredentialId(state, context.entropy, { rpId, protection, resident, alg, largeBlob });
  if (resident) store(context, id, rpId, user, credBlob);
  state.signCount++;
  context.save();
  const credential = findCredential(state, id, rpId);
  if (credential === null) throw refusal('CTAP2_ERR_PROCESSING');
  if (hmacSecret !== null) output.set('hmac-secret-mc', hmacSecret.answer(credential, uv));
  const parts = authDataParts(context.profile, {
    credential,
    attest: true,
    up: true,
    uv,
    signCount: state.signCount,
    extensions: output,
  });
  const authData = encodeAuthData(context.bend(parts));
  const attStmt = attestationStatement(context, credential, concat(authData, clientDataHash));
  const response = new Map<number, CborValue>([
    [MAKE_CREDENTIAL_RESPONSE.fmt, 'packed'],
    [MAKE_CREDENTIAL_RESPONSE.authData, authData],
    [MAKE_CREDENTIAL_RESPONSE.attStmt, attStmt],
  ]);
  if (enterprise) response.set(MAKE_CREDENTIAL_RESPONSE.epAtt, true);
  if (credential.largeBlobKey !== null) {
    response.set(MAKE_CREDENTIAL_RESPONSE.largeBlobKey, credential.largeBlobKey);
  }
  return response;
}
