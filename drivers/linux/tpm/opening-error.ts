/** What a failing open(2) or connect(2) means, in the codes of the product. */
import { type ErrorCode, UnlockdError } from '../../base/errors.ts';

const MEANINGS: ReadonlyMap<string, ErrorCode> = new Map([
  ['ENOENT', 'ERR_HAL_NOT_FOUND'],
  ['ENXIO', 'ERR_HAL_NOT_FOUND'],
  ['ENODEV', 'ERR_HAL_NOT_FOUND'],
  ['ECONNREFUSED', 'ERR_HAL_NOT_FOUND'],
  ['ENOTFOUND', 'ERR_HAL_NOT_FOUND'],
  ['EACCES', 'ERR_HAL_PERMISSION'],
  ['EPERM', 'ERR_HAL_PERMISSION'],
]);

/** The name of the system error, e.g. `ENOENT`, or an empty string. */
export function systemErrorName(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** ERR_HAL_NOT_FOUND, ERR_HAL_PERMISSION or ERR_HAL_IO, with the system's error as cause. */
export function openingError(error: unknown, description: string): UnlockdError {
  const name = systemErrorName(error);
  const busy = name === 'EBUSY' ? ': another program has it open' : '';
  return new UnlockdError(
    MEANINGS.get(name) ?? 'ERR_HAL_IO',
    `${description} could not be opened: ${name || String(error)}${busy}`,
    { cause: error },
  );
}
