/**
 * The rules of the TPM seam, kept once for every way to a TPM: one command at a time, late answers swallowed, death and
 * close final. What is below only has to carry one command there and one answer back.
 */
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import { closeAtScopeEnd } from '../../base/scope-end.ts';
import type { TpmTransport } from '../../hal/tpm.ts';
import { checkCommand, checkResponse } from './response-frame.ts';

/** One way to a TPM. Calls of `exchange` never overlap. */
export interface TpmWire {
  /** @throws {ERR_HAL_DISCONNECTED | ERR_HAL_IO | ERR_TPM_MALFORMED_RESPONSE} */
  exchange(command: Uint8Array): Promise<Uint8Array>;
  /** Frees what the wire holds. Called once; may be called during an exchange. */
  close(): Promise<void>;
}

export class SerialTransport implements TpmTransport {
  readonly description: string;
  readonly managesHandles: boolean;
  readonly #wire: TpmWire;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;
  #dead = false;
  #busy = false;
  /** Settles when the last command that was sent has its answer, wanted or not. */
  #inFlight: Promise<void> = Promise.resolve();

  constructor(wire: TpmWire, what: { readonly description: string; readonly managesHandles: boolean }) {
    this.#wire = wire;
    this.description = what.description;
    this.managesHandles = what.managesHandles;
  }

  async submit(command: Uint8Array, options: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    if (this.#busy) throw new TypeError('a TPM takes one command at a time');
    this.#refuseUnlessOpen();
    options.signal?.throwIfAborted();
    checkCommand(command);
    this.#busy = true;
    try {
      const exchange = this.#afterLateAnswer(new Uint8Array(command), options.signal);
      this.#inFlight = exchange.then(
        () => undefined,
        () => undefined,
      );
      return await unlessAborted(exchange, options.signal, this.#closed.signal);
    } finally {
      this.#busy = false;
    }
  }

  #refuseUnlessOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    if (this.#dead) throw new UnlockdError('ERR_HAL_DISCONNECTED', `${this.description}: the connection is dead`);
  }

  async #afterLateAnswer(command: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    try {
      await this.#inFlight;
      this.#refuseUnlessOpen();
      signal?.throwIfAborted();
      const response = await this.#wire.exchange(command);
      checkResponse(response);
      return response;
    } catch (error) {
      // After bytes that are no response nobody knows where the next one begins.
      if (isUnlockdError(error, 'ERR_HAL_DISCONNECTED', 'ERR_TPM_MALFORMED_RESPONSE')) this.#dead = true;
      throw error;
    } finally {
      command.fill(0);
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#closed.abort(new UnlockdError('ERR_HAL_CLOSED', `${this.description} was closed`));
      await this.#wire.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return closeAtScopeEnd(() => this.close());
  }
}

/** Settles as `work`, or rejects with the reason of whichever signal aborts first; `work` then goes on unobserved. */
function unlessAborted<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stopped = (event: Event) => reject((event.currentTarget as AbortSignal).reason);
    const forget = () => {
      for (const signal of signals) signal?.removeEventListener('abort', stopped);
    };
    for (const signal of signals) signal?.addEventListener('abort', stopped, { once: true });
    work.then(resolve, reject).finally(forget);
    for (const signal of signals) if (signal?.aborted) reject(signal.reason);
  });
}
