/**
 * A TPM command as bytes on the socket and nothing else: written, and answered by as many bytes as its header says.
 * It stands at the TPM seam under the product's own code, so what it adds up is the time of exactly the commands that
 * the product sends, without that code.
 */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../drivers/base/clock.ts';
import type { TpmHal, TpmTransport } from '../../drivers/hal/tpm.ts';
import { deriveBare } from './bare-parts.ts';

/** Of a command or response: tag, size, code (Part 1 §18). */
const HEADER = 10;
const TPM_RH_NULL = 0x40000007;
const START_AUTH_SESSION = 0x176;

/** What went over the socket since the last {@link BareTpm.take}. */
export interface Tally {
  readonly ms: number;
  readonly commands: number;
  /** Sessions that were salted, each of which costs a key agreement. */
  readonly salted: number;
}

const codeOf = (command: Buffer): number => command.readUInt32BE(6);
const isSalted = (command: Buffer): boolean =>
  codeOf(command) === START_AUTH_SESSION && command.readUInt32BE(HEADER) !== TPM_RH_NULL;

function exchange(socket: Socket, command: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (received.length < HEADER || received.length < received.readUInt32BE(2)) return;
      socket.removeListener('data', onData);
      socket.removeListener('error', reject);
      resolve(received);
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.write(command);
  });
}

export class BareTpm implements TpmHal {
  readonly description: string;
  readonly #path: string;
  #ms = 0;
  #commands = 0;
  #salted = 0;

  /** @param path the UNIX socket of a software TPM */
  constructor(path: string) {
    this.#path = path;
    this.description = `swtpm:path=${path}`;
  }

  /** What was counted; begins anew. */
  take(): Tally {
    const tally = { ms: this.#ms, commands: this.#commands, salted: this.#salted };
    this.#ms = 0;
    this.#commands = 0;
    this.#salted = 0;
    return tally;
  }

  async open(): Promise<TpmTransport> {
    // The service derives the PIN while it makes the TPM ready. On a machine with few cores the commands would not be
    // bare: none is sent before another derivation, begun later, has ended as well.
    await deriveBare();
    const socket = connect(this.#path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const close = async () => {
      if (socket.destroyed) return;
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.destroy();
      await closed;
    };
    return {
      description: this.description,
      managesHandles: false,
      submit: async (command) => {
        const before = systemClock.now();
        const answer = await exchange(socket, command);
        this.#ms += systemClock.now() - before;
        this.#commands++;
        if (isSalted(Buffer.from(command))) this.#salted++;
        return new Uint8Array(answer);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}
