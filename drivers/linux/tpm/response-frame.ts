/**
 * The header of a response (TPM 2.0 Part 1 §18.9: tag, responseSize, responseCode), checked before anything behind it
 * is believed. A transport hands out whole responses and nothing else.
 */
import { UnlockdError } from '../../base/errors.ts';

export const HEADER_SIZE = 10;

/** Part 2 §5.4 leaves MAX_RESPONSE_SIZE to the vendor; every TPM 2.0 in use has 4096, the kernel's buffer as well. */
export const MAX_SIZE = 4096;

/** TPM_ST_NO_SESSIONS, TPM_ST_SESSIONS; a TPM that does not understand the tag answers TPM_ST_RSP_COMMAND (Part 2 §6.9). */
const TAGS: readonly number[] = [0x8001, 0x8002];
const TAG_RSP_COMMAND = 0x00c4;

const malformed = (reason: string): UnlockdError =>
  new UnlockdError('ERR_TPM_MALFORMED_RESPONSE', `not a response of a TPM 2.0: ${reason}`);

/**
 * The size that the response says it has.
 * @param header at least the first 6 bytes of a response
 * @throws {ERR_TPM_MALFORMED_RESPONSE} a tag or a size that no TPM 2.0 sends
 */
export function responseSize(header: Uint8Array): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const tag = view.getUint16(0);
  const size = view.getUint32(2);
  if (tag === TAG_RSP_COMMAND && size === HEADER_SIZE) return size;
  if (!TAGS.includes(tag)) throw malformed(`tag 0x${tag.toString(16).padStart(4, '0')}`);
  if (size < HEADER_SIZE || size > MAX_SIZE)
    throw malformed(`responseSize ${size}, ${HEADER_SIZE} to ${MAX_SIZE} expected`);
  return size;
}

/**
 * Checks that `bytes` is one whole response.
 * @throws {ERR_TPM_MALFORMED_RESPONSE} too short, too long, or not what its header says
 */
export function checkResponse(bytes: Uint8Array): void {
  if (bytes.length < HEADER_SIZE) throw malformed(`${bytes.length} bytes`);
  const size = responseSize(bytes);
  if (size !== bytes.length) throw malformed(`responseSize ${size} in a response of ${bytes.length} bytes`);
}

/**
 * Checks that a command is one that can be framed at all; a command that lies about its size would put this program
 * and the TPM out of step.
 * @throws {RangeError} a mistake of the caller
 */
export function checkCommand(bytes: Uint8Array): void {
  if (bytes.length < HEADER_SIZE || bytes.length > MAX_SIZE) throw new RangeError(`a command of ${bytes.length} bytes`);
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(2);
  if (size !== bytes.length) throw new RangeError(`commandSize ${size} in a command of ${bytes.length} bytes`);
}
