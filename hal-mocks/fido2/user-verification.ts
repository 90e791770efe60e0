/**
 * The part that authenticatorMakeCredential and authenticatorGetAssertion have in common: touch-to-select by an empty
 * pinUvAuthParam, the verification of a real one or of a finger, and the test of user presence (CTAP 2.1 §6.1.2 steps 1,
 * 2, 11 and 14; §6.2.2 steps 1, 2, 6 and 9).
 */
import type { CborKey } from '../../drivers/fido2/wire/cbor.ts';
import { uvIsConfigured, verifyFinger } from './built-in-uv.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

export interface UvKeys {
  readonly clientDataHash: CborKey;
  readonly options: CborKey;
  readonly param: CborKey;
  readonly protocol: CborKey;
}

/**
 * Whether the option `uv` asks for the key's own verification.
 * @throws {CtapRefusal} CTAP2_ERR_INVALID_OPTION where there is none
 */
export function asksForFinger(context: CommandContext, params: Params, keys: UvKeys): boolean {
  if (params.has(keys.param) || params.mapOr(keys.options)?.boolOr('uv') !== true) return false;
  if (!uvIsConfigured(context)) throw refusal('CTAP2_ERR_INVALID_OPTION');
  return true;
}

/** @throws {CtapRefusal} always, when pinUvAuthParam is there and empty; the platform only wanted the touch */
export async function selectByTouch(context: CommandContext, params: Params, keys: UvKeys): Promise<void> {
  const param = params.bytesOr(keys.param);
  if (param === undefined || param.length > 0) return;
  if (!context.profile.clientPin) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  await context.touch();
  throw refusal(context.state.pinHash ? 'CTAP2_ERR_PIN_INVALID' : 'CTAP2_ERR_PIN_NOT_SET');
}

/**
 * Verifies pinUvAuthParam over the client data hash with the token in use, or a finger where the request or the key wants
 * that. A finger on the reader is also the user's presence.
 * @param permission what the token must permit for `rpId`
 * @param up whether the request is one with a test of presence; without it an always-uv key verifies nobody
 * @returns whether the user was verified
 * @throws {CtapRefusal} CTAP2_ERR_PIN_AUTH_INVALID, CTAP2_ERR_PIN_NOT_SET, CTAP2_ERR_MISSING_PARAMETER, CTAP2_ERR_PUAT_REQUIRED
 */
export async function verifyUser(
  context: CommandContext,
  params: Params,
  keys: UvKeys,
  permission: number,
  rpId: string,
  up = true,
): Promise<boolean> {
  const { state, session, profile } = context;
  const { token } = session;
  session.presentByFinger = false;
  const param = params.bytesOr(keys.param);
  if (param === undefined) {
    const byItself = state.alwaysUv && up && uvIsConfigured(context);
    if (!asksForFinger(context, params, keys) && !byItself) return false;
    try {
      await verifyFinger(context);
    } catch (error) {
      // §6.1.2 step 11.2: where there is a PIN as well, the platform is sent to get a token.
      if (profile.clientPin && state.pinHash !== null && state.uvRetries === 0)
        throw refusal('CTAP2_ERR_PUAT_REQUIRED');
      throw error;
    }
    session.presentByFinger = true;
    return true;
  }
  const protocol = session.protocol(params.int(keys.protocol));
  if (state.pinHash === null && !uvIsConfigured(context)) throw refusal('CTAP2_ERR_PIN_NOT_SET');
  const key = token.keyFor(protocol.number);
  if (key === null) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  protocol.verify(key, params.bytes(keys.clientDataHash), param);
  if (!token.permits(permission, rpId)) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  session.presentByFinger = token.takePresence();
  return true;
}

/** The test of user presence; a finger that was just verified has passed it. A CTAP 2.1 token has served then. */
export async function requirePresence(context: CommandContext): Promise<void> {
  const { session, profile } = context;
  if (!session.presentByFinger) await context.touch();
  session.presentByFinger = false;
  if (profile.tokenPermissions) session.token.spend();
}
