/**
 * From a CTAP status byte (CTAP 2.1 §8.2) to a typed error. A status without an error code of its own keeps its number
 * and its name in the detail.
 */
import { type ErrorCode, UnlockdError } from '../base/errors.ts';
import { CTAP_STATUS, ctapStatusName } from './wire/status-codes.ts';

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [CTAP_STATUS.CTAP1_ERR_CHANNEL_BUSY, 'ERR_CTAP_BUSY'],
  [CTAP_STATUS.CTAP2_ERR_CREDENTIAL_EXCLUDED, 'ERR_CTAP_ALREADY_ENROLLED'],
  [CTAP_STATUS.CTAP2_ERR_UNSUPPORTED_ALGORITHM, 'ERR_CTAP_UNSUPPORTED'],
  [CTAP_STATUS.CTAP2_ERR_OPERATION_DENIED, 'ERR_CTAP_DENIED'],
  [CTAP_STATUS.CTAP2_ERR_KEEPALIVE_CANCEL, 'ERR_CTAP_CANCELLED'],
  [CTAP_STATUS.CTAP2_ERR_NO_CREDENTIALS, 'ERR_CTAP_NO_CREDENTIAL'],
  [CTAP_STATUS.CTAP2_ERR_USER_ACTION_TIMEOUT, 'ERR_CTAP_TOUCH_TIMEOUT'],
  [CTAP_STATUS.CTAP2_ERR_ACTION_TIMEOUT, 'ERR_CTAP_TOUCH_TIMEOUT'],
  [CTAP_STATUS.CTAP2_ERR_PIN_INVALID, 'ERR_CTAP_PIN_WRONG'],
  [CTAP_STATUS.CTAP2_ERR_PIN_BLOCKED, 'ERR_CTAP_PIN_BLOCKED'],
  [CTAP_STATUS.CTAP2_ERR_PIN_AUTH_BLOCKED, 'ERR_CTAP_PIN_AUTH_BLOCKED'],
  [CTAP_STATUS.CTAP2_ERR_PIN_NOT_SET, 'ERR_CTAP_PIN_NOT_SET'],
  [CTAP_STATUS.CTAP2_ERR_PUAT_REQUIRED, 'ERR_CTAP_PIN_REQUIRED'],
  [CTAP_STATUS.CTAP2_ERR_PIN_POLICY_VIOLATION, 'ERR_CTAP_PIN_POLICY'],
  [CTAP_STATUS.CTAP2_ERR_KEY_STORE_FULL, 'ERR_CTAP_STORAGE_FULL'],
  [CTAP_STATUS.CTAP2_ERR_LARGE_BLOB_STORAGE_FULL, 'ERR_CTAP_STORAGE_FULL'],
  [CTAP_STATUS.CTAP2_ERR_FP_DATABASE_FULL, 'ERR_CTAP_STORAGE_FULL'],
  [CTAP_STATUS.CTAP2_ERR_REQUEST_TOO_LARGE, 'ERR_CTAP_REQUEST_TOO_LARGE'],
  [CTAP_STATUS.CTAP2_ERR_UV_BLOCKED, 'ERR_CTAP_UV_BLOCKED'],
  [CTAP_STATUS.CTAP2_ERR_UV_INVALID, 'ERR_CTAP_UV_INVALID'],
]);

/**
 * @param status the first byte of the answer, not 0
 * @param command the name of the command that was refused
 */
export function statusError(status: number, command: string): UnlockdError {
  const name = ctapStatusName(status);
  return new UnlockdError(CODES.get(status) ?? 'ERR_CTAP_STATUS', `${command}: ${name}`, {
    detail: { status, name, command },
  });
}
