/**
 * authenticatorReset (CTAP 2.1 §6.6): the key forgets its PIN, its fingers and every credential. Keys take it only within
 * ten seconds after they got power, and after a touch.
 */
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import { CTAP_STATUS } from './wire/status-codes.ts';

/**
 * @throws {ERR_CTAP_RESET_TOO_LATE} more than ten seconds since power-up
 * @throws {ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_DENIED | ERR_CTAP_CANCELLED}
 */
export async function authenticatorReset(authenticator: Authenticator, options: CallOptions): Promise<void> {
  try {
    await authenticator.call('authenticatorReset', null, options);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_CTAP_STATUS') || error.detail.status !== CTAP_STATUS.CTAP2_ERR_NOT_ALLOWED) {
      throw error;
    }
    const message = 'the security key takes a reset only within ten seconds after it was plugged in';
    throw new UnlockdError('ERR_CTAP_RESET_TOO_LATE', message, { cause: error });
  }
}
