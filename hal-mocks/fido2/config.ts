/** authenticatorConfig (CTAP 2.1 §6.11): always verify the user, the shortest PIN, enterprise attestation. */
import { concat, u8 } from '../../drivers/base/bytes.ts';
import {
  AUTHENTICATOR_CONFIG,
  AUTHENTICATOR_CONFIG_SUBCOMMAND,
  CTAP_COMMAND,
  PERMISSION,
  PIN_MAX_BYTES,
  SET_MIN_PIN_LENGTH,
} from '../../drivers/fido2/wire/constants.ts';
import { Params } from './params.ts';
import type { Profile } from './profile.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';
import { type AuthKeys, requireToken } from './subcommand-auth.ts';

const KEYS: AuthKeys = {
  param: AUTHENTICATOR_CONFIG.pinUvAuthParam,
  protocol: AUTHENTICATOR_CONFIG.pinUvAuthProtocol,
};
const SUB = AUTHENTICATOR_CONFIG_SUBCOMMAND;
const PREFIX = concat(new Uint8Array(32).fill(0xff), u8(CTAP_COMMAND.authenticatorConfig));

/** §6.11: a key that can verify its user wants that here; one that never could takes it as it is. */
function authorize(context: CommandContext, params: Params, subCommand: number): void {
  const { state, profile } = context;
  const isProtected = state.pinHash !== null || state.templates.length > 0;
  // Without a PIN nobody could ever switch off again what an always-uv key asks for.
  const mayToggle = subCommand === SUB.toggleAlwaysUv && !isProtected && profile.alwaysUv !== null;
  if (!params.has(KEYS.param) && (!isProtected || mayToggle)) return;
  const inner = params.mapOr(AUTHENTICATOR_CONFIG.subCommandParams);
  const message = concat(PREFIX, u8(subCommand), inner?.encoded() ?? new Uint8Array(0));
  requireToken(context, params, KEYS, message, PERMISSION.acfg);
}

function rpIds(inner: Params, most: number): string[] | null {
  const list = inner.listOr(SET_MIN_PIN_LENGTH.minPinLengthRPIDs);
  if (list === undefined) return null;
  if (list.length > most) throw refusal('CTAP2_ERR_KEY_STORE_FULL');
  return list.map((entry) => {
    if (typeof entry !== 'string') throw refusal('CTAP2_ERR_CBOR_UNEXPECTED_TYPE');
    return entry;
  });
}

function setMinPinLength({ state }: CommandContext, inner: Params, config: NonNullable<Profile['config']>): void {
  const length = inner.intOr(SET_MIN_PIN_LENGTH.newMinPINLength) ?? state.minPinLength;
  if (length < state.minPinLength || length > PIN_MAX_BYTES) throw refusal('CTAP2_ERR_PIN_POLICY_VIOLATION');
  const ids = rpIds(inner, config.setMinPinLengthRpIds);
  const forced = inner.boolOr(SET_MIN_PIN_LENGTH.forceChangePin) ?? false;
  if (forced && state.pinHash === null) throw refusal('CTAP2_ERR_PIN_NOT_SET');
  // How long the PIN is, is not kept: a PIN from before a longer minimum has to be changed.
  if (state.pinHash !== null && (forced || length > state.minPinLength)) state.forcePinChange = true;
  state.minPinLength = length;
  if (ids !== null) state.minPinLengthRpIds = ids;
}

export function authenticatorConfig(context: CommandContext, params: Params): null {
  const { profile, state } = context;
  const { config } = profile;
  if (config === null) throw refusal('CTAP1_ERR_INVALID_COMMAND');
  const subCommand = params.int(AUTHENTICATOR_CONFIG.subCommand);
  const inner = params.mapOr(AUTHENTICATOR_CONFIG.subCommandParams) ?? new Params(new Map());
  switch (subCommand) {
    case SUB.enableEnterpriseAttestation:
      if (!config.enterpriseAttestation) break;
      authorize(context, params, subCommand);
      state.enterpriseAttestation = true;
      context.save();
      return null;
    case SUB.toggleAlwaysUv:
      if (profile.alwaysUv === null) break;
      authorize(context, params, subCommand);
      state.alwaysUv = !state.alwaysUv;
      context.save();
      return null;
    case SUB.setMinPINLength:
      if (!profile.clientPin) break;
      authorize(context, params, subCommand);
      setMinPinLength(context, inner, config);
      context.save();
      return null;
  }
  throw refusal('CTAP2_ERR_INVALID_SUBCOMMAND');
}
