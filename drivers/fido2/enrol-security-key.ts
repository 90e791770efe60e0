/**
 * Enrolment of a security key: a credential of this machine's relying party with hmac-secret, not discoverable (it
 * takes no slot of the key), and the first output for a fresh salt.
 */
import { toHex } from '../base/bytes.ts';
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { AttestationResult } from './attestation.ts';
import { DEFAULT_RP_ID, deviceName, type SecurityKeyCeremony, withTouch } from './ceremony.ts';
import { cancellable } from './channel-errors.ts';
import { getKeyAgreement } from './client-pin.ts';
import { SUPPORTED_ALGORITHMS } from './cose-key.ts';
import { KeyFinder } from './find-key.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import { heldCredentialId } from './held-credential.ts';
import { hmacAssertion } from './hmac-assertion.ts';
import {
  checkHmacSecretCreated,
  HMAC_SECRET,
  HMAC_SECRET_LENGTH,
  HMAC_SECRET_MC,
  hmacSecretInput,
  hmacSecretOutputs,
} from './hmac-secret.ts';
import { checkAttestedModel, checkClaimedModel, type KeyModels } from './key-models.ts';
import { type KeySession, requireHmacSecret } from './key-session.ts';
import { authenticatorMakeCredential, type MadeCredential } from './make-credential.ts';
import { DeviceStopwatch, type KeyTimings, timingsOf } from './stopwatch.ts';
import { canVerifyUser, disposeVerification, KeyPin, requirePinUvProtocol, verifyUser } from './user-verification.ts';
import { NO_VERIFICATION } from './verification.ts';
import type { CborValue } from './wire/cbor.ts';
import { PERMISSION } from './wire/constants.ts';

/** Whether the user is verified by the key at every unlock. `preferred`: where the key is set up for it. */
export type UserVerification = 'required' | 'preferred' | 'discouraged';

export interface EnrolmentCeremony extends SecurityKeyCeremony {
  /** At most 64 bytes; no name of a person (WebAuthn §5.4.3). */
  readonly userId: Uint8Array;
  readonly userName: string;
  readonly uv: UserVerification;
  /** Credential ids of this user's keys: these keys are passed over, and refuse to be enrolled again. */
  readonly exclude?: readonly Uint8Array[];
  /** Which models may be enrolled; any unless told. */
  readonly models?: KeyModels;
  /**
   * Take the first secret from the making of the credential where the key can (hmac-secret-mc): one touch instead of two,
   * but no assertion has shown then that the key gives the same secret again.
   */
  readonly singleTouch?: boolean;
}

/** What is known of the key itself, for people and for lists; nothing here is a secret. */
export interface SecurityKeyInfo {
  readonly name: string;
  readonly vendorId: number;
  readonly productId: number;
  readonly serial: string | null;
  /** 32 hexadecimal digits: the model. */
  readonly aaguid: string;
  readonly versions: readonly string[];
  readonly firmwareVersion: number | null;
  readonly attestation: AttestationResult['signedBy'];
  /** False: it sends map keys out of order, which is tolerated. */
  readonly canonical: boolean;
}

export interface EnrolledSecurityKey {
  readonly credentialId: Uint8Array;
  /** COSE_Key bytes. */
  readonly publicKey: Uint8Array;
  /** 16 bytes. */
  readonly aaguid: Uint8Array;
  /** 32 bytes. Belongs to `uvUsed`: with and without user verification the same salt gives different outputs. */
  readonly salt: Uint8Array;
  readonly uvUsed: boolean;
  /** 32 bytes; the caller disposes it. */
  readonly hmacSecret: Secret;
  readonly signCount: number;
  readonly deviceInfo: SecurityKeyInfo;
  /** Milliseconds in which the key's answers were awaited. */
  readonly timings: KeyTimings;
}

/** @throws {ERR_CTAP_PIN_NOT_SET} */
function wantsVerification({ info, device }: KeySession, uv: UserVerification): boolean {
  if (info.options.get('alwaysUv') === true || uv === 'required') {
    if (canVerifyUser(info)) return true;
    const message = `${deviceName(device)} has no PIN, and user verification is required`;
    throw new UnlockdError('ERR_CTAP_PIN_NOT_SET', message);
  }
  return uv === 'preferred' && canVerifyUser(info);
}

/** §6.1.2: a key with a PIN insists on verification to make a credential, unless it says makeCredUvNotRqd. */
const insistsOnVerification = (info: AuthenticatorInfo): boolean =>
  canVerifyUser(info) && info.options.get('makeCredUvNotRqd') !== true;

function offeredAlgorithms({ info }: KeySession): readonly number[] {
  const { algorithms } = info;
  if (algorithms === undefined) return SUPPORTED_ALGORITHMS;
  const common = SUPPORTED_ALGORITHMS.filter((algorithm) => algorithms.includes(algorithm));
  if (common.length > 0) return common;
  throw new UnlockdError('ERR_CTAP_UNSUPPORTED', 'the security key signs with none of ES256, EdDSA and RS256', {
    detail: { algorithms: algorithms.join(' ') },
  });
}

/** A new credential; with the output for `salt` where the key gave it at once. The caller disposes it. */
type New = MadeCredential & { readonly hmacSecret: Secret | null };

