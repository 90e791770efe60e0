/**
 * Input reports on their way from node-hid's events to one reader: kept in order, bounded, and split where the host
 * merged several into one event.
 */
import { UnlockdError } from '../../base/errors.ts';

/** The bound of the HID seam: beyond it the connection fails rather than losing a report. */
export const MAX_QUEUED_REPORTS = 4096;

interface Waiter {
  readonly resolve: (report: Uint8Array) => void;
  readonly reject: (reason: unknown) => void;
}

export class ReportQueue {
  readonly #reportSize: number;
  #reports: Uint8Array[] = [];
  #waiter: Waiter | null = null;
  /** Of the last read that had to wait, until it aborts or all is over. */
  #signal: AbortSignal | null = null;
  #failure: unknown = null;

  constructor(reportSize: number) {
    this.#reportSize = reportSize;
  }

  /** What ended it, or null. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Takes one event. Bytes are copied: the native part reuses its buffer. */
  push(data: Uint8Array): void {
    if (this.#failure !== null) return;
    for (let at = 0; at < data.length; at += this.#reportSize) {
      this.#deliver(new Uint8Array(data.subarray(at, at + this.#reportSize)));
    }
  }

  #deliver(report: Uint8Array): void {
    const waiter = this.#waiter;
    if (waiter !== null) {
      this.#waiter = null;
      waiter.resolve(report);
      return;
    }
    if (this.#reports.length >= MAX_QUEUED_REPORTS) {
      this.fail(new UnlockdError('ERR_HAL_IO', `more than ${MAX_QUEUED_REPORTS} reports were not read`));
      return;
    }
    this.#reports.push(report);
  }

  /** Ends it: the pending read and all later ones fail with `reason`. The first reason stays. */
  fail(reason: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = reason;
    this.#reports = [];
    this.#waiter?.reject(reason);
    this.#waiter = null;
    this.#listenTo(null);
  }

  /** @throws the failure, or the signal's reason */
  next(signal: AbortSignal): Promise<Uint8Array> {
    if (this.#waiter !== null) throw new TypeError('only one read of a HID connection may be pending');
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      if (signal.aborted) return reject(signal.reason);
      const report = this.#reports.shift();
      if (report !== undefined) return resolve(report);
      this.#waiter = { resolve, reject };
      this.#listenTo(signal);
    });
  }

  /** One reader reads with one signal, report after report: to listen anew for each would cost more than the report. */
  #listenTo(signal: AbortSignal | null): void {
    if (this.#signal === signal) return;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = () => {
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.reject(this.#signal?.reason);
    this.#signal = null;
  };
}
