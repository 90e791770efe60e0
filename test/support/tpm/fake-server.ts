/**
 * A server that poses as a software TPM and answers with whatever a test says: the hostile end of the wire. It also
 * serves the control channel that tpm2-tss looks for, and records what it was sent.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Called with each command (chunk of bytes) that arrives. */
export type Answer = (socket: Socket, command: Buffer, number: number) => void;

export class FakeTpmServer implements AsyncDisposable {
  readonly path: string;
  readonly received: Buffer[] = [];
  readonly #folder: string;
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];
  answer: Answer = () => undefined;
  /** Called for each new data connection. */
  greet: (socket: Socket) => void = () => undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 't.sock');
  }

  get config(): string {
    return `swtpm:path=${this.path}`;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
  }

  async listen(): Promise<void> {
    const data = createServer((socket) => {
      this.#track(socket);
      this.greet(socket);
      socket.on('data', (chunk) => {
        this.received.push(chunk);
        this.answer(socket, chunk, this.received.length - 1);
      });
    });
    const control = createServer((socket) => {
      this.#track(socket);
      socket.on('data', () => socket.write(new Uint8Array(4)));
    });
    for (const [server, path] of [
      [data, this.path],
      [control, `${this.path}.ctrl`],
    ] as const) {
      this.#servers.push(server);
      await new Promise<void>((resolve) => server.listen(path, resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) await new Promise((resolve) => server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function startFakeServer(answer: Answer): Promise<FakeTpmServer> {
  const server = new FakeTpmServer(
    await mkdtemp(join(Buffer.byteLength(tmpdir()) > 60 ? '/tmp' : tmpdir(), 'utpm-fake-')),
  );
  server.answer = answer;
  await server.listen();
  return server;
}
