/**
 * The PIN of a key (CTAP 2.1 §6.5.5.5, §6.5.5.6): its first one, and another one for the old one. The tries that are left
 * are known before one is spent.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { changePin, getPinRetries, setPin } from '../../drivers/fido2/client-pin.ts';
import { unsupported } from '../../drivers/fido2/managed-call.ts';
import { paddedPin } from '../../drivers/fido2/pin.ts';
import { requirePinUvProtocol, whilePluggedIn } from '../../drivers/fido2/user-verification.ts';
import type { HidDeviceInfo } from '../../drivers/hal/hid.ts';
import type { OpenKey } from './session.ts';

export interface NewPinRequest {
  readonly device: HidDeviceInfo;
  /** Unicode code points. */
  readonly minLength: number;
}

/** Asks for a new PIN; the operation disposes it. */
export type RequestNewPin = (request: NewPinRequest) => Promise<Secret>;

const requestOf = ({ session }: OpenKey): NewPinRequest => ({
  device: session.device,
  minLength: session.info.minPinLength,
});

const optionsOf = ({ session, ceremony }: OpenKey) => ({
  signal: ceremony.signal,
  entropy: ceremony.entropy,
  protocol: requirePinUvProtocol(session.info),
  minLength: session.info.minPinLength,
});

/**
 * Gives a key without a PIN its first one.
 * @throws {ERR_CTAP_PIN_SET | ERR_CTAP_UNSUPPORTED | ERR_CTAP_PIN_POLICY}
 */
export async function setFirstPin(key: OpenKey, requestNewPin: RequestNewPin): Promise<void> {
  const has = key.session.info.options.get('clientPin');
  if (has === undefined) throw unsupported('cannot have a PIN');
  if (has) throw new UnlockdError('ERR_CTAP_PIN_SET', 'the security key has a PIN already');
  using pin = await whilePluggedIn(key.session, key.ceremony, requestNewPin(requestOf(key)));
  await setPin(key.session.authenticator, pin, optionsOf(key));
}

/**
 * Replaces the PIN. A wrong old one is asked for again, until the key takes none any more.
 * @throws {ERR_CTAP_PIN_NOT_SET | ERR_CTAP_PIN_POLICY | ERR_CTAP_PIN_BLOCKED | ERR_CTAP_PIN_AUTH_BLOCKED}
 */
export async function replacePin(key: OpenKey, requestNewPin: RequestNewPin): Promise<void> {
  const { session, ceremony } = key;
  if (session.info.options.get('clientPin') !== true) {
    throw new UnlockdError('ERR_CTAP_PIN_NOT_SET', 'the security key has no PIN to change: `unlockctl key pin set`');
  }
  const options = optionsOf(key);
  let next: Secret | null = null;
  try {
    for (let why: 'needed' | 'wrong' = 'needed'; ; why = 'wrong') {
      const { retries, powerCycleState } = await getPinRetries(session.authenticator, options);
      const detail = { triesLeft: retries };
      if (retries === 0) {
        throw new UnlockdError('ERR_CTAP_PIN_BLOCKED', 'the PIN of the security key is blocked', { detail });
      }
      if (powerCycleState) {
        const message = 'the security key takes no PIN until it is replugged';
        throw new UnlockdError('ERR_CTAP_PIN_AUTH_BLOCKED', message, { detail });
      }
      const asked = ceremony.requestKeyPin({ device: session.device, triesLeft: retries, why });
      using current = await whilePluggedIn(session, ceremony, asked);
      next ??= await whilePluggedIn(session, ceremony, requestNewPin(requestOf(key)));
      // One that the key cannot take is refused before a try is spent on the old one.
      paddedPin(next, options.minLength).dispose();
      try {
        await changePin(session.authenticator, current, next, options);
        return;
      } catch (error) {
        if (!isUnlockdError(error, 'ERR_CTAP_PIN_WRONG')) throw error;
      }
    }
  } finally {
    next?.dispose();
  }
}
