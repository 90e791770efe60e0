/**
 * The HID seam in front of a virtual authenticator in another process (hal-mocks/fido2/tcp-server.ts): what a checker
 * asks the security key with while the daemon has the same key through /dev/hidraw. A 16-bit length, then a report.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { concat, u16 } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidConnection, HidDeviceInfo, HidEvent, HidHal } from '../../../drivers/hal/hid.ts';

const REPORT = 64;
const MAX_QUEUED = 4096;

class TcpHidConnection implements HidConnection {
  readonly reportSize = { input: REPORT, output: REPORT };
  readonly #socket: Socket;
  readonly #queue: Uint8Array[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #failure: UnlockdError | null = null;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#failure ??= new UnlockdError('ERR_HAL_DISCONNECTED', 'the authenticator has gone');
      this.#wake();
    });
  }

  #take(chunk: Uint8Array): void {
    this.#rest = concat(this.#rest, chunk);
    for (;;) {
      const length = ((this.#rest[0] ?? 0) << 8) | (this.#rest[1] ?? 0);
      if (this.#rest.length < 2 || this.#rest.length < 2 + length) break;
      this.#queue.push(this.#rest.slice(2, 2 + length));
      this.#rest = this.#rest.slice(2 + length);
    }
    if (this.#queue.length > MAX_QUEUED) this.#socket.destroy();
    this.#wake();
  }

  async write(report: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#socket.write(concat(u16(report.length), report));
  }

  async read({ signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    for (;;) {
      signal.throwIfAborted();
      const report = this.#queue.shift();
      if (report) return report;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#wake = done;
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  async close(): Promise<void> {
    this.#failure ??= new UnlockdError('ERR_HAL_CLOSED', 'the connection was closed');
    this.#socket.destroy();
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @param address `127.0.0.1:PORT`, as the authenticator's program prints it */
export function tcpHid(address: string): HidHal {
  const [host = '', port = ''] = address.split(':');
  const device: HidDeviceInfo = {
    path: `tcp:${address}`,
    vendorId: 0x1209,
    productId: 0xbeee,
    manufacturer: 'unlockd',
    product: 'Virtual Security Key',
    serial: null,
    usagePage: 0xf1d0,
    usage: 1,
  };
  return {
    list: async () => [device],
    open: async () => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      await once(socket, 'connect');
      return new TcpHidConnection(socket);
    },
    watch: async function* ({ signal }): AsyncGenerator<HidEvent> {
      yield { type: 'arrived', device };
      if (!signal.aborted) await once(signal, 'abort');
    },
  };
}
