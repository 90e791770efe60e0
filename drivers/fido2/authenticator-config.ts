/** authenticatorConfig (CTAP 2.1 §6.11): the settings of a key that outlive a power cycle. */
import { concat, u8 } from '../base/bytes.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import type { PinUvAuthToken } from './client-pin.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import { managedCall, unsupported } from './managed-call.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import {
  AUTHENTICATOR_CONFIG,
  AUTHENTICATOR_CONFIG_SUBCOMMAND,
  CTAP_COMMAND,
  SET_MIN_PIN_LENGTH,
} from './wire/constants.ts';

/** What is authenticated begins with 32 bytes that are no hash of client data. */
const PREFIX = concat(new Uint8Array(32).fill(0xff), u8(CTAP_COMMAND.authenticatorConfig));

async function configure(
  authenticator: Authenticator,
  subcommand: keyof typeof AUTHENTICATOR_CONFIG_SUBCOMMAND,
  token: PinUvAuthToken | null,
  options: CallOptions,
  params?: CborMap,
): Promise<void> {
  const subCommand = AUTHENTICATOR_CONFIG_SUBCOMMAND[subcommand];
  const request = { keys: AUTHENTICATOR_CONFIG, subCommand, params, token, prefix: PREFIX } as const;
  await managedCall(authenticator, { name: 'authenticatorConfig', ...request }, options);
}

/** @throws {ERR_CTAP_UNSUPPORTED} */
function requireConfig({ options }: AuthenticatorInfo, has: boolean, what: string): void {
  if (options.get('authnrCfg') !== true || !has) throw unsupported(what);
}

/**
 * Turns `alwaysUv` over: on becomes off, off becomes on.
 * @param token with the permission `acfg`; null where the key has neither PIN nor finger
 * @throws {ERR_CTAP_UNSUPPORTED}
 */
export async function toggleAlwaysUv(
  authenticator: Authenticator,
  info: AuthenticatorInfo,
  token: PinUvAuthToken | null,
  options: CallOptions,
): Promise<void> {
  requireConfig(info, info.options.has('alwaysUv'), 'cannot be made to verify its user always');
  await configure(authenticator, 'toggleAlwaysUv', token, options);
}

/** @throws {ERR_CTAP_UNSUPPORTED} */
export async function enableEnterpriseAttestation(
  authenticator: Authenticator,
  info: AuthenticatorInfo,
  token: PinUvAuthToken | null,
  options: CallOptions,
): Promise<void> {
  requireConfig(info, info.options.has('ep'), 'has no enterprise attestation');
  await configure(authenticator, 'enableEnterpriseAttestation', token, options);
}

export interface MinPinLength {
  /** Unicode code points; left out: as it is. It can only grow. */
  readonly length?: number;
  /** Who may ask for it (extension minPinLength); left out: as they are. */
  readonly rpIds?: readonly string[];
  /** The PIN has to be changed before the key is used again. */
  readonly forceChange?: boolean;
}

/** @throws {ERR_CTAP_UNSUPPORTED | ERR_CTAP_PIN_POLICY} */
export async function setMinPinLength(
  authenticator: Authenticator,
  info: AuthenticatorInfo,
  token: PinUvAuthToken | null,
  change: MinPinLength,
  options: CallOptions,
): Promise<void> {
  requireConfig(info, info.options.get('setMinPINLength') === true, 'keeps the minimum length of its PIN');
  const params = new Map<number, CborValue>();
  if (change.length !== undefined) params.set(SET_MIN_PIN_LENGTH.newMinPINLength, change.length);
  if (change.rpIds !== undefined) params.set(SET_MIN_PIN_LENGTH.minPinLengthRPIDs, change.rpIds);
  if (change.forceChange !== undefined) params.set(SET_MIN_PIN_LENGTH.forceChangePin, change.forceChange);
  await configure(authenticator, 'setMinPINLength', token, options, params);
}
