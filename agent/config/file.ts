/**
 * Reads the configuration file: bounded in size, a regular file, and one that nobody but root or this user could have
 * written. What it says decides which TPM and which folders are used, so it is checked like a program.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { keyLines } from './positions.ts';

export const MAX_CONFIG_BYTES = 65_536;

export interface ConfigFile {
  readonly path: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** 1-based line of `section` and `section.key`. */
  readonly lines: ReadonlyMap<string, number>;
}

const unreadable = (path: string, reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CONFIG_UNREADABLE', `${path}: ${reason}`, { detail: { path }, cause });

/** Whose files are trusted besides root's. */
export const thisProcess = (): { readonly uid: number; readonly gid: number } => ({
  uid: process.geteuid?.() ?? -1,
  gid: process.getegid?.() ?? -1,
});

/** Without O_NONBLOCK a named pipe in the place of the file would block the start for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function readText(
  path: string,
  owner: { readonly uid: number; readonly gid: number },
  most = MAX_CONFIG_BYTES,
): string | null {
  let fd: number;
  try {
    fd = openSync(path, FLAGS);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, `cannot be opened (${(error as NodeJS.ErrnoException).code})`, error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unreadable(path, 'is not a regular file');
    if (stat.size > most) throw unreadable(path, `is larger than ${most} bytes`);
    const foreignGroup = (stat.mode & 0o020) !== 0 && stat.gid !== 0 && stat.gid !== owner.gid;
    if ((stat.mode & 0o002) !== 0 || foreignGroup || (stat.uid !== 0 && stat.uid !== owner.uid)) {
      throw new UnlockdError('ERR_CONFIG_PERMISSION', `${path}: may be changed by others than root and this user`, {
        detail: { path, uid: stat.uid, mode: (stat.mode & 0o7777).toString(8) },
      });
    }
    // One byte more than allowed, for a file that grows while it is read.
    const bytes = new Uint8Array(Math.min(most, Math.max(stat.size, MAX_CONFIG_BYTES)) + 1);
    let length = 0;
    for (let n = 1; n > 0 && length < bytes.length; length += n)
      n = readSync(fd, bytes, length, bytes.length - length, null);
    if (length === bytes.length) throw unreadable(path, `is larger than ${length - 1} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof UnlockdError) throw error;
    throw unreadable(path, error instanceof TypeError ? 'is not UTF-8 text' : 'cannot be read', error);
  } finally {
    closeSync(fd);
  }
}

/**
 * A file of the configuration beside the main one, such as one with keys, under the same checks.
 * @param most bytes that it may have
 * @throws {ERR_CONFIG_UNREADABLE} {ERR_CONFIG_PERMISSION}
 */
export function readConfigText(
  path: string,
  owner: { readonly uid: number; readonly gid: number } = thisProcess(),
  most = MAX_CONFIG_BYTES,
): string {
  const text = readText(path, owner, most);
  if (text === null) throw unreadable(path, 'there is no such file');
  return text;
}

/**
 * @param owner this process; files of root and of this user are trusted
 * @returns null when there is no such file
 * @throws {ERR_CONFIG_UNREADABLE} {ERR_CONFIG_PERMISSION} {ERR_CONFIG_INVALID} with line and column
 */
export function readConfigFile(path: string, owner: { readonly uid: number; readonly gid: number }): ConfigFile | null {
  const text = readText(path, owner);
  if (text === null) return null;
  try {
    return { path, document: parse(text, { maxDepth: 8 }), lines: keyLines(text) };
  } catch (error) {
    if (error instanceof TomlError) {
      const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
      throw new UnlockdError('ERR_CONFIG_INVALID', `${path}:${error.line}:${error.column}: ${reason}`, {
        detail: { path, line: error.line, column: error.column },
        cause: error,
      });
    }
    throw unreadable(path, 'cannot be parsed', error);
  }
}
