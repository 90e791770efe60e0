/**
 * What an unlock needs of a security key: the hmac-secret output of an enrolled credential, after an assertion that
 * verifies against the public key kept at enrolment. Keys that are not enrolled are told apart without a touch.
 */
import { bytesEqual } from '../base/bytes.ts';
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { deviceName, type SecurityKeyCeremony } from './ceremony.ts';
import { cancellable } from './channel-errors.ts';
import { parseCoseKey } from './cose-key.ts';
import { type FoundKey, isGone, KeyFinder } from './find-key.ts';
import { heldCredentialId } from './held-credential.ts';
import { hmacAssertion } from './hmac-assertion.ts';
import { type KeySession, requireHmacSecret } from './key-session.ts';
import { DeviceStopwatch, type KeyTimings, timingsOf } from './stopwatch.ts';
import { canVerifyUser, KeyPin } from './user-verification.ts';

/** As {@link EnrolledSecurityKey} gave it. */
export interface EnrolledCredential {
  readonly credentialId: Uint8Array;
  /** COSE_Key bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** 32 bytes: a second secret with the same touch (the next salt beside the present one). */
  readonly secondSalt?: Uint8Array;
  readonly uvUsed: boolean;
}

export interface DerivationCeremony extends SecurityKeyCeremony {
  /** The user's keys; any of them will do. At least one. */
  readonly credentials: readonly EnrolledCredential[];
  /**
   * Resolves when the person may be asked. Until then the keys that are plugged in are only looked at, and the request is
   * made ready; nothing blinks. Its rejection ends the ceremony: it has to settle when `signal` aborts, too.
   */
  readonly turn?: Promise<void>;
}

export interface DerivedSecret {
  readonly credentialId: Uint8Array;
  /** 32 bytes; the caller disposes it. */
  readonly hmacSecret: Secret;
  /** For `secondSalt`, likewise; null: there was none. */
  readonly secondSecret: Secret | null;
  readonly signCount: number;
  /** The key verified its user. */
  readonly uv: boolean;
  /** How the key is called, for people. */
  readonly device: string;
  /** Milliseconds in which the keys' answers were awaited, since it was their turn. */
  readonly timings: KeyTimings;
}

async function heldCredential(session: KeySession, ceremony: DerivationCeremony): Promise<EnrolledCredential | null> {
  const { credentials } = ceremony;
  const ids = credentials.map(({ credentialId }) => credentialId);
  const held = await heldCredentialId(session, ceremony, ids);
  return held === null ? null : (credentials.find(({ credentialId }) => bytesEqual(credentialId, held)) ?? null);
}

const changed = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CTAP_UV_CHANGED', `the security key ${reason}`, { detail: { reason }, cause });

/** The output belongs to how the credential was enrolled: what would give another one is refused before the touch. */
function checkVerification({ info, device }: KeySession, uvUsed: boolean): void {
  if (uvUsed && !canVerifyUser(info)) {
    const message = `${deviceName(device)} has no PIN any more, and this credential was enrolled with one`;
    throw new UnlockdError('ERR_CTAP_PIN_NOT_SET', message);
  }
  if (!uvUsed && info.options.get('alwaysUv') === true) {
    throw changed('always verifies its user now, and did not at enrolment');
  }
}

/**
 * Waits for one of the enrolled keys and derives its secret.
 * @throws {ERR_CTAP_NO_KEY | ERR_CTAP_WRONG_KEY | ERR_CTAP_NO_HMAC_SECRET | ERR_CTAP_PIN_NOT_SET |
 *   ERR_CTAP_PIN_BLOCKED | ERR_CTAP_PIN_AUTH_BLOCKED | ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_CANCELLED |
 *   ERR_CTAP_DENIED | ERR_CTAP_VERIFICATION | ERR_CTAP_UV_CHANGED | ERR_CTAP_BUSY | ERR_CTAP_TIMEOUT} and ERR_HAL_*
 */
export const deriveFromSecurityKey = (ceremony: DerivationCeremony): Promise<DerivedSecret> =>
  cancellable(ceremony.signal, () => derive(ceremony));

async function derive(ceremony: DerivationCeremony): Promise<DerivedSecret> {
  if (ceremony.credentials.length === 0) throw new TypeError('no enrolled credential to ask for');
  const stopwatch = new DeviceStopwatch(ceremony.clock);
  const finder = new KeyFinder(ceremony, stopwatch, (session) => heldCredential(session, ceremony));
  if (ceremony.turn !== undefined) {
    const turn = ceremony.turn.then(() => stopwatch.restart());
    const derived = await deriveAhead(ceremony, finder, stopwatch, turn);
    if (derived !== null) return derived;
  }
  return await deriveFrom(await finder.find(), ceremony, stopwatch);
}

/** @returns null after the turn has come, where no fitting key was there before it, or the one that was there is gone */
async function deriveAhead(
  ceremony: DerivationCeremony,
  finder: KeyFinder<EnrolledCredential>,
  stopwatch: DeviceStopwatch,
  turn: Promise<void>,
): Promise<DerivedSecret | null> {
  turn.catch(() => undefined);
  const found = await finder.findSilently();
  const [only] = found;
  try {
    if (only !== undefined && found.length === 1) return await deriveFrom(only, ceremony, stopwatch, turn);
    await turn;
    return found.length === 0 ? null : await deriveFrom(await finder.choose(found), ceremony, stopwatch);
  } catch (error) {
    await Promise.all(found.map(({ session }) => session[Symbol.asyncDispose]()));
    if (!isGone(error)) throw error;
    await turn;
    return null;
  }
}

/** @param turn see {@link DerivationCeremony.turn} */
async function deriveFrom(
  { session, finding }: FoundKey<EnrolledCredential>,
  ceremony: DerivationCeremony,
  stopwatch: DeviceStopwatch,
  turn?: Promise<void>,
): Promise<DerivedSecret> {
  await using _session = session;
  requireHmacSecret(session);
  checkVerification(session, finding.uvUsed);
  using pin = new KeyPin();
  const { credentialId, salt, secondSalt, uvUsed } = finding;
  const credential = { credentialId, salt, secondSalt, publicKey: parseCoseKey(finding.publicKey) };
  const options = { verify: uvUsed, pin, turn };
  const assertion = await hmacAssertion(session, ceremony, credential, options).catch((error) => {
    if (isUnlockdError(error, 'ERR_CTAP_PIN_REQUIRED')) throw changed('insists on verifying its user', error);
    throw error;
  });
  if (assertion.userVerified !== uvUsed) {
    assertion.hmacSecret.dispose();
    assertion.secondSecret?.dispose();
    throw changed(assertion.userVerified ? 'verified its user, and did not at enrolment' : 'did not verify its user');
  }
  return {
    credentialId,
    hmacSecret: assertion.hmacSecret,
    secondSecret: assertion.secondSecret,
    signCount: assertion.signCount,
    uv: assertion.userVerified,
    device: deviceName(session.device),
    timings: timingsOf(stopwatch),
  };
}
