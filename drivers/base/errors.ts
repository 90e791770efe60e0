/**
 * The one error class of the product. Programs switch on `code`, never on the message; `cause` is always kept; numbers
 * that a device sent stay in `detail`. The codes are a closed set, documented with cause and cure in `codes/`.
 */

import { AGENT_CODES } from './codes/agent.ts';
import { CONTAINER_CODES } from './codes/container.ts';
import { CTAP_CODES } from './codes/ctap.ts';
import { HAL_CODES } from './codes/hal.ts';
import { POLICY_CODES } from './codes/policy.ts';
import { TPM_CODES } from './codes/tpm.ts';

/** One row of the error reference: what happened, what to do about it. Both are sentences for people. */
export interface ErrorDoc {
  readonly cause: string;
  readonly cure: string;
}

export const ERROR_CODES = {
  ...HAL_CODES,
  ...TPM_CODES,
  ...CTAP_CODES,
  ...POLICY_CODES,
  ...CONTAINER_CODES,
  ...AGENT_CODES,
} as const satisfies Record<`ERR_${string}`, ErrorDoc>;

export type ErrorCode = keyof typeof ERROR_CODES;

export type ErrorDetail = Readonly<Record<string, string | number | boolean | null>>;

export class UnlockdError extends Error {
  readonly code: ErrorCode;
  /** Facts for programs: response codes, tries left, paths. Never a secret. */
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, options: { detail?: ErrorDetail; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UnlockdError';
    this.code = code;
    this.detail = options.detail ?? {};
  }

  /** What to do about it, from the error reference. */
  get cure(): string {
    return ERROR_CODES[this.code].cure;
  }
}

export const isUnlockdError = (error: unknown, ...codes: ErrorCode[]): error is UnlockdError =>
  error instanceof UnlockdError && (codes.length === 0 || codes.includes(error.code));
