/**
 * A TPM at the other end of a byte stream, as swtpm serves it on a UNIX or TCP socket: the bytes of a command go in,
 * the bytes of its response come out, with no framing but the responseSize of the response itself (Part 1 §18.9).
 */
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { concat } from '../../base/bytes.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { TpmTransport } from '../../hal/tpm.ts';
import { openingError } from './opening-error.ts';
import { HEADER_SIZE, responseSize } from './response-frame.ts';
import { SerialTransport, type TpmWire } from './serial-transport.ts';

export type StreamAddress = { readonly path: string } | { readonly host: string; readonly port: number };

interface Waiter {
  readonly resolve: (response: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

class StreamWire implements TpmWire {
  readonly #socket: Socket;
  readonly #description: string;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #waiter: Waiter | undefined;
  /** Why nothing can be exchanged any more. */
  #end: UnlockdError | undefined;

  constructor(socket: Socket, description: string) {
    this.#socket = socket;
    this.#description = description;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.#gone(error));
    socket.on('close', () => this.#gone(undefined));
    socket.on('end', () => this.#gone(undefined));
  }

  exchange(command: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end);
        return;
      }
      this.#waiter = { resolve, reject };
      this.#socket.write(command);
    });
  }

  #onData(chunk: Buffer): void {
    if (this.#end) return;
    if (this.#waiter === undefined) {
      this.#fail(new UnlockdError('ERR_TPM_MALFORMED_RESPONSE', `${this.#description}: bytes that nobody asked for`));
      return;
    }
    // The stream is never asked to hold more than one response, so this stays below MAX_SIZE and one chunk.
    this.#received = concat(this.#received, chunk);
    if (this.#received.length < HEADER_SIZE) return;
    try {
      const size = responseSize(this.#received);
      if (this.#received.length < size) return;
      if (this.#received.length > size) {
        throw new UnlockdError('ERR_TPM_MALFORMED_RESPONSE', `${this.#description}: more bytes than one response`);
      }
      const waiter = this.#waiter;
      const response = this.#received;
      this.#waiter = undefined;
      this.#received = new Uint8Array(0);
      waiter.resolve(response);
    } catch (error) {
      this.#fail(error as UnlockdError);
    }
  }

  /** End of file, ECONNRESET, EPIPE: whichever comes first, the TPM is no longer there. */
  #gone(cause: Error | undefined): void {
    this.#fail(
      new UnlockdError('ERR_HAL_DISCONNECTED', `${this.#description}: the TPM closed the connection`, {
        ...(cause === undefined ? {} : { cause }),
      }),
    );
  }

  #fail(error: UnlockdError): void {
    if (this.#end) return;
    this.#end = error;
    this.#received = new Uint8Array(0);
    this.#socket.destroy();
    this.#waiter?.reject(error);
    this.#waiter = undefined;
  }

  async close(): Promise<void> {
    this.#fail(new UnlockdError('ERR_HAL_CLOSED', `${this.#description} was closed`));
    if (!this.#socket.closed) await new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
  }
}

/**
 * Connects to the TPM at `address`. That something answers there is first known after a command.
 * @param description the address in the words of the configuration
 * @throws {ERR_HAL_NOT_FOUND | ERR_HAL_PERMISSION | ERR_HAL_IO} or the signal's reason
 */
export async function openStreamTransport(
  address: StreamAddress,
  description: string,
  options: { signal: AbortSignal },
): Promise<TpmTransport> {
  options.signal.throwIfAborted();
  const target: NetConnectOpts =
    'path' in address ? { path: address.path } : { host: address.host, port: address.port, noDelay: true };
  const socket = connect(target);
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      socket.destroy();
      reject(options.signal.reason);
    };
    options.signal.addEventListener('abort', stop, { once: true });
    const settled = () => options.signal.removeEventListener('abort', stop);
    socket.once('connect', () => {
      settled();
      socket.removeAllListeners('error');
      resolve();
    });
    socket.once('error', (error) => {
      settled();
      reject(openingError(error, description));
    });
  });
  return new SerialTransport(new StreamWire(socket, description), { description, managesHandles: false });
}
