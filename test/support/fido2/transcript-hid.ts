/**
 * A HID connection that plays a transcript: exactly these reports are to be written, in this order, and these come
 * back. What was written beyond it, or not written, or not read, fails the test.
 */
import { toHex } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidConnection } from '../../../drivers/hal/hid.ts';
import { type ManualClock, settle } from './manual-clock.ts';

export type Step =
  /** The next report that is written has to be this one. */
  | { readonly write: Uint8Array }
  /** A report of the device. */
  | { readonly read: Uint8Array }
  /** Time passes. */
  | { readonly wait: number }
  /** Something else happens: an abort, an unplug. */
  | { readonly act: () => void };

export const writes = (reports: readonly Uint8Array[]): Step[] => reports.map((write) => ({ write }));
export const reads = (reports: readonly Uint8Array[]): Step[] => reports.map((read) => ({ read }));

export class TranscriptConnection implements HidConnection {
  readonly reportSize: { readonly input: number; readonly output: number };
  readonly #steps: Step[];
  readonly #clock: ManualClock;
  readonly #problems: string[] = [];
  readonly #unread: Uint8Array[] = [];
  #reader: { resolve: (report: Uint8Array) => void; reject: (reason: unknown) => void } | null = null;
  #written: (() => void) | null = null;
  #failure: UnlockdError | null = null;
  closed = false;
  readonly #played: Promise<void>;

  constructor(clock: ManualClock, steps: readonly Step[], reportSize = 64) {
    this.#clock = clock;
    this.#steps = [...steps];
    this.reportSize = { input: reportSize, output: reportSize };
    this.#played = this.#play();
  }

  async #play(): Promise<void> {
    for (;;) {
      const [step] = this.#steps;
      if (step === undefined) return;
      if ('write' in step) {
        await new Promise<void>((resolve) => {
          this.#written = resolve;
        });
        continue;
      }
      this.#steps.shift();
      if ('read' in step) this.#deliver(step.read);
      else if ('act' in step) step.act();
      else await this.#clock.advance(step.wait);
      await settle();
    }
  }

  #deliver(report: Uint8Array): void {
    const reader = this.#reader;
    this.#reader = null;
    if (reader === null) this.#unread.push(report);
    else reader.resolve(report);
  }

  async write(report: Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const [step] = this.#steps;
    if (step === undefined || !('write' in step)) {
      this.#problems.push(`wrote ${toHex(report)} where nothing was to be written`);
      return;
    }
    this.#steps.shift();
    if (toHex(step.write) !== toHex(report)) {
      this.#problems.push(`wrote ${toHex(report)}\ninstead of ${toHex(step.write)}`);
    }
    this.#written?.();
  }

  read({ signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      const report = this.#unread.shift();
      if (report !== undefined) return resolve(report);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#reader = {
        resolve: (value) => {
          signal.removeEventListener('abort', onAbort);
          resolve(value);
        },
        reject,
      };
    });
  }

  #fail(failure: UnlockdError): void {
    this.#failure = failure;
    this.#reader?.reject(failure);
    this.#reader = null;
  }

  unplug(): void {
    this.#fail(new UnlockdError('ERR_HAL_DISCONNECTED', 'pulled out'));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#fail(new UnlockdError('ERR_HAL_CLOSED', 'closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What did not go by the transcript; empty when all did. */
  async problems(): Promise<readonly string[]> {
    await settle();
    if (this.#steps.length === 0) await this.#played;
    const left = this.#steps.map(
      (step) => `left over: ${'write' in step ? `write ${toHex(step.write)}` : Object.keys(step)}`,
    );
    return [...this.#problems, ...left, ...this.#unread.map((report) => `not read: ${toHex(report)}`)];
  }
}
