/**
 * The one user of the TPM in this process: operations come one after the other, each on a connection of its own that
 * is closed afterwards. A TPM that was restarted or went away is met anew by the next operation.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';
import type { TraceSink } from '../../drivers/base/trace.ts';
import type { TpmHal } from '../../drivers/hal/tpm.ts';
import { Tpm } from '../../drivers/tpm2/index.ts';
import { openRoot, type RootSession } from '../container/root.ts';
import type { MachineState } from '../container/state.ts';

export interface TpmAccessParts {
  readonly hal: TpmHal | null;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly trace: TraceSink;
  /** Longest time of one command. */
  readonly commandWithin: Milliseconds;
}

type Closer = () => PromiseLike<void>;

export class TpmAccess {
  readonly #parts: TpmAccessParts;
  readonly #queue = new SerialQueue();
  #swept = false;

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
   * One operation. Its result is handed on before the connection is closed, which the next operation waits for and the
   * result does not depend on.
   */
  #operate<T>(signal: AbortSignal, use: (tpm: Tpm, closers: Closer[]) => Promise<T>): Promise<T> {
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
