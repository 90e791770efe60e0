/**
 * A TPM that is talked to: a strict queue over the one-method seam, the retry table, and the book of what was loaded,
 * so that no handle or session is left behind on any path.
 */
import { type Milliseconds, milliseconds } from '../base/brand.ts';
import { concat, u32 } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import type { Entropy } from '../base/entropy.ts';
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import { SerialQueue } from '../base/queue.ts';
import { closeAtScopeEnd } from '../base/scope-end.ts';
import { noTrace, type TraceSink } from '../base/trace.ts';
import type { TpmTransport } from '../hal/tpm.ts';
import { buildCommand, type CommandRequest, type CommandResponse } from './command.ts';
import { isTpmResponse } from './response-error.ts';
import type { HandleOwner } from './session.ts';
import { HANDLE_RANGE, TPM_CAP } from './wire/constants.ts';
import { malformed, reader } from './wire/marshal.ts';

/** TPM_RC_RETRY, TPM_RC_YIELDED, TPM_RC_TESTING: the same command again, a little later (Part 2 §6.6.3). */
const LATER = [0x922, 0x908, 0x90a] as const;
/** TPM_RC_OBJECT_MEMORY, TPM_RC_SESSION_MEMORY, TPM_RC_SESSION_HANDLES. */
const NO_SLOT = [0x902, 0x903, 0x905] as const;
const LATER_ATTEMPTS = 12;
/** Making an RSA key takes seconds on slow chips; nothing takes longer than this. */
const COMMAND_WITHIN = milliseconds(90_000);

export interface TpmOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly trace?: TraceSink;
  /** How long one command may take before the TPM is given up; 90 s unless told. */
  readonly commandWithin?: Milliseconds;
}

export class Tpm implements HandleOwner, AsyncDisposable {
  readonly transport: TpmTransport;
  readonly entropy: Entropy;
  readonly #clock: Clock;
  readonly #trace: TraceSink;
  readonly #commandWithin: Milliseconds;
  readonly #queue = new SerialQueue();
  readonly #owned = new Set<number>();
  /** One for all commands: after the first that takes too long, none is sent any more. */
  readonly #deadline = new AbortController();
  /** Set once the stream of commands and answers can no longer be trusted to be in step. */
  #broken: UnlockdError | undefined;

  constructor(transport: TpmTransport, options: TpmOptions) {
    this.transport = transport;
    this.entropy = options.entropy;
    this.#clock = options.clock;
    this.#trace = options.trace ?? noTrace;
    this.#commandWithin = options.commandWithin ?? COMMAND_WITHIN;
  }

  /** Handles that this program has loaded and not flushed: 0 whenever nothing is under way. */
  get loadedHandles(): number {
    return this.#owned.size;
  }

  /**
   * Sends one command and checks its response. A command that has begun is finished even if `signal` aborts: the TPM
   * cannot be interrupted, and an answer nobody waits for would leave its handle loaded.
   * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_LOCKED_OUT | ERR_TPM_FAILURE | ERR_TPM_OUT_OF_MEMORY | ERR_TPM_BUSY | ERR_TPM_RESPONSE}
   * @throws {ERR_TPM_MALFORMED_RESPONSE | ERR_HAL_DISCONNECTED | ERR_HAL_IO | ERR_HAL_CLOSED | ERR_HAL_TIMEOUT}
   */
  execute(request: CommandRequest, options: { signal?: AbortSignal | undefined } = {}): Promise<CommandResponse> {
    return this.#queue.run(() => this.#withRetries(request), options);
  }

