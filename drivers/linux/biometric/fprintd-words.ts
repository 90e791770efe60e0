/**
 * The words of fprintd's interface (net.reactivated.Fprint.Device(5), "Verify Statuses" and its errors), read into those
 * of the seam. A status that is not in the list is a failure, never a match.
 */
import { isUnlockdError } from '../../base/errors.ts';
import type { RetryReason, VerifyOutcome } from '../../hal/biometric.ts';

export type UnavailableReason = Extract<VerifyOutcome, { is: 'unavailable' }>['reason'];

export type VerifyStatus =
  | { readonly is: 'match' }
  | { readonly is: 'no-match' }
  | { readonly is: 'retry'; readonly reason: RetryReason }
  | { readonly is: 'failed'; readonly reason: 'disconnected' | 'failed'; readonly detail: string };

const RETRIES = new Map<unknown, RetryReason>([
  ['verify-retry-scan', 'unclear'],
  ['verify-swipe-too-short', 'too-short'],
  ['verify-finger-not-centered', 'not-centered'],
  ['verify-remove-and-retry', 'remove-and-retry'],
  ['verify-too-fast', 'too-fast'],
]);

/** Longest word of the other side that is repeated. */
const KEPT = 64;

const failed = (detail: string, reason: 'disconnected' | 'failed' = 'failed'): VerifyStatus => ({
  is: 'failed',
  reason,
  detail,
});

/** @param body of VerifyStatus(s result, b done) */
export function verifyStatus([result, done]: readonly unknown[]): VerifyStatus {
  if (typeof result !== 'string' || typeof done !== 'boolean') return failed('fprintd sent a status that is none');
  const retry = RETRIES.get(result);
  // After a retry the verification goes on; one that is over has no result.
  if (retry !== undefined) return done ? failed(`fprintd gave up: ${result}`) : { is: 'retry', reason: retry };
  if (result === 'verify-no-match') return { is: 'no-match' };
  if (result === 'verify-match' && done) return { is: 'match' };
  if (result === 'verify-disconnected') return failed('the reader was disconnected', 'disconnected');
  if (result === 'verify-unknown-error') return failed('fprintd reports an error of the reader');
  return failed(`fprintd sent the status ${JSON.stringify(result.slice(0, KEPT))}`);
}

const FINGER = /^(?:left|right)-(?:thumb|(?:index|middle|ring|little)-finger)$/;

/** One of the ten names; `any` is none. */
export const isFinger = (value: unknown): value is string => typeof value === 'string' && FINGER.test(value);

const ERRORS = 'net.reactivated.Fprint.Error.';

/** Which error of its own fprintd answered with, without the prefix; null: none. */
export function errorOfFprintd(error: unknown): string | null {
  if (!isUnlockdError(error)) return null;
  const name = error.detail.error;
  return typeof name === 'string' && name.startsWith(ERRORS) ? name.slice(ERRORS.length) : null;
}

const BY_FPRINTD = new Map<string | null, UnavailableReason>([
  ['NoEnrolledPrints', 'not-enrolled'],
  ['AlreadyInUse', 'busy'],
  ['PermissionDenied', 'no-permission'],
]);

/** What it means for a verification that a call has failed. @param claimed whether the reader had been claimed by then */
export function reasonOf(error: unknown, claimed: boolean): UnavailableReason {
  const reason = BY_FPRINTD.get(errorOfFprintd(error));
  if (reason !== undefined) return reason;
  if (isUnlockdError(error, 'ERR_HAL_PERMISSION')) return 'no-permission';
  if (isUnlockdError(error, 'ERR_HAL_DISCONNECTED')) return 'disconnected';
  if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND')) return claimed ? 'disconnected' : 'no-reader';
  return 'failed';
}

/** Login names as useradd(8) takes them, and those of directories. Empty would mean ourselves; a path is no name. */
export const isLoginName = (user: string): boolean =>
  user.length <= 256 && /^[^\s/\p{Cc}\p{Cs}]+$/u.test(user) && user !== '.' && user !== '..';
