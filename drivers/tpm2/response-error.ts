/** From a response code to a typed error: the few codes that programs act on have a code of their own. */
import { type ErrorCode, UnlockdError } from '../base/errors.ts';
import type { CommandName } from './wire/constants.ts';
import { decodeResponseCode } from './wire/response-codes.ts';

/** Format-one codes without handle, session or parameter number; the others whole (Part 2 §6.6). */
const MEANINGS = new Map<number, ErrorCode>([
  [0x08e, 'ERR_TPM_AUTH_FAILED'],
  [0x0a2, 'ERR_TPM_AUTH_FAILED'],
  [0x921, 'ERR_TPM_LOCKED_OUT'],
  [0x101, 'ERR_TPM_FAILURE'],
  [0x902, 'ERR_TPM_OUT_OF_MEMORY'],
  [0x903, 'ERR_TPM_OUT_OF_MEMORY'],
]);

const baseOf = (rc: number): number => ((rc & 0x080) === 0 ? rc : rc & 0x0bf);

/** A refusal of the TPM. `detail.rc` is the whole code, `detail.name` its name in the spec. */
export class TpmResponseError extends UnlockdError {
  readonly rc: number;
  readonly command: CommandName;

  constructor(command: CommandName, rc: number) {
    const decoded = decodeResponseCode(rc);
    const hex = `0x${rc.toString(16).toUpperCase()}`;
    super(
      MEANINGS.get(baseOf(rc)) ?? 'ERR_TPM_RESPONSE',
      `TPM2_${command}: ${decoded.text} (${hex}): ${decoded.words}`,
      {
        detail: { rc, name: decoded.name, command: `TPM2_${command}` },
      },
    );
    this.rc = rc;
    this.command = command;
  }
}

export const isTpmResponse = (error: unknown, ...codes: number[]): error is TpmResponseError =>
  error instanceof TpmResponseError && (codes.length === 0 || codes.includes(error.rc));
