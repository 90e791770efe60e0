/**
 * How a process that talks to a radio gives up what it does not need: capabilities(7), prctl(2), execve(2). Capabilities belong to
 * threads, and Node has started several before the first line of a program runs, so that what the main thread drops the
 * others keep. Hence in two steps: the main thread drops everything and starts the program anew in the same process,
 * which ends all other threads; then every thread is looked at, and the program refuses to serve if one has more.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { UnlockdError } from '../../base/errors.ts';
import { libc, libcOrThrow } from '../libc.ts';

/** The management interface tells the strength of a link to nobody else. */
export const CAP_NET_ADMIN = 12;
/** Raw HCI sockets. */
export const CAP_NET_RAW = 13;
const RADIO = [CAP_NET_ADMIN] as const;

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const SIGKILL = 9;
const F_SETFD = 2;
/** _LINUX_CAPABILITY_VERSION_3: two words for each of effective, permitted, inheritable. */
const CAPABILITY_VERSION = 0x20080522;
const NO_CAPABILITY = 64;

const prctl = (option: number, a = 0, b = 0): number => libcOrThrow('prctl', option, a, b, 0, 0);

/**
 * First step: drops everything but the capabilities of `keep` (below 32), becomes `user`, and starts `program` in place of
 * this one, with the descriptors named and no environment. Does not come back.
 * @param user whom to become; null: nobody else
 * @throws {ERR_HAL_IO} a step was refused @throws {ERR_HAL_MODULE_MISSING}
 */
export function restartConfined(
  program: readonly string[],
  user: { readonly uid: number; readonly gid: number } | null,
  { keep = RADIO, descriptors = [0, 1, 2] }: { keep?: readonly number[]; descriptors?: readonly number[] } = {},
): void {
  prctl(PR_SET_NO_NEW_PRIVS, 1);
  dropBoundingSet(keep);
  if (user !== null) {
    prctl(PR_SET_KEEPCAPS, 1);
    process.setgroups?.([]);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
  }
  const kept = dropAllBut(keep);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  for (const capability of kept) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability);
  // Node closes every descriptor on exec, these too.
  for (const fd of descriptors) libcOrThrow('fcntl', fd, F_SETFD, 0);
  const [path = ''] = program;
  libcOrThrow('execve', path, [...program, null], [null]);
}

/** What no program of this process may ever get. Refused without CAP_SETPCAP: no_new_privs then stands alone. */
function dropBoundingSet(keep: readonly number[]): void {
  for (let capability = 0; capability < NO_CAPABILITY; capability++) {
    const { value, errno } = libc('prctl', PR_CAPBSET_READ, capability, 0, 0, 0);
    // The kernel has no capability of that number, and none of a higher one.
    if (errno !== null) return;
    if (value === 1 && !keep.includes(capability)) libc('prctl', PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

/** @returns those that were there to be kept */
function dropAllBut(keep: readonly number[]): readonly number[] {
  const header = new Uint32Array([CAPABILITY_VERSION, 0]);
  const bytes = (words: Uint32Array) => Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  const data = new Uint32Array(6);
  libcOrThrow('capget', bytes(header), bytes(data));
  const kept = keep.filter((capability) => (((data[1] ?? 0) >>> capability) & 1) === 1);
  const set = kept.reduce((bits, capability) => bits | (1 << capability), 0);
  libcOrThrow('capset', bytes(header), bytes(new Uint32Array([set, set, set, 0, 0, 0])));
  return kept;
}

/**
 * Second step: looks at every thread of this process, and binds its life to its parent's.
 * @throws {ERR_HAL_PERMISSION} a thread has more than the capabilities of `keep`, or could get more
 */
export function assertConfined(keep: readonly number[] = RADIO): void {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  for (const thread of readdirSync('/proc/self/task')) {
    const excess = excessOf(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'), keep);
    if (excess !== null)
      throw new UnlockdError('ERR_HAL_PERMISSION', `the process is not confined: ${excess}`, {
        detail: { thread },
      });
  }
}

/**
 * What a thread has beyond the capabilities of `keep`, of its status in proc(5); null: nothing. The bounding set is no matter
 * there: with no_new_privs a program gets no capability by starting another.
 */
export function excessOf(status: string, keep: readonly number[] = RADIO): string | null {
  const allowed = keep.reduce((bits, capability) => bits | (1n << BigInt(capability)), 0n);
  const field = (name: string): string | null => new RegExp(`^${name}:\\s+(\\S+)$`, 'm').exec(status)?.[1] ?? null;
  if (field('NoNewPrivs') !== '1') return 'no_new_privs is not set';
  for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) {
    const set = field(name);
    if (set === null || !/^[0-9a-f]{1,16}$/.test(set)) return `${name} cannot be read`;
    if ((BigInt(`0x${set}`) & ~allowed) !== 0n) return `${name} is ${set}`;
  }
  return null;
}
