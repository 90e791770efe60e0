/**
 * An open hidraw device through node-hid's `HIDAsync`. Reports go out with the report id 0 in front, as hidapi wants
 * it (CTAP 2.1 §11.2.8.1: CTAPHID reports have no id), and come in without one.
 */
import { UnlockdError } from '../../base/errors.ts';
import type { HidConnection } from '../../hal/hid.ts';
import { transferError } from './hid-errors.ts';
import type { NodeHidHandle } from './node-hid.ts';
import { ReportQueue } from './report-queue.ts';

export class LinuxHidConnection implements HidConnection {
  readonly reportSize: { readonly input: number; readonly output: number };
  readonly #handle: NodeHidHandle;
  readonly #path: string;
  readonly #queue: ReportQueue;
  #closing: Promise<void> | null = null;

  /** Takes the handle over; reading begins at once, because what arrives before the first read must not be lost. */
  constructor(handle: NodeHidHandle, path: string, reportSize: { readonly input: number; readonly output: number }) {
    this.#handle = handle;
    this.#path = path;
    this.reportSize = reportSize;
    this.#queue = new ReportQueue(reportSize.input);
    handle.on('data', (data: Uint8Array) => this.#queue.push(data));
    handle.on('error', (error: unknown) => this.#queue.fail(transferError(error, path)));
  }

  async write(report: Uint8Array): Promise<void> {
    if (report.length !== this.reportSize.output) {
      throw new TypeError(`a report of ${report.length} bytes; the device takes ${this.reportSize.output}`);
    }
    if (this.#queue.failure !== null) throw this.#queue.failure;
    const numbered = Buffer.alloc(report.length + 1);
    numbered.set(report, 1);
    try {
      await this.#handle.write(numbered);
    } catch (error) {
      throw this.#queue.failure ?? transferError(error, this.#path);
    }
  }

  async read({ signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    return await this.#queue.next(signal);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#queue.fail(new UnlockdError('ERR_HAL_CLOSED', `${this.#path} was closed`));
      try {
        await this.#handle.close();
      } catch {
        // An unplugged device cannot be closed properly, and nothing is left to be done about it.
      }
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
