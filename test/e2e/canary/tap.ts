/**
 * A tap: a UNIX socket in front of another one, which hands everything on unchanged and keeps a copy of every byte, one
 * recording for each connection and direction.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes as they came, in pieces; looked at as one stream. */
export class Recording {
  readonly #pieces: Uint8Array[] = [];

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
  }

  get pieces(): number {
    return this.#pieces.length;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

export class Tap implements AsyncDisposable {
  readonly path: string;
  /** From the clients to the other end, and back: one for each connection. */
  readonly out: Recording[] = [];
  readonly back: Recording[] = [];
  /** The socket in front of which it stands; set before the first client comes. */
  target = '';
  readonly #folder: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 't.sock');
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  }

  static async start(): Promise<Tap> {
    const tap = new Tap(await mkdtemp(join(Buffer.byteLength(tmpdir()) > 60 ? '/tmp' : tmpdir(), 'utap-')));
    await new Promise<void>((resolve, reject) => {
      tap.#server.once('error', reject);
      tap.#server.listen(tap.path, resolve);
    });
    return tap;
  }

  #join(client: Socket): void {
    const other = connect({ path: this.target, allowHalfOpen: true });
    this.#hand(client, other, this.out);
    this.#hand(other, client, this.back);
  }

  #hand(from: Socket, to: Socket, recordings: Recording[]): void {
    const recording = new Recording();
    recordings.push(recording);
    this.#open.add(from);
    from.on('data', (piece) => {
      recording.push(Uint8Array.from(piece as Buffer));
      to.write(piece);
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#open.delete(from);
      to.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
