/**
 * Any TPM that tpm2-tss can reach, by its TCTI string (TCG TSS 2.0 TCTI API §3.2): tabrmd, the mssim simulator,
 * a remote command, a packet capture around another one. The calls block, so they run on koffi's threads.
 */
import { type ErrorCode, UnlockdError } from '../../base/errors.ts';
import type { TpmTransport } from '../../hal/tpm.ts';
import { isResourceManager } from './device-transport.ts';
import { MAX_SIZE } from './response-frame.ts';
import { SerialTransport, type TpmWire } from './serial-transport.ts';
import { type TctiContext, type TctiLibrary, tctiLibrary } from './tctildr-library.ts';

/** TSS2_RC without its layer (TCG TSS 2.0 Overview §3.4); the layer of a TCTI is 10. */
const baseOf = (rc: number): number => rc & 0xffff;
const BASE = { INSUFFICIENT_BUFFER: 6, NO_CONNECTION: 8, IO_ERROR: 10, MALFORMED_RESPONSE: 17 } as const;

const SUBMIT_MEANINGS: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [BASE.NO_CONNECTION, 'ERR_HAL_DISCONNECTED'],
  [BASE.IO_ERROR, 'ERR_HAL_DISCONNECTED'],
  [BASE.INSUFFICIENT_BUFFER, 'ERR_TPM_MALFORMED_RESPONSE'],
  [BASE.MALFORMED_RESPONSE, 'ERR_TPM_MALFORMED_RESPONSE'],
]);

const TSS2_TCTI_TIMEOUT_BLOCK = -1;

const hex = (rc: number): string => `0x${rc.toString(16).padStart(6, '0')}`;

/** Exported for tests with calls of their own. */
export class TctiWire implements TpmWire {
  readonly #context: TctiContext;
  readonly #description: string;
  /** The exchange that a thread is inside of. */
  #running: Promise<unknown> | undefined;

  constructor(context: TctiContext, description: string) {
    this.#context = context;
    this.#description = description;
  }

  exchange(command: Uint8Array): Promise<Uint8Array> {
    const work = this.#exchange(command).finally(() => {
      this.#running = undefined;
    });
    this.#running = work;
    return work;
  }

  async #exchange(command: Uint8Array): Promise<Uint8Array> {
    this.#check('transmit', await this.#context.transmit(command.length, command));
    const response = new Uint8Array(MAX_SIZE);
    const size = [response.length];
    this.#check('receive', await this.#context.receive(size, response, TSS2_TCTI_TIMEOUT_BLOCK));
    const length = Number(size[0]);
    if (!Number.isInteger(length) || length < 0 || length > response.length) {
      throw new UnlockdError('ERR_TPM_MALFORMED_RESPONSE', `${this.#description}: a response of ${length} bytes`);
    }
    return response.slice(0, length);
  }

  #check(what: string, result: unknown): void {
    const rc = Number(result);
    if (rc === 0) return;
    const code = SUBMIT_MEANINGS.get(baseOf(rc)) ?? 'ERR_HAL_IO';
    throw new UnlockdError(code, `${this.#description}: ${what} failed with TSS2_RC ${hex(rc)}`, { detail: { rc } });
  }

  /**
   * The context is freed once no thread is inside it any more, which may be later: a TPM that never answers must not
   * keep `close` from returning. What fails then fails unheard: there is nobody left to tell.
   * @throws {ERR_HAL_IO} the context could not be freed
   */
  async close(): Promise<void> {
    const finalize = async () => {
      try {
        await this.#context.finalize();
      } catch (cause) {
        throw new UnlockdError('ERR_HAL_IO', `${this.#description}: finalize failed`, { cause });
      }
    };
    if (this.#running === undefined) await finalize();
    else {
      this.#running
        .catch(() => undefined)
        .then(finalize)
        .catch(() => undefined);
    }
  }
}

/** True where a resource manager below gives this connection handles of its own. */
export const tctiManagesHandles = (nameConf: string): boolean => {
  const colon = nameConf.indexOf(':');
  const name = nameConf.slice(0, colon);
  return name === 'tabrmd' || (name === 'device' && isResourceManager(nameConf.slice(colon + 1)));
};

/**
 * Opens the TPM that a TCTI string names, e.g. `swtpm:path=/run/x.sock` or `tabrmd:bus_type=system`.
 * @throws {ERR_HAL_MODULE_MISSING | ERR_HAL_NOT_FOUND | ERR_HAL_IO} or the signal's reason
 */
export async function openTctiTransport(
  nameConf: string,
  options: { signal: AbortSignal },
  library: () => Promise<TctiLibrary> = tctiLibrary,
): Promise<TpmTransport> {
  options.signal.throwIfAborted();
  const description = `tcti:${nameConf}`;
  const { rc, context } = await (await library()).initialize(nameConf);
  if (context === null) {
    const base = baseOf(rc);
    const code = base === BASE.IO_ERROR || base === BASE.NO_CONNECTION ? 'ERR_HAL_NOT_FOUND' : 'ERR_HAL_IO';
    const message = `${description} could not be opened: TSS2_RC ${hex(rc)}`;
    throw new UnlockdError(code, message, { detail: { rc } });
  }
  const wire = new TctiWire(context, description);
  if (options.signal.aborted) {
    await wire.close();
    throw options.signal.reason;
  }
  return new SerialTransport(wire, { description, managesHandles: tctiManagesHandles(nameConf) });
}
