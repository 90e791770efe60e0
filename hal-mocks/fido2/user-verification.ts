/**
 * The part that authenticatorMakeCredential and authenticatorGetAssertion have in common: touch-to-select by an empty
 * pinUvAuthParam, and the verification of a real one (CTAP 2.1 §6.1.2 steps 1, 2 and 11; §6.2.2 steps 1, 2 and 6).
 */
import type { CborKey } from '../../drivers/fido2/wire/cbor.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

export interface UvKeys {
  readonly clientDataHash: CborKey;
  readonly param: CborKey;
  readonly protocol: CborKey;
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
 * Verifies pinUvAuthParam over the client data hash with the token in use.
 * @param permission what the token must permit for `rpId`
 * @returns whether the user was verified: false when no pinUvAuthParam is there
 * @throws {CtapRefusal} CTAP2_ERR_PIN_AUTH_INVALID, CTAP2_ERR_PIN_NOT_SET, CTAP2_ERR_MISSING_PARAMETER
 */
export function verifyUser(
  context: CommandContext,
  params: Params,
  keys: UvKeys,
  permission: number,
  rpId: string,
): boolean {
  const param = params.bytesOr(keys.param);
  if (param === undefined) return false;
  const protocol = context.session.protocol(params.int(keys.protocol));
  if (context.state.pinHash === null) throw refusal('CTAP2_ERR_PIN_NOT_SET');
  const { token } = context.session;
  const key = token.keyFor(protocol.number);
  if (key === null) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  protocol.verify(key, params.bytes(keys.clientDataHash), param);
  if (!token.permits(permission, rpId)) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  return true;
}

/** After a touch was taken for a ceremony: a CTAP 2.1 token has served (§6.1.2 step 14). */
export function spendToken(context: CommandContext): void {
  if (context.profile.tokenPermissions) context.session.token.spend();
}
