/**
 * The API as one object: routes over a service, an HTTP server with its limits, and the check of the peer. Who is
 * asking is read once, when the connection is made, from the kernel; a connection whose peer is unknown is refused.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../drivers/base/clock.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { CeremonyWatch } from './ceremony-watch.ts';
import { type ApiLimits, DEFAULT_LIMITS, PerUid, tooManyConnections } from './limits.ts';
import { answerRefusal, serveRequest } from './node-adapter.ts';
import type { AgentService, Peer } from './ports.ts';
import { httpStatusOf, toRefusal } from './refusal.ts';
import { createRouter, type Router } from './router.ts';
import { addCeremonyRoutes } from './routes/ceremonies.ts';
import { addPhoneRoutes } from './routes/phones.ts';
import { addPolicyRoutes } from './routes/policy.ts';
import { addSignalRoutes } from './routes/signals.ts';
import { addStateRoutes } from './routes/state.ts';
import { wipeReadBuffers } from './secret-body.ts';

export interface ApiOptions {
  readonly service: AgentService;
  /** The peer of a fresh connection as the kernel reports it; null or a throw: refused, with its own ERR_API_PEER_UNKNOWN. */
  readonly peerOf: (socket: Socket) => Peer | null;
  readonly clock: Clock;
  readonly limits?: Partial<ApiLimits>;
  /** For the log: an error that is none of the product's own. Default: dropped. */
  readonly unexpected?: (error: unknown) => void;
}

export interface Api {
  readonly router: Router;
  /** Not listening yet: see `listen`. */
  readonly server: Server;
  /** Ceremonies that have not ended. */
  readonly openCeremonies: () => number;
  /** Cancels every ceremony: the daemon stops. */
  readonly cancelCeremonies: () => void;
}

interface Connection {
  readonly peer: Peer | null;
  readonly refusal: UnlockdError | null;
  /** Requests that are not answered yet; more than a few are pipelining for its own sake. */
  pending: number;
}

const PIPELINED = 4;
const ROOT = 0;
/** (uid_t)-1, which is nobody's: peers that the kernel does not name are counted as one. */
const NOBODY = 0xffff_ffff;
/** Over-limit connections are told so while they are few, and dropped when they are not. */
const TOLD = 2;

/**
 * @returns the API, ready to listen
 */
export function createApi(options: ApiOptions): Api {
  const limits: ApiLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const unexpected = options.unexpected ?? (() => undefined);
  const watch = new CeremonyWatch(options.clock, limits);
  const router = createRouter(unexpected);
  addCeremonyRoutes(router, { service: options.service, watch, limits });
  addStateRoutes(router, options.service);
  addSignalRoutes(router, options.service);
  addPhoneRoutes(router, options.service);
  addPolicyRoutes(router, options.service);

  const perUid = new PerUid(limits.connectionsPerUid);
  const refusedPerUid = new PerUid(limits.connectionsPerUid * TOLD);
  const connections = new WeakMap<Socket, Connection>();
  let open = 0;

  const readPeer = (socket: Socket): Peer | UnlockdError => {
    const unknown = new UnlockdError('ERR_API_PEER_UNKNOWN', 'the kernel does not say who is asking');
    try {
      return options.peerOf(socket) ?? unknown;
    } catch (error) {
      if (isUnlockdError(error, 'ERR_API_PEER_UNKNOWN')) return error;
      unexpected(error);
      return unknown;
    }
  };

  const admit = (socket: Socket): void => {
    socket.on('error', () => undefined);
    wipeReadBuffers(socket);
    const peer = readPeer(socket);
    if (peer instanceof UnlockdError) {
      const told = open < limits.connections ? refusedPerUid.take(NOBODY) : null;
      if (told === null) {
        socket.destroy();
        return;
      }
      open++;
      socket.once('close', () => {
        told();
        open--;
      });
      connections.set(socket, { peer: null, refusal: peer, pending: 0 });
      return;
    }
    const full = peer.uid !== ROOT && open >= limits.connections;
    const place = full ? null : perUid.take(peer.uid);
    const told = place ?? refusedPerUid.take(peer.uid);
    if (told === null) {
      socket.destroy();
      return;
    }
    const counted = place !== null && peer.uid !== ROOT;
    if (counted) open++;
    socket.once('close', () => {
      told();
      if (counted) open--;
    });
    const refusal = place === null ? tooManyConnections(peer.uid, limits.connectionsPerUid) : null;
    connections.set(socket, { peer, refusal, pending: 0 });
  };

  const serve = (incoming: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(incoming.socket);
    if (connection === undefined) {
      response.destroy();
      return;
    }
    const { peer, refusal } = connection;
    if (refusal !== null || peer === null) {
      answerRefusal(response, refusal);
      return;
    }
    connection.pending++;
    response.once('close', () => connection.pending--);
    if (connection.pending > PIPELINED) {
      incoming.socket.destroy();
      return;
    }
    void serveRequest((request, exchange) => router.fetch(request, exchange), incoming, response, peer, {
      clock: options.clock,
      limits,
      unexpected,
    });
  };

  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: Math.max(limits.headersMs, 1000),
      joinDuplicateHeaders: true,
      // Node would refuse a request without a Host header in a shape of its own; here that header decides nothing.
      requireHostHeader: false,
    },
    serve,
  );
  server.on('connection', admit);
  server.on('checkExpectation', (_incoming: IncomingMessage, response: ServerResponse) =>
    answerRefusal(
      response,
      new UnlockdError('ERR_API_REQUEST_INVALID', 'the Expect header asks for something unknown'),
    ),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseUnparsed(error, socket));
  return {
    router,
    server,
    openCeremonies: () => watch.size,
    cancelCeremonies: () => watch.cancelAll(),
  };
}

/** What the HTTP parser could not make a request of still gets an answer in the one shape. */
function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const refusal = (() => {
    if (error.code === 'HPE_HEADER_OVERFLOW') return new UnlockdError('ERR_API_HEADERS_TOO_LARGE', 'too many headers');
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      return new UnlockdError('ERR_API_TIMEOUT', 'the request was not complete in time');
    }
    return new UnlockdError('ERR_API_REQUEST_INVALID', 'this is not an HTTP/1.1 request');
  })();
  const status = refusal.code === 'ERR_API_TIMEOUT' ? 408 : httpStatusOf(refusal.code);
  const body = JSON.stringify(toRefusal(refusal));
  const head = `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`, () => socket.destroy());
}
