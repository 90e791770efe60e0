/**
 * An open hidraw device through node-hid's `HIDAsync`. Reports go out with the report id 0 in front, as hidapi wants
 * it (CTAP 2.1 §11.2.8.1: CTAPHID reports have no id), and come in without one.
 */
import { UnlockdError } from '../../base/errors.ts';
import type { HidConnection } from '../../hal/hid.ts';
import { transferError } from './hid-errors.ts';
import type { NodeHidHandle } from './node-hid.ts';
import type { PendingReleases } from './pending-releases.ts';
import { ReportQueue } from './report-queue.ts';

export class LinuxHidConnection implements HidConnection {
  readonly reportSize: { readonly input: number; readonly output: number };
  readonly #handle: NodeHidHandle;
  readonly #path: string;
  readonly #queue: ReportQueue;
  readonly #releases: PendingReleases;
  #closed = false;

  /** Takes the handle over; reading begins at once, because what arrives before the first read must not be lost. */
  constructor(
    handle: NodeHidHandle,
    path: string,
    reportSize: { readonly input: number; readonly output: number },
    releases: PendingReleases,
  ) {
    this.#handle = handle;
    this.#path = path;
    this.reportSize = reportSize;
    this.#releases = releases;
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

  /**
   * Nothing goes in or out from now on. The native part gives the device back in the background: its reader looks up
   * only every 50 ms, and nobody should wait for that but who opens the same device next.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.fail(new UnlockdError('ERR_HAL_CLOSED', `${this.#path} was closed`));
    this.#releases.add(this.#path, this.#handle.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
