/**
 * One verified assertion that yields a credential's hmac-secret output for a salt: the step that enrolment ends with
 * and that every unlock consists of.
 */
import type { Secret } from '../base/secret.ts';
import { DEFAULT_RP_ID, type SecurityKeyCeremony, withTouch } from './ceremony.ts';
import { getKeyAgreement } from './client-pin.ts';
import type { CosePublicKey } from './cose-key.ts';
import { authenticatorGetAssertion } from './get-assertion.ts';
import { HMAC_SECRET, hmacSecretInput, hmacSecretOutputs } from './hmac-secret.ts';
import type { KeySession } from './key-session.ts';
import { disposeVerification, type KeyPin, requirePinUvProtocol, verifyUser } from './user-verification.ts';
import { NO_VERIFICATION } from './verification.ts';
import { PERMISSION } from './wire/constants.ts';

export interface HmacAssertion {
  /** 32 bytes; the caller disposes it. */
  readonly hmacSecret: Secret;
  /** For the second salt, likewise; null: there was none. */
  readonly secondSecret: Secret | null;
  readonly signCount: number;
  /** What the signed flags say, whatever was asked for. */
  readonly userVerified: boolean;
}

/**
 * @param options `verify`: have the user verified; `turn`: settles when the person may be asked, until when everything
 *   else is made ready
 * @throws {ERR_CTAP_VERIFICATION | ERR_CTAP_NO_HMAC_SECRET} and what {@link verifyUser} and the commands throw
 */
export async function hmacAssertion(
  session: KeySession,
  ceremony: SecurityKeyCeremony,
  credential: {
    readonly credentialId: Uint8Array;
    readonly publicKey: CosePublicKey;
    readonly salt: Uint8Array;
    readonly secondSalt?: Uint8Array | undefined;
  },
  options: { readonly verify: boolean; readonly pin: KeyPin; readonly turn?: Promise<void> | undefined },
): Promise<HmacAssertion> {
  const { authenticator, device, info } = session;
  const { signal, entropy } = ceremony;
  const protocol = requirePinUvProtocol(info);
  const salts = credential.secondSalt === undefined ? [credential.salt] : [credential.salt, credential.secondSalt];
  if (options.verify) await options.turn;
  const verification = options.verify
    ? await verifyUser(session, ceremony, PERMISSION.ga, options.pin)
    : NO_VERIFICATION;
  try {
    using own =
      verification.kind === 'token' ? null : await getKeyAgreement(authenticator, { signal, entropy, protocol });
    const shared = verification.kind === 'token' ? verification.token.shared : own;
    if (shared === null) throw new TypeError('nothing was agreed on');
    const request = {
      clientDataHash: entropy.bytes(32),
      rpId: ceremony.rpId ?? DEFAULT_RP_ID,
      credentialId: credential.credentialId,
      publicKey: credential.publicKey,
      extensions: new Map([[HMAC_SECRET, hmacSecretInput(shared, salts, entropy)]]),
      verification,
    };
    const touch = withTouch(ceremony, { device, why: 'confirm' });
    await options.turn;
    const { data } = await authenticatorGetAssertion(authenticator, request, touch);
    const [hmacSecret, secondSecret = null] = hmacSecretOutputs(data, shared, salts.length);
    if (hmacSecret === undefined) throw new TypeError('no output for one salt');
    return { hmacSecret, secondSecret, signCount: data.signCount, userVerified: data.userVerified };
  } finally {
    disposeVerification(verification);
  }
}
