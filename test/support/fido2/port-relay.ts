/**
 * The USB ports of the client's suite on node-hid, seen from outside: for each, a TCP port where the umockdev bridge finds
 * an authenticator, and one where the process under the bridge plugs its own in. Bytes go through as they are. What the bridge
 * tells of its nodes is told to that process.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** `PORTS_VARIABLE=control,port,port…`, on the loopback interface. */
export const PORTS_VARIABLE = 'UNLOCKD_TEST_KEY_PORTS';

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

async function listening(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export interface PortRelay extends AsyncDisposable {
  /** For the bridge, in order. */
  readonly bridge: readonly { readonly protocol: 'tcp'; readonly address: string }[];
  readonly environment: Readonly<Record<string, string>>;
  /** A line that the bridge wrote to its events. */
  readonly tell: (line: string) => void;
}

export async function startPortRelay(count: number): Promise<PortRelay> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };
  const listeners = new Set<Socket>();
  /** The last line about each port. */
  const told = new Map<string, string>();
  const control = await listening((socket) => {
    keep(socket);
    for (const line of told.values()) socket.write(`${line}\n`);
    listeners.add(socket);
    socket.on('close', () => listeners.delete(socket));
  });
  servers.push(control);
  const bridge: { protocol: 'tcp'; address: string }[] = [];
  const inner: number[] = [];
  for (let i = 0; i < count; i++) {
    let authenticator: Socket | null = null;
    let host: Socket | null = null;
    const outside = await listening((socket) => {
      keep(socket);
      // One that is pulled out takes a connection only to end it.
      if (authenticator === null) {
        socket.destroy();
        return;
      }
      host?.destroy();
      host = socket;
      socket.on('data', (chunk) => authenticator?.write(chunk));
    });
    const inside = await listening((socket) => {
      keep(socket);
      authenticator?.destroy();
      authenticator = socket;
      socket.on('data', (chunk) => host?.write(chunk));
      socket.on('close', () => {
        if (authenticator !== socket) return;
        authenticator = null;
        host?.destroy();
        host = null;
      });
    });
    servers.push(outside, inside);
    bridge.push({ protocol: 'tcp', address: `127.0.0.1:${portOf(outside)}` });
    inner.push(portOf(inside));
  }
  return {
    bridge,
    environment: { [PORTS_VARIABLE]: [portOf(control), ...inner].join(',') },
    tell: (line) => {
      told.set(line.split(' ')[1] ?? '', line);
      for (const socket of listeners) socket.write(`${line}\n`);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}
