/**
 * What keeps this process's memory to itself: PR_SET_DUMPABLE of prctl(2), so that neither a core dump nor another
 * process of the same uid (ptrace(2), /proc/pid/mem) reads it, and RLIMIT_CORE of setrlimit(2) as the second lock.
 */
import { libcOrThrow } from './libc.ts';

const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const RLIMIT_CORE = 4;

/** Forbids core dumps and attaching. @throws {ERR_HAL_IO} @throws {ERR_HAL_MODULE_MISSING} */
export function forbidDumping(): void {
  libcOrThrow('prctl', PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/** Whether the process may be dumped (prctl(2) PR_GET_DUMPABLE); 2 (by root only) counts as yes. */
export function isDumpable(): boolean {
  return libcOrThrow('prctl', PR_GET_DUMPABLE, 0, 0, 0, 0) !== 0;
}

/** Sets the soft and the hard limit of core files to 0 bytes. @throws {ERR_HAL_IO} @throws {ERR_HAL_MODULE_MISSING} */
export function forbidCoreFiles(): void {
  libcOrThrow('setrlimit', RLIMIT_CORE, new BigUint64Array([0n, 0n]));
}
