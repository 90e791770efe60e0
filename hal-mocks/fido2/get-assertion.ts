/**
 * authenticatorGetAssertion and authenticatorGetNextAssertion (CTAP 2.1 §6.2.2 and §6.3): signatures by credentials of
 * the allowList or by resident ones, newest first, with hmac-secret where it was asked for.
 */
import { seconds } from '../../drivers/base/brand.ts';
import { concat } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { GET_ASSERTION, GET_ASSERTION_RESPONSE, PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { authDataParts, encodeAuthData } from './authenticator-data.ts';
import { uvIsConfigured } from './built-in-uv.ts';
import { type Credential, residentsOf } from './credential.ts';
import { credentialIds, locate, PUBLIC_KEY } from './descriptors.ts';
import { type HmacSecretRequest, hmacSecretRequest } from './hmac-secret.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';
import type { UserEntity } from './state.ts';
import { requirePresence, selectByTouch, type UvKeys, verifyUser } from './user-verification.ts';

const UV_KEYS: UvKeys = {
  clientDataHash: GET_ASSERTION.clientDataHash,
  options: GET_ASSERTION.options,
  param: GET_ASSERTION.pinUvAuthParam,
  protocol: GET_ASSERTION.pinUvAuthProtocol,
};
/** §6.3: how long the next assertion may be fetched. */
const REMEMBER = seconds(30);

/** Step 4. Returns whether a touch is wanted. */
function upOf(params: Params): boolean {
  const options = params.mapOr(GET_ASSERTION.options);
  if (options?.has('rk')) throw refusal('CTAP2_ERR_UNSUPPORTED_OPTION');
  return options?.boolOr('up') ?? true;
}

/** Step 7, with what credProtect hides (§12.1). */
function applicable(context: CommandContext, ids: readonly Uint8Array[] | null, rpId: string, uv: boolean) {
  const found = ids === null ? residentsOf(context.state, rpId) : locate(context, ids, rpId);
  const visible = found.filter((it) => uv || it.protection === 1 || (it.protection === 2 && ids !== null));
  if (visible.length === 0) throw refusal('CTAP2_ERR_NO_CREDENTIALS');
  return visible;
}

/** §6.2.2: names identify a person, so they go out only after verification and only where there is a choice. */
function userEntity(user: UserEntity, full: boolean): CborMap {
  const map = new Map<string, CborValue>([['id', user.id]]);
  if (full && user.name !== null) map.set('name', user.name);
  if (full && user.displayName !== null) map.set('displayName', user.displayName);
  return map;
}

interface Ceremony {
  readonly clientDataHash: Uint8Array;
  readonly up: boolean;
  readonly uv: boolean;
  readonly hmacSecret: HmacSecretRequest | null;
  readonly credBlob: boolean;
  readonly largeBlobKey: boolean;
  readonly hasChoice: boolean;
}

function answer(context: CommandContext, ceremony: Ceremony, credential: Credential): Map<number, CborValue> {
  const { up, uv, hmacSecret } = ceremony;
  const extensions = new Map<string, CborValue>();
  if (hmacSecret) extensions.set('hmac-secret', hmacSecret.answer(credential, uv));
  if (ceremony.credBlob) extensions.set('credBlob', credential.resident?.credBlob ?? new Uint8Array(0));
  context.state.signCount++;
  context.save();
  const { signCount } = context.state;
  const parts = authDataParts(context.profile, { credential, attest: false, up, uv, signCount, extensions });
  const authData = encodeAuthData(context.bend(parts));
  const response = new Map<number, CborValue>([
    [
      GET_ASSERTION_RESPONSE.credential,
      new Map<string, CborValue>([
        ['id', credential.id],
        ['type', PUBLIC_KEY],
      ]),
    ],
    [GET_ASSERTION_RESPONSE.authData, authData],
    [GET_ASSERTION_RESPONSE.signature, credential.key.sign(concat(authData, ceremony.clientDataHash))],
  ]);
  if (credential.resident) {
    response.set(GET_ASSERTION_RESPONSE.user, userEntity(credential.resident.user, uv && ceremony.hasChoice));
  }
  if (ceremony.largeBlobKey && credential.largeBlobKey !== null) {
    response.set(GET_ASSERTION_RESPONSE.largeBlobKey, credential.largeBlobKey);
  }
  return response;
}

/** §12.2 and §12.3: extensions that are asked for by `true`. */
function asks(context: CommandContext, input: Params | undefined, name: 'credBlob' | 'largeBlobKey'): boolean {
  if (!context.profile.extensions.includes(name) || input?.has(name) !== true) return false;
  const wanted = input.boolOr(name) === true;
  if (!wanted && name === 'largeBlobKey') throw refusal('CTAP2_ERR_INVALID_OPTION');
  return wanted;
}

export async function getAssertion(context: CommandContext, params: Params): Promise<CborMap> {
  params.require(GET_ASSERTION.rpId, GET_ASSERTION.clientDataHash);
  await selectByTouch(context, params, UV_KEYS);
  const rpId = params.text(GET_ASSERTION.rpId);
  const clientDataHash = params.bytes(GET_ASSERTION.clientDataHash);
  if (clientDataHash.length !== 32) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const up = upOf(params);
  const verifies = params.has(GET_ASSERTION.pinUvAuthParam) || uvIsConfigured(context);
  if (context.state.alwaysUv && up && !verifies) {
    throw refusal(context.profile.clientPin ? 'CTAP2_ERR_PUAT_REQUIRED' : 'CTAP2_ERR_OPERATION_DENIED');
  }
  const uv = await verifyUser(context, params, UV_KEYS, PERMISSION.ga, rpId, up);
  const ids = credentialIds(context, params, GET_ASSERTION.allowList);
  const found = applicable(context, ids, rpId, uv);

  const input = params.mapOr(GET_ASSERTION.extensions);
  let hmacSecret: HmacSecretRequest | null = null;
  if (context.profile.extensions.includes('hmac-secret') && input?.has('hmac-secret')) {
    if (!up) throw refusal('CTAP2_ERR_UNSUPPORTED_OPTION');
    hmacSecret = hmacSecretRequest(context, input.map('hmac-secret'));
  }
  const [credBlob, largeBlobKey] = [asks(context, input, 'credBlob'), asks(context, input, 'largeBlobKey')];
  if (up) await requirePresence(context);
  const [first, ...left] = ids === null ? found : found.slice(0, 1);
  if (first === undefined) throw refusal('CTAP2_ERR_NO_CREDENTIALS');
  const hasChoice = left.length > 0;
  const ceremony: Ceremony = { clientDataHash, up, uv, hmacSecret, credBlob, largeBlobKey, hasChoice };
  const response = answer(context, ceremony, first);
  if (left.length > 0) {
    response.set(GET_ASSERTION_RESPONSE.numberOfCredentials, left.length + 1);
    const next = (credential: Credential) => answer(context, ceremony, credential);
    context.session.remembered = { left, answer: next, since: context.clock.now() };
  }
  return response;
}

/** @throws {CtapRefusal} CTAP2_ERR_NOT_ALLOWED when nothing is left, or too much time has gone by */
export function getNextAssertion(context: CommandContext): CborMap {
  const { session, clock } = context;
  const { remembered } = session;
  const isFresh = remembered !== null && clock.now() - remembered.since < REMEMBER;
  const next = isFresh ? remembered.left.shift() : undefined;
  if (remembered === null || next === undefined) {
    session.remembered = null;
    throw refusal('CTAP2_ERR_NOT_ALLOWED');
  }
  remembered.since = clock.now();
  return remembered.answer(next);
}
