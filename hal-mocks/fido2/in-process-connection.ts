/** One open handle of a virtual authenticator, with the contract of HidConnection in drivers/hal/hid.ts. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { HidConnection } from '../../drivers/hal/hid.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

/** Reports kept between reads before the connection fails. */
const MAX_QUEUED = 4096;

interface PendingRead {
  resolve(report: Uint8Array): void;
  reject(reason: unknown): void;
}

export class InProcessConnection implements HidConnection {
  readonly reportSize: { readonly input: number; readonly output: number };
  readonly #authenticator: VirtualAuthenticator;
  readonly #path: string;
  readonly #queue: Uint8Array[] = [];
  readonly #stopListening: () => void;
  #pending: PendingRead | null = null;
  #failure: UnlockdError | null = null;

  constructor(authenticator: VirtualAuthenticator, path: string) {
    this.#authenticator = authenticator;
    this.#path = path;
    this.reportSize = { input: authenticator.reportSize, output: authenticator.reportSize };
    this.#stopListening = authenticator.listen({
      report: (report) => this.#take(report),
      gone: () => this.#fail(new UnlockdError('ERR_HAL_DISCONNECTED', `${path} was pulled out`)),
    });
  }

  async write(report: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#authenticator.receive(new Uint8Array(report));
  }

  /** @throws {TypeError} when another read is pending */
  async read({ signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    signal.throwIfAborted();
    if (this.#pending) throw new TypeError('only one read may be pending');
    const queued = this.#queue.shift();
    if (queued) return queued;
    if (this.#failure) throw this.#failure;
    return await new Promise<Uint8Array>((resolve, reject) => {
      const settle = () => {
        this.#pending = null;
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        settle();
        reject(signal.reason);
      };
      this.#pending = {
        resolve: (report) => {
          settle();
          resolve(report);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  async close(): Promise<void> {
    this.#fail(new UnlockdError('ERR_HAL_CLOSED', `the connection to ${this.#path} was closed`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What arrived at once is split into reports; a short one stays short, and the reader has to cope. */
  #take(bytes: Uint8Array): void {
    if (this.#failure) return;
    for (let at = 0; at < bytes.length; at += this.reportSize.input) {
      const report = bytes.slice(at, at + this.reportSize.input);
      if (this.#pending) this.#pending.resolve(report);
      else if (this.#queue.length < MAX_QUEUED) this.#queue.push(report);
      else this.#fail(new UnlockdError('ERR_HAL_IO', `${this.#path}: more than ${MAX_QUEUED} unread reports`));
    }
  }

  #fail(failure: UnlockdError): void {
    this.#stopListening();
    if (this.#failure) return;
    this.#failure = failure;
    this.#queue.length = 0;
    this.#pending?.reject(failure);
  }
}
