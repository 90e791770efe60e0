/**
 * The one binding to the C library: koffi is an optional package and slow to load (tens of milliseconds), so it is
 * loaded at the first call and never at import. Each function of the C library that the product calls is declared here
 * once; the files beside this one give them meaning. Prototypes: the man pages of section 2.
 */
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { UnlockdError } from '../base/errors.ts';

interface CFunction {
  (...args: unknown[]): unknown;
  /** The same on a thread of the pool; the last argument is called with the result. */
  async(...args: unknown[]): void;
}

interface Koffi {
  load(path: string): { func(prototype: string): CFunction };
  errno(): number;
}

const PROTOTYPES = {
  getsockopt: 'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
  prctl: 'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  setrlimit: 'int setrlimit(int resource, uint64_t *limits)',
  flock: 'int flock(int fd, int operation)',
  mallopt: 'int mallopt(int parameter, int value)',
  pipe2: 'int pipe2(_Out_ int *fds, int flags)',
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int fd, uint8_t *address, uint32_t length)',
  connect: 'int connect(int fd, uint8_t *address, uint32_t length)',
  setsockopt: 'int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)',
  ioctl: 'int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)',
  poll: 'int poll(_Inout_ uint8_t *fds, unsigned long count, int milliseconds)',
  read: 'intptr_t read(int fd, _Out_ uint8_t *bytes, size_t length)',
  write: 'intptr_t write(int fd, uint8_t *bytes, size_t length)',
  close: 'int close(int fd)',
  fcntl: 'int fcntl(int fd, int command, long argument)',
  capget: 'int capget(uint8_t *header, _Out_ uint8_t *data)',
  capset: 'int capset(uint8_t *header, uint8_t *data)',
  execve: 'int execve(const char *path, const char **arguments, const char **environment)',
  sendto:
    'intptr_t sendto(int fd, uint8_t *message, size_t length, int flags, uint8_t *address, uint32_t addressLength)',
} as const;

type LibcName = keyof typeof PROTOTYPES;

interface Loaded {
  readonly koffi: Koffi;
  readonly call: (name: LibcName) => CFunction;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  if (loaded !== undefined) return loaded;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const library = koffi.load('libc.so.6');
    const bound = new Map<LibcName, CFunction>();
    loaded = {
      koffi,
      call: (name) => {
        const known = bound.get(name);
        if (known !== undefined) return known;
        const fresh = library.func(PROTOTYPES[name]);
        bound.set(name, fresh);
        return fresh;
      },
    };
    return loaded;
  } catch (cause) {
    throw new UnlockdError('ERR_HAL_MODULE_MISSING', 'the package koffi or the library libc.so.6 could not be loaded', {
      detail: { module: 'koffi' },
      cause,
    });
  }
}

/** What a call gave back, and the symbolic errno (`EWOULDBLOCK`) when that was negative. */
export interface LibcResult {
  readonly value: number;
  readonly errno: string | null;
}

/**
 * Calls a function of the C library on this thread.
 * @throws {ERR_HAL_MODULE_MISSING} when koffi or the library is not there
 */
export function libc(name: LibcName, ...args: readonly unknown[]): LibcResult {
  const { koffi, call } = load();
  const value = Number(call(name)(...args));
  if (value >= 0) return { value, errno: null };
  return { value, errno: errnoName(koffi.errno()) };
}

/** Of Linux (asm-generic/errno.h), where Node has no name. */
const MORE_NAMES: Readonly<Record<number, string>> = { 52: 'EBADE', 115: 'EINPROGRESS', 132: 'ERFKILL' };

/** `EACCES` for 13. An error number without a name keeps its number. */
export function errnoName(errno: number): string {
  const more = MORE_NAMES[errno];
  if (more !== undefined) return more;
  try {
    const name = getSystemErrorName(-errno);
    return /^E[A-Z0-9]+$/.test(name) ? name : `errno ${errno}`;
  } catch {
    return `errno ${errno}`;
  }
}

/**
 * Calls a function of the C library on a thread of the pool, which it keeps until it returns. What it was handed must
 * stay as it is for so long. Its errno is lost with the thread.
 * @returns what the function gave back
 * @throws {ERR_HAL_MODULE_MISSING}
 */
export function libcAsync(name: LibcName, ...args: readonly unknown[]): Promise<number> {
  const { call } = load();
  return new Promise((resolve, reject) => {
    call(name).async(...args, (error: unknown, value: unknown) => {
      if (error === null || error === undefined) resolve(Number(value));
      else reject(error);
    });
  });
}

/**
 * As {@link libc}, for calls that must not fail.
 * @throws {ERR_HAL_IO} with the errno's name in `detail.errno`
 */
export function libcOrThrow(name: LibcName, ...args: readonly unknown[]): number {
  const { value, errno } = libc(name, ...args);
  if (errno !== null)
    throw new UnlockdError('ERR_HAL_IO', `${name} failed: ${errno}`, { detail: { call: name, errno } });
  return value;
}
