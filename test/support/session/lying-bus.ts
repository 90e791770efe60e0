/** A message bus that says whatever a test wants, to whoever connects; over the handshake of dbus-native's server. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type DBusConnection, type Message } from 'dbus-native';

export type Answer = Pick<
  Message,
  'type' | 'sender' | 'signature' | 'body' | 'errorName' | 'replySerial' | 'path' | 'interface' | 'member'
>;

export class LyingBus implements AsyncDisposable {
  readonly address: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #connections: DBusConnection[] = [];
  #serial = 1;

  private constructor(folder: string, script: (call: Message) => readonly Answer[]) {
    this.#folder = folder;
    const socket = join(folder, 'bus');
    this.address = `unix:path=${socket}`;
    const server = createServer((connection) => {
      this.#connections.push(connection);
      connection.on('error', () => undefined);
      connection.on('message', (call) => {
        for (const answer of script(call)) {
          connection.message({ serial: this.#serial++, replySerial: call.serial ?? 0, ...answer });
        }
      });
    });
    this.#server = server.listen(socket) as Server;
  }

  static async start(script: (call: Message) => readonly Answer[]): Promise<LyingBus> {
    return new LyingBus(await mkdtemp(join(tmpdir(), 'unlockd-lying-bus-')), script);
  }

  /** Bytes straight onto the wire of every connection. */
  raw(bytes: Uint8Array): void {
    for (const { stream } of this.#connections) stream.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stream } of this.#connections) stream.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }
}
