/**
 * The one user of the TPM in this process: operations come one after the other, each on a connection of its own that
 * is closed afterwards. A TPM that was restarted or went away is met anew by the next operation.
 */
import { type Milliseconds, seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';
import type { TraceSink } from '../../drivers/base/trace.ts';
import type { TpmHal } from '../../drivers/hal/tpm.ts';
import { Tpm } from '../../drivers/tpm2/index.ts';
import { openRoot, type RootSession } from '../container/root.ts';
import type { MachineState } from '../container/state.ts';
import { TpmHold } from './tpm-hold.ts';

export interface TpmAccessParts {
  readonly hal: TpmHal | null;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly trace: TraceSink;
  /** Longest time of one command. */
  readonly commandWithin: Milliseconds;
}

type Closer = () => PromiseLike<void>;

/**
 * How long something stays loaded for whoever is asked for a touch. On a TPM without a resource manager no other program
 * comes in meanwhile, so it is about what an attentive person needs, and well below where others give up.
 */
const HOLD_FOR = seconds(2);

/** What the first half of a held operation gives: its answer, and where the operation may go on, how. */
export interface FirstHalf<A, H> {
  readonly answer: A;
  /** Run after the answer was given; what it makes waits for the second half. Null: the operation is over. */
  readonly prepare: (() => Promise<H>) | null;
}

export class TpmAccess {
  readonly #parts: TpmAccessParts;
  readonly #queue = new SerialQueue();
  #swept = false;
  /** Of the operation that runs now. */
  #hold: { giveUp(): void } | null = null;

  constructor(parts: TpmAccessParts) {
    this.#parts = parts;
  }

  get description(): string {
    return this.#parts.hal?.description ?? 'none';
  }

  /** @throws {ERR_HAL_NOT_FOUND} no TPM is configured or there, and whatever the TPM says */
  withTpm<T>(signal: AbortSignal, use: (tpm: Tpm) => Promise<T>): Promise<T> {
    return this.#operate(signal, use);
  }

  /** As {@link withTpm}, with the pinned root key checked and a salted session. @throws {ERR_TPM_OTHER_DEVICE} */
  withRoot<T>(signal: AbortSignal, machine: MachineState, use: (root: RootSession) => Promise<T>): Promise<T> {
    return this.#operate(signal, async (tpm, closers) => {
      const root = await openRoot(tpm, { handle: machine.rootHandle, name: machine.rootName });
      closers.push(() => root[Symbol.asyncDispose]());
      return await use(root);
    });
  }

  /**
   * As {@link withRoot}, for an operation in two halves with a person between them. What the first half has made stays
   * loaded until the second, but it is given up as soon as anything else is to be done with the TPM, when `held`
   * aborts, and after a short while.
   * @param signal ends the waiting for the TPM @param held ends the holding
   * @param first `keep`: what is to be closed at the end, last first
   */
  async holdRoot<A, H>(
    { signal, held }: { readonly signal: AbortSignal; readonly held: AbortSignal },
    machine: MachineState,
    first: (root: RootSession, keep: (close: Closer) => void) => Promise<FirstHalf<A, H>>,
  ): Promise<{ readonly answer: A; readonly hold: TpmHold<H> | null }> {
    return await this.#operate(signal, async (tpm, closers) => {
      const root = await openRoot(tpm, { handle: machine.rootHandle, name: machine.rootName });
      closers.push(() => root[Symbol.asyncDispose]());
      const { answer, prepare } = await first(root, (close) => closers.push(close));
      if (prepare === null || this.#queue.length > 1) return { answer, hold: null };
      const hold = new TpmHold<H>(this.#parts.clock, HOLD_FOR, held);
      this.#hold = hold;
      // The first to be closed: everything else stays open while it is held.
      closers.push(async () => {
        await hold.untilOver(prepare);
        this.#hold = null;
      });
      return { answer, hold };
    });
  }

  /**
   * One operation. Its result is handed on before the connection is closed, which the next operation waits for and the
   * result does not depend on.
   */
  #operate<T>(signal: AbortSignal, use: (tpm: Tpm, closers: Closer[]) => Promise<T>): Promise<T> {
    this.#hold?.giveUp();
    return new Promise<T>((resolve, reject) => {
      const operation = async () => {
        const { hal, clock, entropy, trace, commandWithin } = this.#parts;
        if (hal === null) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'this machine has no TPM');
        const transport = await hal.open({ signal });
        const tpm = new Tpm(transport, { clock, entropy, trace, commandWithin });
        const closers: Closer[] = [() => tpm.close()];
        try {
          if (!this.#swept) {
            // What this program left loaded when it was killed would take slots for ever.
            await tpm.flushLeftovers();
            this.#swept = true;
          }
          resolve(await use(tpm, closers));
        } catch (error) {
          reject(error);
        } finally {
          for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
        }
      };
      // What closing throws comes after the result, and rejects nothing any more.
      this.#queue.run(operation, { signal }).catch(reject);
    });
  }
}
