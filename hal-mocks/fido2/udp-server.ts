/**
 * A virtual authenticator behind UDP on the loopback interface: one datagram is one report. Everybody who sent
 * something lately gets every report, as every handle of a HID device does.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

/** Peers that are remembered; UDP has no end of a connection. */
const MAX_PEERS = 4;
const HOST = '127.0.0.1';

interface Peer {
  readonly address: string;
  readonly port: number;
}

export class UdpServer implements AsyncDisposable {
  readonly port: number;
  readonly #socket: Socket;
  readonly #peers = new Map<string, Peer>();
  readonly #authenticator: VirtualAuthenticator;
  #stopListening: () => void = () => undefined;
  readonly #stopPlug: () => void;

  private constructor(authenticator: VirtualAuthenticator, socket: Socket) {
    this.#authenticator = authenticator;
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (report, peer) => {
      this.#remember(peer);
      authenticator.receive(report);
    });
    // A peer that went away is no concern of ours.
    socket.on('error', () => undefined);
    this.#attach();
    this.#stopPlug = authenticator.onPlug((event) => {
      if (event === 'inserted') this.#attach();
    });
  }

  /** @param port 0: a free one. @throws {ERR_HAL_IO} when the port is taken */
  static async start(authenticator: VirtualAuthenticator, port: number): Promise<UdpServer> {
    const socket = createSocket('udp4');
    try {
      socket.bind(port, HOST);
      await once(socket, 'listening');
    } catch (cause) {
      throw new UnlockdError('ERR_HAL_IO', `cannot listen on UDP port ${port}`, { cause });
    }
    return new UdpServer(authenticator, socket);
  }

  #attach(): void {
    this.#stopListening();
    this.#stopListening = this.#authenticator.listen({
      report: (report) => {
        for (const peer of this.#peers.values()) this.#socket.send(report, peer.port, peer.address, () => undefined);
      },
      gone: () => this.#peers.clear(),
    });
  }

  #remember({ address, port }: Peer): void {
    const name = `${address}:${port}`;
    this.#peers.delete(name);
    this.#peers.set(name, { address, port });
    const [oldest] = this.#peers.keys();
    if (oldest !== undefined && this.#peers.size > MAX_PEERS) this.#peers.delete(oldest);
  }

  #closed = false;

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopPlug();
    this.#stopListening();
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
