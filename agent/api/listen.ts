/**
 * The daemon's socket: made in a directory that the daemon owns, with mode 0666 because the peer is what is checked
 * (unix(7): connecting needs write permission on the socket). What a dead daemon left behind is replaced; a live
 * daemon, or something that is no socket, is never touched.
 */
import { chmodSync, lstatSync, rmSync, type Stats } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Api } from './create-api.ts';

/** sizeof(sun_path) of unix(7) without its NUL; Node cuts a longer one off and listens elsewhere. */
const PATH_BYTES = 107;
const SOCKET_MODE = 0o666;
const WRITABLE_FOR_OTHERS = 0o022;

export interface Listening {
  readonly socketPath: string;
  /** Stops accepting, cancels ceremonies, lets open answers finish for `graceMs`, then closes everything. Idempotent. */
  stop(options: { graceMs: number }): Promise<void>;
}

const refuse = (message: string, path: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_DAEMON_SOCKET', message, { detail: { path }, cause });

function statOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** The directory decides who may put another socket in this one's place. */
function checkDirectory(path: string, uid: number): void {
  const directory = dirname(path);
  const found = statOf(directory);
  if (found === null || !found.isDirectory()) throw refuse('the directory of the socket does not exist', directory);
  if (found.uid !== uid && found.uid !== 0) {
    throw refuse(`the directory of the socket belongs to uid ${found.uid}`, directory);
  }
  if ((found.mode & WRITABLE_FOR_OTHERS) !== 0) throw refuse('the directory is writable for others', directory);
}

/** Whether somebody accepts connections on `path`. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (live: boolean) => {
      socket.destroy();
      resolve(live);
    };
    socket.once('connect', () => settle(true));
    // A full backlog (EAGAIN) is a sign of life too; only a refused connection means that nobody listens.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}

async function clearStale(path: string): Promise<void> {
  const found = statOf(path);
  if (found === null) return;
  if (!found.isSocket()) throw refuse('something that is no socket is in its place', path);
  if (await answers(path)) {
    throw new UnlockdError('ERR_DAEMON_ALREADY_RUNNING', `another daemon listens on ${path}`, { detail: { path } });
  }
  rmSync(path, { force: true });
}

/**
 * Starts to listen. Hold the daemon's lock first: it is what makes replacing a stale socket safe.
 * @param options.uid the uid that the daemon runs under
 * @throws {ERR_DAEMON_ALREADY_RUNNING} @throws {ERR_DAEMON_SOCKET}
 */
export async function listen(api: Api, options: { socketPath: string; uid: number; clock: Clock }): Promise<Listening> {
  const { socketPath } = options;
  if (Buffer.byteLength(socketPath) > PATH_BYTES)
    throw refuse(`the path has more than ${PATH_BYTES} bytes`, socketPath);
  try {
    checkDirectory(socketPath, options.uid);
    await clearStale(socketPath);
    await new Promise<void>((resolve, reject) => {
      api.server.once('error', reject);
      api.server.listen(socketPath, () => {
        api.server.removeListener('error', reject);
        resolve();
      });
    });
    chmodSync(socketPath, SOCKET_MODE);
  } catch (error) {
    if (error instanceof UnlockdError) throw error;
    throw refuse('the socket could not be created', socketPath, error);
  }
  let stopping: Promise<void> | null = null;
  return {
    socketPath,
    stop: ({ graceMs }) => {
      stopping ??= stop(api, options.clock, graceMs);
      return stopping;
    },
  };
}

async function stop(api: Api, clock: Clock, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => api.server.close(() => resolve()));
  api.cancelCeremonies();
  api.server.closeIdleConnections();
  const force = clock.timer(milliseconds(graceMs), () => api.server.closeAllConnections());
  await closed;
  force();
}
