/**
 * Getting the user verified by a key (CTAP 2.1 §6.5.5, §7.2): its own reader first where it has one, its PIN otherwise
 * and whenever the reader is blocked. Who is asked how often is decided here; the subcommands are in `client-pin.ts`.
 */
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { DEFAULT_RP_ID, deviceName, type SecurityKeyCeremony, withTouch } from './ceremony.ts';
import { cancelled } from './channel-errors.ts';
import {
  getPinRetries,
  getTokenWithPin,
  getTokenWithUv,
  getUvRetries,
  type PinUvAuthToken,
  type TokenScope,
} from './client-pin.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import type { KeySession } from './key-session.ts';
import { choosePinUvProtocol, type PinUvProtocolId } from './pin-uv-protocol.ts';
import type { Verification } from './verification.ts';
import { PERMISSION } from './wire/constants.ts';

/** The key can verify its user as it is set up now. */
export const canVerifyUser = ({ options }: AuthenticatorInfo): boolean =>
  options.get('uv') === true || options.get('clientPin') === true;

/** @throws {ERR_CTAP_UNSUPPORTED} */
export function requirePinUvProtocol(info: AuthenticatorInfo): PinUvProtocolId {
  // Keys of CTAP 2.0 may leave the member out; protocol 1 was the only one then (and hmac-secret needs it).
  const offered = info.pinUvAuthProtocols.length === 0 ? [1] : info.pinUvAuthProtocols;
  const protocol = choosePinUvProtocol(offered);
  if (protocol === null) {
    throw new UnlockdError('ERR_CTAP_UNSUPPORTED', 'the security key speaks neither PIN/UV auth protocol 2 nor 1', {
      detail: { offered: offered.join(' ') },
    });
  }
  return protocol;
}

/** The PIN of the key, kept for the length of one ceremony so that it is asked for once. */
export class KeyPin implements Disposable {
  #secret: Secret | null = null;

  get(): Secret | null {
    return this.#secret;
  }

  keep(pin: Secret): void {
    this.#secret?.dispose();
    this.#secret = pin;
  }

  forget(): void {
    this.#secret?.dispose();
    this.#secret = null;
  }

  [Symbol.dispose](): void {
    this.forget();
  }
}

/**
 * A person takes time to type: the wait ends with the ceremony or with the key.
 * @param asked a secret that comes too late is zeroed
 * @throws {ERR_CTAP_CANCELLED}, why the key is lost, and what `asked` rejects with
 */
