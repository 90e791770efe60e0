/**
 * hidapi reports errors as text, without codes, and node-hid hands some of them out as bare strings. This is the only
 * place that reads that text.
 */
import { UnlockdError } from '../../base/errors.ts';
import { moduleMissing } from './node-hid.ts';

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Errors of an open device: what is not an unplug is an input or output error. */
export function transferError(error: unknown, path: string): UnlockdError {
  if (error instanceof UnlockdError) return error;
  const text = textOf(error);
  // A read fails with the first, a write with the others, depending on who notices the unplug.
  if (
    /no such device|device disconnected|unexpected poll error|hid_error is not implemented|input\/output error/i.test(
      text,
    )
  ) {
    return new UnlockdError('ERR_HAL_DISCONNECTED', `${path} was unplugged`, { detail: { path }, cause: error });
  }
  return new UnlockdError('ERR_HAL_IO', `${path}: ${text}`, { detail: { path }, cause: error });
}

/** Errors of listing and opening. @param platform of this process unless told */
export function openError(error: unknown, path: string, platform: NodeJS.Platform = process.platform): UnlockdError {
  if (error instanceof UnlockdError) return error;
  const missing = moduleMissing(error);
  if (missing !== null) return missing;
  const text = textOf(error);
  const detail = { path };
  // Windows lists FIDO devices to everybody and opens them for administrators; hidapi does not tell that from anything else.
  const closedByWindows = platform === 'win32' && /cannot open device/i.test(text);
  if (closedByWindows || /permission denied|operation not permitted|access is denied/i.test(text)) {
    return new UnlockdError('ERR_HAL_PERMISSION', `${path}: permission denied`, { detail, cause: error });
  }
  if (/no such (file|device)|cannot open device with path|not found/i.test(text)) {
    return new UnlockdError('ERR_HAL_NOT_FOUND', `${path} is not there`, { detail, cause: error });
  }
  return new UnlockdError('ERR_HAL_IO', `${path}: ${text}`, { detail, cause: error });
}
