/** The errors of a CTAPHID channel, made in one place so that each has one wording and the same details. */
import { UnlockdError } from '../base/errors.ts';
import { CTAPHID_ERR } from './wire/ctaphid.ts';

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(CTAPHID_ERR).map(([name, byte]) => [byte, name]));

/** @param reason what the caller's signal was aborted with */
export const cancelled = (reason: unknown): UnlockdError =>
  new UnlockdError('ERR_CTAP_CANCELLED', 'the operation on the security key was cancelled', { cause: reason });

/** Runs a ceremony; what other rooms reject with when `signal` aborts (its reason) becomes the one error for it. */
export async function cancellable<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw signal.aborted && error === signal.reason ? cancelled(error) : error;
  }
}

export const channelBusy = (): UnlockdError =>
  new UnlockdError('ERR_CTAP_BUSY', 'another program kept the security key busy');

/** @param error the byte of CTAPHID_ERROR */
export function channelError(error: number): UnlockdError {
  const name = NAMES.get(error) ?? `0x${error.toString(16).padStart(2, '0')}`;
  return new UnlockdError('ERR_CTAP_TRANSPORT', `the security key answered with CTAPHID_ERROR ${name}`, {
    detail: { error, name },
  });
}

/** @param waitedForPerson its last keep-alive asked for a touch */
export const silentDevice = (what: string, waitedForPerson: boolean): UnlockdError =>
  waitedForPerson
    ? new UnlockdError('ERR_CTAP_TOUCH_TIMEOUT', 'the security key was not touched in time')
    : new UnlockdError('ERR_CTAP_TIMEOUT', `the security key ${what} in time`);
