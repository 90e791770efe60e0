/** The settings of a key that outlive a power cycle (authenticatorConfig, CTAP 2.1 §6.11). Each says what holds afterwards. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import {
  enableEnterpriseAttestation,
  type MinPinLength,
  setMinPinLength,
  toggleAlwaysUv,
} from '../../drivers/fido2/authenticator-config.ts';
import type { PinUvAuthToken } from '../../drivers/fido2/client-pin.ts';
import { type AuthenticatorInfo, authenticatorGetInfo } from '../../drivers/fido2/get-info.ts';
import { unsupported } from '../../drivers/fido2/managed-call.ts';
import { PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { type OpenKey, tokenWherePossible } from './session.ts';

export interface KeySettings {
  /** Null: the key cannot. */
  readonly alwaysVerifies: boolean | null;
  readonly enterpriseAttestation: boolean | null;
  readonly minPinLength: number;
  readonly pinMustChange: boolean;
}

const settingsOf = (info: AuthenticatorInfo): KeySettings => ({
  alwaysVerifies: info.options.get('alwaysUv') ?? null,
  enterpriseAttestation: info.options.get('ep') ?? null,
  minPinLength: info.minPinLength,
  pinMustChange: info.forcePinChange,
});

type Configure = (token: PinUvAuthToken | null, options: { signal: AbortSignal }) => Promise<void>;

async function configured(key: OpenKey, configure: Configure): Promise<KeySettings> {
  const options = { signal: key.ceremony.signal };
  using token = await tokenWherePossible(key, PERMISSION.acfg);
  await configure(token, options);
  return settingsOf(await authenticatorGetInfo(key.session.authenticator, options));
}

/** @throws {ERR_CTAP_UNSUPPORTED} before anybody is asked for anything */
function requireOption({ session: { info } }: OpenKey, option: string, what: string): void {
  if (info.options.get('authnrCfg') !== true || !info.options.has(option)) throw unsupported(what);
}

/** @returns the settings; as they were where the key does so already @throws {ERR_CTAP_UNSUPPORTED} */
export async function setAlwaysUv(key: OpenKey, on: boolean): Promise<KeySettings> {
  const { authenticator, info } = key.session;
  requireOption(key, 'alwaysUv', 'cannot be made to verify its user always');
  // The command turns it over, whatever it is (§6.11.2).
  if (info.options.get('alwaysUv') === on) return settingsOf(info);
  const after = await configured(key, (token, options) => toggleAlwaysUv(authenticator, info, token, options));
  if (after.alwaysVerifies === on) return after;
  throw new UnlockdError('ERR_CTAP_MALFORMED_RESPONSE', 'the security key accepted the setting and did not change it');
}

/** @throws {ERR_CTAP_UNSUPPORTED} */
export async function turnOnEnterpriseAttestation(key: OpenKey): Promise<KeySettings> {
  const { authenticator, info } = key.session;
  requireOption(key, 'ep', 'has no enterprise attestation');
  if (info.options.get('ep') === true) return settingsOf(info);
  return await configured(key, (token, options) => enableEnterpriseAttestation(authenticator, info, token, options));
}

/**
 * The minimum length of the PIN, who may learn it, and that the PIN has to be changed.
 * @throws {ERR_CTAP_UNSUPPORTED | ERR_CTAP_PIN_POLICY}
 */
export async function changePinRules(key: OpenKey, change: MinPinLength): Promise<KeySettings> {
  const { authenticator, info } = key.session;
  requireOption(key, 'setMinPINLength', 'keeps the minimum length of its PIN');
  if (change.length !== undefined && change.length < info.minPinLength) {
    const message = `the minimum length is ${info.minPinLength} and can only grow; only a reset of the key makes it smaller`;
    throw new UnlockdError('ERR_CTAP_PIN_POLICY', message, { detail: { minPinLength: info.minPinLength } });
  }
  const most = info.maxRpIdsForSetMinPinLength ?? 0;
  if ((change.rpIds?.length ?? 0) > most) {
    throw new UnlockdError('ERR_CTAP_STORAGE_FULL', `the security key has room for ${most} relying parties there`, {
      detail: { capacity: most },
    });
  }
  if (change.forceChange === true && info.options.get('clientPin') !== true) {
    throw new UnlockdError('ERR_CTAP_PIN_NOT_SET', 'the security key has no PIN that could be changed');
  }
  return await configured(key, (token, options) => setMinPinLength(authenticator, info, token, change, options));
}
