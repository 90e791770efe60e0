/**
 * Errors on their way out: what people and programs see is `{ code, message, cure, detail }` and an HTTP status, and
 * nothing else. An error that is not one of the product's own reveals nothing at all: it becomes ERR_API_INTERNAL and
 * the original goes to the log of the daemon only.
 */
import { type ErrorCode, isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { errorOfScope } from '../../drivers/base/scope-end.ts';
import type { Refusal } from './ports.ts';

export type HttpStatus = 400 | 403 | 404 | 408 | 409 | 410 | 413 | 422 | 429 | 431 | 500 | 502 | 503 | 504;

/** RFC 9110 section 15, by code; what is not named here goes by {@link FAMILIES}. */
const STATUS: Partial<Record<ErrorCode, HttpStatus>> = {
  ERR_API_INTERNAL: 500,
  ERR_API_NO_ROUTE: 404,
  ERR_API_REQUEST_INVALID: 400,
  ERR_API_BODY_TOO_LARGE: 413,
  ERR_API_HEADERS_TOO_LARGE: 431,
  ERR_API_TIMEOUT: 504,
  ERR_API_PEER_UNKNOWN: 403,
  ERR_API_FORBIDDEN: 403,
  ERR_API_TOO_MANY_CONNECTIONS: 429,
  ERR_API_TOO_MANY_CEREMONIES: 429,
  ERR_API_NO_SUCH_CEREMONY: 404,
  ERR_API_SLOT_EMPTY: 410,
  ERR_POLICY_DENIED: 403,
  ERR_POLICY_INVALID: 422,
  ERR_POLICY_NO_BRANCH: 422,
  ERR_POLICY_ASSERTED_BRANCH: 422,
};

/** By the beginning of the code: the state of things (409), or a device behind the daemon (502). */
const FAMILIES: readonly (readonly [string, HttpStatus])[] = [
  ['ERR_HAL_', 502],
  ['ERR_TPM_', 502],
  ['ERR_CTAP_', 502],
];

export function httpStatusOf(code: ErrorCode): HttpStatus {
  return STATUS[code] ?? FAMILIES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 409;
}

/** The error that stands in for one that nobody foresaw. */
export const internalError = (cause: unknown): UnlockdError =>
  new UnlockdError('ERR_API_INTERNAL', 'the daemon met a condition that it does not know', { cause });

/** The redacted form of an error. Total: whatever is thrown in, a refusal comes out. */
export function toRefusal(error: unknown): Refusal {
  const first = errorOfScope(error);
  const known = isUnlockdError(first) ? first : internalError(error);
  return { code: known.code, message: known.message, cure: known.cure, detail: known.detail };
}