export async function whilePluggedIn(
  session: KeySession,
  ceremony: SecurityKeyCeremony,
  asked: Promise<Secret>,
): Promise<Secret> {
  const { lost } = session.authenticator.channel;
  const either = AbortSignal.any([ceremony.signal, lost]);
  return await new Promise<Secret>((resolve, reject) => {
    const onAbort = () => reject(lost.aborted ? lost.reason : cancelled(ceremony.signal.reason));
    if (either.aborted) onAbort();
    either.addEventListener('abort', onAbort, { once: true });
    asked.then(
      (pin) => {
        either.removeEventListener('abort', onAbort);
        if (either.aborted) pin.dispose();
        else resolve(pin);
      },
      (error: unknown) => {
        either.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}

async function withPin(
  session: KeySession,
  ceremony: SecurityKeyCeremony,
  scope: TokenScope,
  pin: KeyPin,
): Promise<Verification> {
  const { authenticator, info } = session;
  if (info.forcePinChange) {
    throw new UnlockdError('ERR_CTAP_PIN_CHANGE_REQUIRED', 'the security key wants a new PIN first');
  }
  const { signal, entropy } = ceremony;
  const options = { signal, entropy, protocol: requirePinUvProtocol(info) };
  for (let why: 'needed' | 'wrong' = 'needed'; ; why = 'wrong') {
    const { retries, powerCycleState } = await getPinRetries(authenticator, options);
    const detail = { triesLeft: retries };
    if (retries === 0)
      throw new UnlockdError('ERR_CTAP_PIN_BLOCKED', 'the PIN of the security key is blocked', { detail });
    if (powerCycleState) {
      throw new UnlockdError('ERR_CTAP_PIN_AUTH_BLOCKED', 'the security key takes no PIN until it is replugged', {
        detail,
      });
    }
    let current = pin.get();
    if (current === null) {
      const asked = ceremony.requestKeyPin({ triesLeft: retries, why, device: session.device });
      current = await whilePluggedIn(session, ceremony, asked);
      pin.keep(current);
    }
    try {
      const permitted = info.options.get('pinUvAuthToken') === true ? scope : null;
      return { kind: 'token', token: await getTokenWithPin(authenticator, current, permitted, options) };
    } catch (error) {
      pin.forget();
      if (!isUnlockdError(error, 'ERR_CTAP_PIN_WRONG')) throw error;
    }
  }
}

/** Tries at the reader; null where the key has no answer to that. */
async function readerTries({ authenticator }: KeySession, { signal }: SecurityKeyCeremony): Promise<number | null> {
  try {
    return await getUvRetries(authenticator, { signal });
  } catch (error) {
    // A key that is blocked may say so here already; what follows from it is decided where the finger is asked for.
    const refusals = [
      'ERR_CTAP_STATUS',
      'ERR_CTAP_MALFORMED_RESPONSE',
      'ERR_CTAP_UV_BLOCKED',
      'ERR_CTAP_UV_INVALID',
    ] as const;
    if (!isUnlockdError(error, ...refusals)) throw error;
    return null;
  }
}

/** @returns null where the reader refused and the PIN is to be asked for */
async function withReader(
  session: KeySession,
  ceremony: SecurityKeyCeremony,
  scope: TokenScope,
): Promise<Verification | null> {
  const { authenticator, info, device } = session;
  if (info.options.get('pinUvAuthToken') !== true) return { kind: 'option' };
  const fallBack = info.options.get('clientPin') === true;
  const options = { entropy: ceremony.entropy, protocol: requirePinUvProtocol(info) };
  for (let attempts = info.preferredPlatformUvAttempts ?? 1; ; attempts--) {
    const triesLeft = await readerTries(session, ceremony);
    try {
      const touch = withTouch(ceremony, { device, why: 'verify-user', triesLeft });
      return { kind: 'token', token: await getTokenWithUv(authenticator, scope, { ...touch, ...options }) };
    } catch (error) {
      if (isUnlockdError(error, 'ERR_CTAP_UV_BLOCKED') && fallBack) return null;
      if (!isUnlockdError(error, 'ERR_CTAP_UV_INVALID')) throw error;
      if (attempts > 1) continue;
      if (fallBack) return null;
      throw error;
    }
  }
}

/**
 * Has the key verify its user for one command.
 * @param permission {@link PERMISSION} bits; a token is good for one use of each
 * @returns the caller disposes the token in it: see {@link disposeVerification}
 * @throws {ERR_CTAP_PIN_NOT_SET | ERR_CTAP_PIN_BLOCKED | ERR_CTAP_PIN_AUTH_BLOCKED | ERR_CTAP_PIN_CHANGE_REQUIRED |
 *   ERR_CTAP_UV_INVALID | ERR_CTAP_UV_BLOCKED | ERR_CTAP_UNSUPPORTED | ERR_CTAP_CANCELLED} and what `requestKeyPin`
 *   rejected with
 */
export async function verifyUser(
  session: KeySession,
  ceremony: SecurityKeyCeremony,
  permission: number,
  pin: KeyPin,
): Promise<Verification> {
  const scope = { permissions: permission, rpId: ceremony.rpId ?? DEFAULT_RP_ID };
  const { options } = session.info;
  // A PIN that was given already stands for the reader: the person is not asked twice in two ways.
  if (options.get('uv') === true && pin.get() === null) {
    const verification = await withReader(session, ceremony, scope);
    if (verification !== null) return verification;
  }
  if (options.get('clientPin') !== true || options.get('noMcGaPermissionsWithClientPin') === true) {
    const message = `${deviceName(session.device)} has neither a PIN nor a fingerprint to verify its user with`;
    throw new UnlockdError('ERR_CTAP_PIN_NOT_SET', message);
  }
  return await withPin(session, ceremony, scope, pin);
}

/** Which permission needs which option of the key's reader (§6.4: uvBioEnroll, uvAcfg); all others need none. */
const READER_OPTION: ReadonlyMap<number, string> = new Map([
  [PERMISSION.be, 'uvBioEnroll'],
  [PERMISSION.acfg, 'uvAcfg'],
]);

/**
 * A token to manage the key with: by its reader where that may give one, otherwise by its PIN.
 * @param permission one of {@link PERMISSION}
 * @returns the caller disposes it
 * @throws as {@link verifyUser}
 */
export async function managementToken(
  session: KeySession,
  ceremony: SecurityKeyCeremony,
  permission: number,
  pin: KeyPin,
): Promise<PinUvAuthToken> {
  const { options } = session.info;
  const scope = { permissions: permission, rpId: null };
  const readerOption = READER_OPTION.get(permission);
  const byReader = readerOption === undefined || options.get(readerOption) === true;
  if (options.get('uv') === true && options.get('pinUvAuthToken') === true && byReader && pin.get() === null) {
    const verification = await withReader(session, ceremony, scope);
    if (verification?.kind === 'token') return verification.token;
  }
  if (options.get('clientPin') !== true) {
    throw new UnlockdError('ERR_CTAP_PIN_NOT_SET', `${deviceName(session.device)} has no PIN, which this needs`);
  }
  const verification = await withPin(session, ceremony, scope, pin);
  if (verification.kind !== 'token') throw new TypeError('a PIN gives a token');
  return verification.token;
}

export function disposeVerification(verification: Verification): void {
  if (verification.kind === 'token') verification.token[Symbol.dispose]();
}