/** @param salt for an output with the new credential; null: none is wanted yet */
async function makeCredential(
  session: KeySession,
  ceremony: EnrolmentCeremony,
  verify: boolean,
  salt: Uint8Array | null,
  pin: KeyPin,
): Promise<New> {
  const { authenticator, device, info } = session;
  const { entropy, signal } = ceremony;
  const verification = verify ? await verifyUser(session, ceremony, PERMISSION.mc, pin) : NO_VERIFICATION;
  const extensions = new Map<string, CborValue>([[HMAC_SECRET, true]]);
  try {
    using own =
      salt === null || verification.kind === 'token'
        ? null
        : await getKeyAgreement(authenticator, { signal, entropy, protocol: requirePinUvProtocol(info) });
    const shared = salt !== null && verification.kind === 'token' ? verification.token.shared : own;
    if (salt !== null && shared !== null) extensions.set(HMAC_SECRET_MC, hmacSecretInput(shared, [salt], entropy));
    const request = {
      clientDataHash: entropy.bytes(32),
      rpId: ceremony.rpId ?? DEFAULT_RP_ID,
      user: { id: ceremony.userId, name: ceremony.userName, displayName: ceremony.userName },
      algorithms: offeredAlgorithms(session),
      exclude: ceremony.exclude ?? [],
      extensions,
      verification,
    };
    const touch = withTouch(ceremony, { device, why: 'enrol' });
    const made = await authenticatorMakeCredential(authenticator, request, touch);
    checkHmacSecretCreated(made.data);
    if (ceremony.models !== undefined) {
      checkAttestedModel(made.credential.aaguid, made.attestation, ceremony.models, ceremony.clock.wall());
    }
    const [hmacSecret = null] = shared === null ? [] : hmacSecretOutputs(made.data, shared, 1, HMAC_SECRET_MC);
    return { ...made, hmacSecret };
  } finally {
    disposeVerification(verification);
  }
}

/**
 * Enrols the key that is plugged in, or the one that gets plugged in; where there are several, the one that is touched.
 * @throws {ERR_CTAP_NO_KEY | ERR_CTAP_NOT_CTAP2 | ERR_CTAP_NO_HMAC_SECRET | ERR_CTAP_ALREADY_ENROLLED |
 *   ERR_CTAP_PIN_NOT_SET | ERR_CTAP_PIN_BLOCKED | ERR_CTAP_PIN_AUTH_BLOCKED | ERR_CTAP_TOUCH_TIMEOUT |
 *   ERR_CTAP_CANCELLED | ERR_CTAP_DENIED | ERR_CTAP_VERIFICATION | ERR_CTAP_BUSY | ERR_CTAP_TIMEOUT |
 *   ERR_CTAP_UNSUPPORTED | ERR_CTAP_UV_CHANGED | ERR_CTAP_NOT_ALLOWED_MODEL} and ERR_HAL_*
 */
export const enrolSecurityKey = (ceremony: EnrolmentCeremony): Promise<EnrolledSecurityKey> =>
  cancellable(ceremony.signal, () => enrol(ceremony));

async function enrol(ceremony: EnrolmentCeremony): Promise<EnrolledSecurityKey> {
  const stopwatch = new DeviceStopwatch(ceremony.clock);
  const finder = new KeyFinder(ceremony, stopwatch, async (session) => {
    // One that is enrolled already is not the one that is meant: another is waited for, and this one stays dark.
    if ((await heldCredentialId(session, ceremony, ceremony.exclude ?? [])) !== null) return null;
    requireHmacSecret(session);
    if (ceremony.models !== undefined) checkClaimedModel(session.info.aaguid, ceremony.models);
    return true;
  });
  const { session } = await finder.find().catch((error: unknown) => {
    if (!isUnlockdError(error, 'ERR_CTAP_WRONG_KEY')) throw error;
    const message = 'the security key that is plugged in is enrolled already, and no other one came';
    throw new UnlockdError('ERR_CTAP_ALREADY_ENROLLED', message, { cause: error });
  });
  await using _session = session;
  using pin = new KeyPin();
  const { device, info } = session;
  const uvUsed = wantsVerification(session, ceremony.uv);
  const verify = uvUsed || insistsOnVerification(info);
  const salt = ceremony.entropy.bytes(HMAC_SECRET_LENGTH);
  // The output belongs to whether the user was verified: it is of use only where that is as it will be at unlock.
  const atOnce = ceremony.singleTouch === true && verify === uvUsed && info.extensions.includes(HMAC_SECRET_MC);
  const made = await makeCredential(session, ceremony, verify, atOnce ? salt : null, pin);
  const { credentialId, aaguid, publicKey } = made.credential;
  const credential = { credentialId, publicKey: made.publicKey, salt };
  const { hmacSecret, signCount, userVerified } =
    made.hmacSecret === null
      ? await hmacAssertion(session, ceremony, credential, { verify: uvUsed, pin })
      : { ...made.data, hmacSecret: made.hmacSecret };
  return {
    credentialId,
    publicKey,
    aaguid,
    salt,
    uvUsed: userVerified,
    hmacSecret,
    signCount,
    deviceInfo: {
      name: deviceName(device),
      vendorId: device.vendorId,
      productId: device.productId,
      serial: device.serial,
      aaguid: toHex(aaguid),
      versions: info.versions,
      firmwareVersion: info.firmwareVersion ?? null,
      attestation: made.attestation.signedBy,
      canonical: session.authenticator.canonical,
    },
    timings: timingsOf(stopwatch),
  };
}
