/**
 * An exclusive lock that dies with its holder: flock(2) on an open descriptor. The kernel drops it when the last copy
 * of the descriptor is closed, also after SIGKILL, so there is no stale lock to argue about.
 */
import { UnlockdError } from '../base/errors.ts';
import { libc } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Tries to lock the open file `fd` without waiting.
 * @returns false when another open descriptor holds the lock
 * @throws {ERR_HAL_IO} when the file system cannot lock
 * @throws {ERR_HAL_MODULE_MISSING} when koffi is not installed
 */
export function tryLockExclusive(fd: number): boolean {
  const { errno } = libc('flock', fd, LOCK_EX | LOCK_NB);
  if (errno === null) return true;
  if (errno === 'EAGAIN' || errno === 'EWOULDBLOCK') return false;
  throw new UnlockdError('ERR_HAL_IO', `flock failed: ${errno}`, { detail: { call: 'flock', errno } });
}
