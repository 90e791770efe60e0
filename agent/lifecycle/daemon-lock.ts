/**
 * One daemon on one folder: a lock on a file in it that the kernel drops when its holder ends, also by SIGKILL. The
 * file stays and its content (the holder's pid) is for people; the lock alone decides.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { UnlockdError } from '../../drivers/base/errors.ts';

const LOCK_FILE = 'unlockd.lock';

/** Locks an open file for as long as it stays open; false: somebody else has it. See drivers/linux/file-lock.ts. */
export type TryLock = (fd: number) => boolean;

export interface DaemonLock extends Disposable {
  readonly path: string;
}

/** The pid in the lock file, if it is one. */
function holderOf(path: string): number | null {
  try {
    const text = readFileSync(path, 'ascii').slice(0, 32).trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

/**
 * @param folder the state or runtime folder that only one daemon may use
 * @returns the lock; disposing it, or the end of the process, lets the next daemon in
 * @throws {ERR_DAEMON_ALREADY_RUNNING} with the holder's pid in `detail.pid`
 * @throws {ERR_DAEMON_SOCKET} when the lock file cannot be opened
 */
export function lockFolder(folder: string, options: { tryLock: TryLock; pid: number }): DaemonLock {
  const path = join(folder, LOCK_FILE);
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new UnlockdError('ERR_DAEMON_SOCKET', 'the lock file could not be opened', { detail: { path }, cause });
  }
  try {
    if (!fstatSync(fd).isFile()) {
      throw new UnlockdError('ERR_DAEMON_SOCKET', 'the lock file is no file', { detail: { path } });
    }
    if (!options.tryLock(fd)) {
      const pid = holderOf(path);
      throw new UnlockdError(
        'ERR_DAEMON_ALREADY_RUNNING',
        `another daemon${pid === null ? '' : ` (${pid})`} uses ${folder}`,
        {
          detail: { path, pid },
        },
      );
    }
    ftruncateSync(fd, 0);
    writeSync(fd, `${options.pid}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    path,
    [Symbol.dispose]: () => {
      if (!held) return;
      held = false;
      closeSync(fd);
    },
  };
}
