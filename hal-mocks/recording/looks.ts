/**
 * Looks at a TPM: TPM2_GetCapability without a session (Part 3 §30.2). They change nothing, and how often a program looks depends on
 * how long it waits. So they are no part of what is played strictly: a tape has what was seen, each time that it was something else,
 * and a replay shows what was seen last.
 */
import { concat, toHex, u32 } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';

/** The channel of what was seen. */
export const LOOKS = 'tpm looks';

/** TPM_ST_NO_SESSIONS, and TPM_CC_GetCapability at offset 6 (Part 2 §6.5.2, §6.9). */
const NO_SESSIONS = '8001';
const GET_CAPABILITY = '0000017a';

export const isLook = (command: Uint8Array): boolean =>
  toHex(command.subarray(0, 2)) === NO_SESSIONS && toHex(command.subarray(6, 10)) === GET_CAPABILITY;

export const lookBytes = (command: Uint8Array, response: Uint8Array): Uint8Array =>
  concat(u32(command.length), command, response);

/** @throws {ERR_RECORDING_INVALID} */
export function lookOf(bytes: Uint8Array): { readonly command: string; readonly response: Uint8Array } {
  const length =
    bytes.length < 4 ? Number.POSITIVE_INFINITY : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (4 + length > bytes.length)
    throw new UnlockdError('ERR_RECORDING_INVALID', 'this is no recording: a look is cut off');
  return { command: toHex(bytes.subarray(4, 4 + length)), response: bytes.slice(4 + length) };
}
