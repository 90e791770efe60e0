/**
 * Who is on the other end of a UNIX stream socket, as the kernel recorded it: SO_PEERCRED of unix(7). For an accepted
 * connection these are the credentials of the process that called connect(2); for a connecting one, of the process
 * that called listen(2). Neither can be chosen by a message.
 */
import { openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';
import { UnlockdError } from '../base/errors.ts';
import { libc } from './libc.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** sizeof(struct ucred): pid, uid, gid, 32 bits each. */
const UCRED_BYTES = 12;
const NO_ID = 0xffff_ffff;

export interface PeerCredentials {
  readonly uid: number;
  readonly gid: number;
  /** 0: a process outside this PID namespace. */
  readonly pid: number;
}

let overflowUidFile: number | undefined;

/**
 * The uid that stands for every uid without a mapping into this user namespace; it names nobody in particular. It can
 * be changed at any time, so it is read each time, out of a file that stays open.
 */
function overflowUid(): number {
  try {
    overflowUidFile ??= openSync('/proc/sys/kernel/overflowuid', 'r');
    const buffer = Buffer.alloc(16);
    const length = readSync(overflowUidFile, buffer, 0, buffer.length, 0);
    const text = buffer.toString('ascii', 0, length).trim();
    return /^\d+$/.test(text) ? Number(text) : 65_534;
  } catch {
    return 65_534;
  }
}

/** The descriptor behind a connected socket; null when it is closed already. Node keeps it on its handle only. */
function descriptorOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return null;
  const fd: unknown = Reflect.get(handle, 'fd');
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}

/**
 * Reads the peer's credentials. Call it once, when the connection is made.
 * @returns null when the kernel does not say, when the socket is no UNIX socket or closed already, and when the uid is
 *   the overflow uid, which several users share: whoever gets null refuses.
 * @throws {ERR_HAL_MODULE_MISSING} when koffi is not installed
 */
export function peerCredentials(socket: Socket): PeerCredentials | null {
  const peer = readPeer(socket);
  return peer === null || peer.uid === overflowUid() ? null : peer;
}

/**
 * The same for a server, which tells a peer why it is refused.
 * @throws {ERR_API_PEER_UNKNOWN} the peer is the overflow uid @throws {ERR_HAL_MODULE_MISSING}
 */
export function namedPeer(socket: Socket): PeerCredentials | null {
  const peer = readPeer(socket);
  if (peer === null || peer.uid !== overflowUid()) return peer;
  const message = `uid ${peer.uid} is the kernel’s overflow uid: it stands for every user whom the kernel cannot name here`;
  throw new UnlockdError('ERR_API_PEER_UNKNOWN', message, { detail: { uid: peer.uid } });
}

function readPeer(socket: Socket): PeerCredentials | null {
  const fd = descriptorOf(socket);
  if (fd === null) return null;
  const value = Buffer.alloc(UCRED_BYTES);
  const length = [UCRED_BYTES];
  const { errno } = libc('getsockopt', fd, SOL_SOCKET, SO_PEERCRED, value, length);
  if (errno !== null || length[0] !== UCRED_BYTES) return null;
  const view = new DataView(value.buffer, value.byteOffset, UCRED_BYTES);
  const little = endianness() === 'LE';
  const [pid, uid, gid] = [view.getInt32(0, little), view.getUint32(4, little), view.getUint32(8, little)];
  // A socket that is no UNIX socket answers with pid 0 and ids of -1.
  if (uid === NO_ID || gid === NO_ID) return null;
  return { uid, gid, pid };
}
