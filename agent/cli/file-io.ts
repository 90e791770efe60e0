/** Files that the command line reads and writes. */
import { closeSync, fchmodSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { UnlockdError } from '../../drivers/base/errors.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'there is a file already',
  EISDIR: 'this is a folder, not a file',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'larger than any policy or recording',
};

const fileError = (path: string, cause: unknown): UnlockdError => {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  const words = errno === null ? 'failed' : (WORDS[errno] ?? errno);
  return new UnlockdError('ERR_CLI_FILE', `${path}: ${words}`, { detail: { path, errno }, cause });
};

const STOPPING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * A terminal, or a named pipe without a writer, blocks the whole program: no listener of a signal would ever run. Meanwhile
 * signals do what they do by themselves, and end it.
 */
function interruptibly<T>(read: () => T): T {
  const taken = STOPPING.flatMap((name) => process.listeners(name).map((listener) => ({ name, listener })));
  for (const { name, listener } of taken) process.off(name, listener);
  try {
    return read();
  } finally {
    for (const { name, listener } of taken) process.on(name, listener);
  }
}

/** Far above any policy or recording, and far below what would fill a memory. */
const MAX_BYTES = 64 * 1024 * 1024;
const STEP = 65_536;

/** Piece by piece: a pipe, or a device that never ends, says no size beforehand. */
function readAll(fd: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let length = 0; ; ) {
    const piece = new Uint8Array(STEP);
    const count = readSync(fd, piece, 0, STEP, null);
    if (count === 0) {
      const whole = Buffer.concat(pieces);
      // It may be a key: its reader wipes the whole, and the pieces are nobody's.
      for (const each of pieces) each.fill(0);
      return whole;
    }
    length += count;
    if (length > MAX_BYTES) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
    pieces.push(piece.subarray(0, count));
  }
}

/** @param path `-`: standard input @throws {ERR_CLI_FILE} also for what is larger than any policy or recording */
export function readBytes(path: string): Uint8Array {
  let fd: number | null = null;
  try {
    return interruptibly(() => {
      fd = path === '-' ? 0 : openSync(path, 'r');
      return readAll(fd);
    });
  } catch (cause) {
    throw fileError(path === '-' ? 'standard input' : path, cause);
  } finally {
    if (fd !== null && fd !== 0) closeSync(fd);
  }
}

/** @throws {ERR_CLI_FILE} */
export function writeBytes(path: string, content: string | Uint8Array, mode = 0o644): void {
  try {
    writeFileSync(path, content, { mode });
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** For the owner alone, also where the file was there before and others could read it. @throws {ERR_CLI_FILE} */
export function writePrivate(path: string, content: string | Uint8Array): void {
  let fd: number | null = null;
  try {
    fd = openSync(path, 'w', 0o600);
    fchmodSync(fd, 0o600);
    writeFileSync(fd, content);
  } catch (cause) {
    throw fileError(path, cause);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** @throws {ERR_CLI_FILE} also where there is a file already */
export function writeNewFile(path: string, content: string): void {
  try {
    writeFileSync(path, content, { flag: 'wx' });
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/**
 * A file that is written line by line, for its owner alone; what was in it is gone.
 * @throws {ERR_CLI_FILE}
 */
export function openLines(path: string): { readonly write: (line: string) => void; readonly close: () => void } {
  let fd: number;
  try {
    fd = openSync(path, 'w', 0o600);
  } catch (cause) {
    throw fileError(path, cause);
  }
  return {
    write: (line) => {
      try {
        writeSync(fd, `${line}\n`);
      } catch (cause) {
        throw fileError(path, cause);
      }
    },
    close: () => closeSync(fd),
  };
}
