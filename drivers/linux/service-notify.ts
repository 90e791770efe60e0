/**
 * Tells the service manager how far the daemon is: the datagram of sd_notify(3) to the socket named in NOTIFY_SOCKET.
 * Node has no UNIX datagram sockets, so the three calls go through the C library.
 */
import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import { libcOrThrow } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(sun_path) of unix(7). */
const PATH_BYTES = 108;

/** struct sockaddr_un; a leading `@` is the abstract namespace (a NUL in the first byte), as sd_notify(3) says. */
function addressOf(path: string): Uint8Array | null {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length >= PATH_BYTES) return null;
  const abstract = path.startsWith('@');
  if (!abstract && !path.startsWith('/')) return null;
  // A pathname carries its NUL; an abstract name is as long as the address says.
  const out = new Uint8Array(2 + name.length + (abstract ? 0 : 1));
  new DataView(out.buffer).setUint16(0, AF_UNIX, endianness() === 'LE');
  out.set(name, 2);
  if (abstract) out[2] = 0;
  return out;
}

/**
 * Sends `state` (lines such as `READY=1`) to the service manager.
 * @param socketPath the value of NOTIFY_SOCKET
 * @returns false when the path is no address of a UNIX socket
 * @throws {ERR_HAL_IO} when nobody listens there
 * @throws {ERR_HAL_MODULE_MISSING} when koffi is not installed
 */
export function notifyService(socketPath: string, state: string): boolean {
  const address = addressOf(socketPath);
  if (address === null) return false;
  const message = new TextEncoder().encode(state);
  const fd = libcOrThrow('socket', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    libcOrThrow('sendto', fd, message, message.length, MSG_NOSIGNAL, address, address.length);
    return true;
  } finally {
    closeSync(fd);
  }
}
