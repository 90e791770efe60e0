/** Files that the command line reads and writes. */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { UnlockdError } from '../../drivers/base/errors.ts';

const fileError = (path: string, cause: unknown): UnlockdError => {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  return new UnlockdError('ERR_CLI_FILE', `${path}: ${errno ?? 'failed'}`, { detail: { path, errno }, cause });
};

/** @param path `-`: standard input @throws {ERR_CLI_FILE} */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path === '-' ? 0 : path);
  } catch (cause) {
    throw fileError(path, cause);
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
