/**
 * A real pipe: pipe2(2). Node hands a child sockets instead, and a socket cannot be opened again under /dev/fd/N,
 * which is how most programs are told to read a key.
 */
import { constants } from 'node:fs';
import { libcOrThrow } from './libc.ts';

/** O_CLOEXEC of the generic ABI (x86, ARM, RISC-V, POWER, s390): Node does not export it. */
const O_CLOEXEC = 0o2000000;

/**
 * Opens a pipe whose ends are closed on exec; a child gets the end that is named in its `stdio`.
 * @returns both descriptors; the caller closes them
 * @throws {ERR_HAL_IO} @throws {ERR_HAL_MODULE_MISSING}
 */
export function openPipe(): { readonly readFd: number; readonly writeFd: number } {
  const fds = [0, 0];
  libcOrThrow('pipe2', fds, O_CLOEXEC | constants.O_RDONLY);
  return { readFd: fds[0] ?? -1, writeFd: fds[1] ?? -1 };
}