  async #withRetries(request: CommandRequest): Promise<CommandResponse> {
    let reclaimed = false;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(request);
      } catch (error) {
        if (isTpmResponse(error, ...LATER)) {
          if (attempt >= LATER_ATTEMPTS) {
            throw new UnlockdError('ERR_TPM_BUSY', `TPM2_${request.command}: the TPM stayed busy`, { cause: error });
          }
          await this.#clock.sleep(milliseconds(Math.min(10 * 2 ** attempt, 1000)), {});
        } else if (isTpmResponse(error, ...NO_SLOT) && !reclaimed && !this.transport.managesHandles) {
          reclaimed = true;
          if ((await this.#flushForeign()) === 0) throw error;
        } else {
          throw error;
        }
      }
    }
  }

  async #once(request: CommandRequest): Promise<CommandResponse> {
    if (this.#broken) throw this.#broken;
    const built = buildCommand(request, this.entropy);
    const label = `TPM2_${request.command}`;
    this.#trace({ seam: 'tpm', direction: 'out', bytes: built.bytes, label });
    const answer = await this.#submit(built.bytes, label);
    this.#trace({ seam: 'tpm', direction: 'in', bytes: answer, label });
    try {
      const response = built.accept(answer);
      for (const handle of response.handles) this.#owned.add(handle);
      return response;
    } catch (error) {
      if (isUnlockdError(error, 'ERR_TPM_MALFORMED_RESPONSE')) this.#broken = error;
      throw error;
    }
  }

  async #submit(bytes: Uint8Array, label: string): Promise<Uint8Array> {
    const { signal } = this.#deadline;
    const stop = this.#clock.timer(this.#commandWithin, () => this.#deadline.abort());
    try {
      return await this.transport.submit(bytes, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      this.#broken = new UnlockdError('ERR_HAL_TIMEOUT', `${label}: no answer from ${this.transport.description}`);
      throw this.#broken;
    } finally {
      stop();
    }
  }

  /** Makes something of the handle that a response brought; if that fails, the handle is flushed before the error goes on. */
  async adopt<T>(response: CommandResponse, make: (handle: number) => T): Promise<T> {
    const handle = response.handles[0];
    if (handle === undefined) throw malformed('a response without its handle');
    try {
      return make(handle);
    } catch (error) {
      await this.release(handle);
      throw error;
    }
  }

  /**
   * Flushes a handle that this program loaded. Never throws for what the TPM or its transport says: it runs when a scope
   * ends, and must hide neither the result nor the error that the scope ends with. A handle that the TPM did not flush
   * is no longer in the book, so that it is reclaimed like a foreign one when slots run short.
   */
  async release(handle: number): Promise<void> {
    if (!this.#owned.delete(handle)) return;
    try {
      await this.execute({ command: 'FlushContext', parameters: u32(handle) });
    } catch (error) {
      if (!isUnlockdError(error)) throw error;
    }
  }

  /** The session was freed by the TPM itself. */
  disown(handle: number): void {
    this.#owned.delete(handle);
  }

  /**
   * Flushes what another program, or this one before a crash, left loaded. Only where nobody else shares the TPM:
   * does nothing on a transport that manages handles.
   */
  async flushLeftovers(): Promise<number> {
    if (this.transport.managesHandles) return 0;
    return await this.#queue.run(() => this.#flushForeign());
  }

  async #flushForeign(): Promise<number> {
    let flushed = 0;
    // The second range lists loaded sessions of both kinds, the third the saved ones (Part 2 §7.2).
    for (const range of [HANDLE_RANGE.TRANSIENT, HANDLE_RANGE.HMAC_SESSION, HANDLE_RANGE.POLICY_SESSION]) {
      for (const handle of await this.#handlesFrom(range)) {
        if (this.#owned.has(handle)) continue;
        try {
          await this.#once({ command: 'FlushContext', parameters: u32(handle) });
          flushed++;
        } catch (error) {
          if (!isTpmResponse(error)) throw error;
        }
      }
    }
    return flushed;
  }

  async #handlesFrom(first: number): Promise<number[]> {
    const parameters = concat(u32(TPM_CAP.HANDLES), u32(first), u32(64));
    const response = await this.#once({ command: 'GetCapability', parameters });
    const from = reader(response.parameters);
    from.u8('moreData');
    from.u32('capability');
    const count = from.u32('count');
    const handles: number[] = [];
    for (let i = 0; i < count && from.remaining >= 4; i++) handles.push(from.u32('handle'));
    const isTransient = (handle: number) => handle >>> 24 === HANDLE_RANGE.TRANSIENT >>> 24;
    return handles.filter((handle) => isTransient(handle) === (first === HANDLE_RANGE.TRANSIENT));
  }

  async close(): Promise<void> {
    await this.transport.close();
  }

  /** As {@link close}, and hides neither the result nor the error that the scope ends with. */
  [Symbol.asyncDispose](): Promise<void> {
    return closeAtScopeEnd(() => this.close());
  }
}
