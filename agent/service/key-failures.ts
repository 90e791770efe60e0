/** What a failure of the security key means to the policy. */
import type { ErrorCode } from '../../drivers/base/errors.ts';
import type { UnavailableReason, UnsatisfiedReason } from '../../drivers/signal.ts';

/** A gesture that did not satisfy. */
export type BadState =
  | { readonly state: 'unsatisfied'; readonly reason: UnsatisfiedReason; readonly detail?: string }
  | { readonly state: 'unavailable'; readonly reason: UnavailableReason; readonly detail?: string };

const KEY_FAILURES: Partial<Record<ErrorCode, BadState>> = {
  ERR_CTAP_NO_KEY: { state: 'unsatisfied', reason: 'timed-out' },
  ERR_CTAP_TOUCH_TIMEOUT: { state: 'unsatisfied', reason: 'timed-out' },
  ERR_CTAP_TIMEOUT: { state: 'unsatisfied', reason: 'timed-out' },
  ERR_CTAP_WRONG_KEY: { state: 'unsatisfied', reason: 'not-enrolled' },
  ERR_KEY_WRONG: { state: 'unsatisfied', reason: 'not-enrolled' },
  ERR_CTAP_UV_CHANGED: { state: 'unsatisfied', reason: 'not-enrolled' },
  ERR_CTAP_PIN_BLOCKED: { state: 'unavailable', reason: 'locked-out' },
  ERR_CTAP_PIN_AUTH_BLOCKED: { state: 'unavailable', reason: 'locked-out' },
  ERR_CTAP_PIN_NOT_SET: { state: 'unavailable', reason: 'unsupported' },
  ERR_CTAP_NO_HMAC_SECRET: { state: 'unavailable', reason: 'unsupported' },
  ERR_CTAP_NOT_CTAP2: { state: 'unavailable', reason: 'unsupported' },
  ERR_HAL_PERMISSION: { state: 'unavailable', reason: 'no-permission' },
  ERR_HAL_MODULE_MISSING: { state: 'unavailable', reason: 'no-driver' },
};

/** What is not in the table is a fault of the device. */
export const meaningOf = (code: ErrorCode): BadState =>
  KEY_FAILURES[code] ?? { state: 'unavailable', reason: 'failed' };
