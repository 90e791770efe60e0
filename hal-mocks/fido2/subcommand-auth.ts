/**
 * The pinUvAuthParam of the commands that manage the authenticator (CTAP 2.1 §6.7, §6.8, §6.10, §6.11): over a message
 * that names the subcommand, under a token with the permission for it.
 */
import type { CborKey } from '../../drivers/fido2/wire/cbor.ts';
import type { Params } from './params.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

export interface AuthKeys {
  readonly param: CborKey;
  readonly protocol: CborKey;
}

/**
 * @param message what the parameter is made over
 * @param rpIdHash the relying party that the operation is about; null: all of them, which a token for one may not do
 * @throws {CtapRefusal} CTAP2_ERR_PUAT_REQUIRED, CTAP2_ERR_PIN_AUTH_INVALID, CTAP2_ERR_MISSING_PARAMETER
 */
export function requireToken(
  context: CommandContext,
  params: Params,
  keys: AuthKeys,
  message: Uint8Array,
  permission: number,
  rpIdHash: Uint8Array | null = null,
): void {
  const param = params.bytesOr(keys.param);
  if (param === undefined) throw refusal('CTAP2_ERR_PUAT_REQUIRED');
  const protocol = context.session.protocol(params.int(keys.protocol));
  const { token } = context.session;
  const key = token.keyFor(protocol.number);
  if (key === null) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  protocol.verify(key, message, param);
  if (!token.permitsManaging(permission, rpIdHash)) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
}
