/**
 * A virtual authenticator behind TCP on the loopback interface: a 16-bit big-endian length, then one report. A
 * connection is a plugged-in device: it ends when the authenticator is pulled out, and none is taken until it is back.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { concat, u16 } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

const HOST = '127.0.0.1';
const HEAD = 2;
/** High-speed devices have reports of up to 1024 bytes; more than that is no report. */
const MAX_REPORT = 1024;
const MAX_CONNECTIONS = 16;

/** Takes the stream apart. Calls `refuse` when a length cannot be one. */
function reports(take: (report: Uint8Array) => void, refuse: () => void): (chunk: Uint8Array) => void {
  let rest: Uint8Array = new Uint8Array(0);
  return (chunk) => {
    rest = concat(rest, chunk);
    while (rest.length >= HEAD) {
      const length = ((rest[0] ?? 0) << 8) | (rest[1] ?? 0);
      if (length === 0 || length > MAX_REPORT) {
        refuse();
        return;
      }
      if (rest.length < HEAD + length) return;
      take(rest.slice(HEAD, HEAD + length));
      rest = rest.slice(HEAD + length);
    }
  };
}

export class TcpServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(authenticator: VirtualAuthenticator, server: Server) {
    this.#server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (socket) => this.#serve(authenticator, socket));
  }

  /** @param port 0: a free one. @throws {ERR_HAL_IO} when the port is taken */
  static async start(authenticator: VirtualAuthenticator, port: number): Promise<TcpServer> {
    const server = createServer({ noDelay: true });
    server.maxConnections = MAX_CONNECTIONS;
    try {
      server.listen(port, HOST);
      await once(server, 'listening');
    } catch (cause) {
      throw new UnlockdError('ERR_HAL_IO', `cannot listen on TCP port ${port}`, { cause });
    }
    return new TcpServer(authenticator, server);
  }

  #serve(authenticator: VirtualAuthenticator, socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (!authenticator.plugged) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    const stopListening = authenticator.listen({
      report: (report) => socket.write(concat(u16(report.length), report)),
      gone: () => socket.destroy(),
    });
    socket.on('close', () => {
      stopListening();
      this.#sockets.delete(socket);
    });
    const parse = reports(
      (report) => authenticator.receive(report),
      () => socket.destroy(),
    );
    socket.on('data', parse);
  }

  #closed = false;

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
