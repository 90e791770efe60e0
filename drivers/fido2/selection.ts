/**
 * "Touch the one you want": authenticatorSelection (CTAP 2.1 §6.9), and for keys of CTAP 2.0 the request that §6.1.2
 * step 1 answers after a touch and without making anything (a pinUvAuthParam of zero length).
 */
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import type { AuthenticatorInfo } from './get-info.ts';
import type { CborValue } from './wire/cbor.ts';
import { COSE_ALG, MAKE_CREDENTIAL } from './wire/constants.ts';
import { CTAP_STATUS } from './wire/status-codes.ts';

const touchOnly = (): Map<number, CborValue> =>
  new Map<number, CborValue>([
    [MAKE_CREDENTIAL.clientDataHash, new Uint8Array(32)],
    [MAKE_CREDENTIAL.rp, new Map([['id', 'selection.invalid']])],
    [
      MAKE_CREDENTIAL.user,
      new Map<string, CborValue>([
        ['id', new Uint8Array(1)],
        ['name', 'selection'],
      ]),
    ],
    [
      MAKE_CREDENTIAL.pubKeyCredParams,
      [
        new Map<string, CborValue>([
          ['alg', COSE_ALG.ES256],
          ['type', 'public-key'],
        ]),
      ],
    ],
    [MAKE_CREDENTIAL.pinUvAuthParam, new Uint8Array(0)],
    [MAKE_CREDENTIAL.pinUvAuthProtocol, 1],
  ]);

const TOUCHED: ReadonlySet<unknown> = new Set([
  CTAP_STATUS.CTAP2_ERR_PIN_INVALID,
  CTAP_STATUS.CTAP2_ERR_PIN_NOT_SET,
  CTAP_STATUS.CTAP2_ERR_PIN_AUTH_INVALID,
]);

/**
 * Resolves when this key was touched.
 * @throws {ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_DENIED | ERR_CTAP_CANCELLED} and what {@link Authenticator.call} throws
 */
export async function authenticatorSelection(
  authenticator: Authenticator,
  info: AuthenticatorInfo,
  options: CallOptions,
): Promise<void> {
  if (info.versions.includes('FIDO_2_1')) {
    await authenticator.call('authenticatorSelection', null, options);
    return;
  }
  try {
    await authenticator.call('authenticatorMakeCredential', touchOnly(), options);
  } catch (error) {
    if (isUnlockdError(error) && TOUCHED.has(error.detail.status)) return;
    throw error;
  }
}

/**
 * Lets the person choose one of several keys by touching it; the others stop blinking.
 * @param select waits for the touch of one candidate, until its signal aborts
 * @throws {ERR_CTAP_CANCELLED} and, where no key is left to wait for, the error of the last one
 */
export async function firstTouched<T>(
  candidates: readonly T[],
  select: (candidate: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<T> {
  const others = new AbortController();
  const waits = candidates.map(async (candidate) => {
    await select(candidate, AbortSignal.any([signal, others.signal]));
    return candidate;
  });
  try {
    return await Promise.any(waits);
  } catch (error) {
    if (error instanceof AggregateError && error.errors.length > 0) throw error.errors.at(-1);
    throw new UnlockdError('ERR_CTAP_NO_KEY', 'there is no security key to choose', { cause: error });
  } finally {
    others.abort(new UnlockdError('ERR_CTAP_CANCELLED', 'another security key was touched'));
    // Until every other key has answered its cancellation; a key that still blinks would take the next touch.
    await Promise.allSettled(waits);
  }
}
