/**
 * A small `fetch` on node:http over a UNIX socket: one connection a request. The daemon at the other end is checked
 * before a byte of the request is written (SO_PEERCRED of unix(7): the process that listens), so that neither a PIN nor
 * the wish to unlock reaches a stranger who took the socket's place.
 */
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Peer } from './ports.ts';

export interface DaemonCheck {
  /** The peer of a connected socket as the kernel reports it. */
  readonly peerOf: (socket: Socket) => Promise<Peer | null>;
  /** Whether the daemon may run under this uid. */
  readonly trusts: (uid: number) => boolean;
}

export interface UnixRequest {
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array | null;
  readonly signal?: AbortSignal | undefined;
  /** Null: nothing secret goes either way, and the daemon is not checked. */
  readonly check: DaemonCheck | null;
}

/** A failed connection in the words of the product. */
function connectionError(error: NodeJS.ErrnoException, path: string): UnlockdError {
  const detail = { path, errno: error.code ?? null };
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTDIR':
    case 'ENOTSOCK':
      return new UnlockdError('ERR_DAEMON_NOT_RUNNING', `no daemon listens on ${path}`, { detail, cause: error });
    case 'EACCES':
    case 'EPERM':
      return new UnlockdError('ERR_CLI_SOCKET_PERMISSION', `${path} may not be opened`, { detail, cause: error });
    default:
      return new UnlockdError('ERR_CLI_CONNECTION_LOST', `the connection to ${path} failed`, { detail, cause: error });
  }
}

function connected(path: string, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = connect(path);
    const onAbort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => {
      signal?.removeEventListener('abort', onAbort);
      reject(connectionError(error, path));
    });
    socket.once('connect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

/** @throws {ERR_CLI_DAEMON_UNTRUSTED} */
async function requireTrusted(socket: Socket, path: string, check: DaemonCheck): Promise<void> {
  const peer = await check.peerOf(socket);
  if (peer !== null && check.trusts(peer.uid)) return;
  const who = peer === null ? 'an unknown user' : `uid ${peer.uid}`;
  throw new UnlockdError('ERR_CLI_DAEMON_UNTRUSTED', `${path} is served by ${who}`, {
    detail: { path, uid: peer?.uid ?? null },
  });
}

/**
 * Sends one request and resolves with the head of its answer; the caller reads the body and so ends the connection.
 * @throws {ERR_DAEMON_NOT_RUNNING} @throws {ERR_CLI_SOCKET_PERMISSION} @throws {ERR_CLI_DAEMON_UNTRUSTED}
 * @throws {ERR_CLI_CONNECTION_LOST} when the daemon closes before the head of its answer
 * @throws the signal's reason when it aborts
 */
export async function unixFetch(options: UnixRequest): Promise<IncomingMessage> {
  const socket = await connected(options.socketPath, options.signal);
  try {
    if (options.check !== null) await requireTrusted(socket, options.socketPath, options.check);
    options.signal?.throwIfAborted();
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(options.signal?.reason);
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => options.signal?.removeEventListener('abort', onAbort));
    const body = options.body ?? null;
    const outgoing = request({
      createConnection: () => socket,
      method: options.method,
      path: options.path,
      headers: {
        host: 'unlockd',
        connection: 'close',
        ...(body === null ? {} : { 'content-length': body.length }),
        ...options.headers,
      },
    });
    outgoing.once('response', resolve);
    outgoing.once('error', (cause) =>
      reject(
        new UnlockdError('ERR_CLI_CONNECTION_LOST', 'the daemon closed the connection without an answer', { cause }),
      ),
    );
    outgoing.end(body ?? undefined);
  });
}
