/**
 * The kernel's TPM device: one write is one command, one read is its whole response. `/dev/tpmrm0` is the kernel's
 * resource manager, which gives every open file handles of its own; `/dev/tpm0` is the bare chip, for one program only.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { UnlockdError } from '../../base/errors.ts';
import type { TpmTransport } from '../../hal/tpm.ts';
import { openingError, systemErrorName } from './opening-error.ts';
import { MAX_SIZE } from './response-frame.ts';
import { SerialTransport, type TpmWire } from './serial-transport.ts';

/** The part of a file handle that a device needs; positions are null, a device has none. */
export interface DeviceFile {
  write(buffer: Uint8Array, offset: number, length: number, position: null): Promise<{ bytesWritten: number }>;
  read(buffer: Uint8Array, offset: number, length: number, position: null): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/** The kernel says so when the chip or its driver was removed. */
const GONE: readonly string[] = ['ENODEV', 'ENXIO', 'EPIPE', 'EBADF'];

/** Exported for tests with a file of their own. */
export class DeviceWire implements TpmWire {
  readonly #file: DeviceFile;
  readonly #description: string;

  constructor(file: DeviceFile, description: string) {
    this.#file = file;
    this.#description = description;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    try {
      const { bytesWritten } = await this.#file.write(command, 0, command.length, null);
      if (bytesWritten !== command.length) {
        throw new UnlockdError(
          'ERR_HAL_IO',
          `${this.#description}: ${bytesWritten} of ${command.length} bytes written`,
        );
      }
      // One byte more than a response may have, so that a longer one is noticed instead of cut.
      const buffer = new Uint8Array(MAX_SIZE + 1);
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) throw new UnlockdError('ERR_HAL_DISCONNECTED', `${this.#description}: no response`);
      return buffer.slice(0, bytesRead);
    } catch (error) {
      throw this.#typed(error);
    }
  }

  #typed(error: unknown): UnlockdError {
    if (error instanceof UnlockdError) return error;
    const name = systemErrorName(error);
    const code = GONE.includes(name) ? 'ERR_HAL_DISCONNECTED' : 'ERR_HAL_IO';
    return new UnlockdError(code, `${this.#description}: ${name || String(error)}`, { cause: error });
  }

  /** Waits for a command under way: the kernel does not let go of it earlier. @throws {ERR_HAL_DISCONNECTED | ERR_HAL_IO} */
  async close(): Promise<void> {
    try {
      await this.#file.close();
    } catch (error) {
      throw this.#typed(error);
    }
  }
}

/** True for the kernel's resource manager. */
export const isResourceManager = (path: string): boolean => /^\/dev\/tpmrm\d+$/.test(path);

/**
 * Opens a TPM device.
 * @param path e.g. `/dev/tpmrm0`; has to be a character device
 * @throws {ERR_HAL_NOT_FOUND | ERR_HAL_PERMISSION | ERR_HAL_IO} or the signal's reason
 */
export async function openDeviceTransport(path: string, options: { signal: AbortSignal }): Promise<TpmTransport> {
  options.signal.throwIfAborted();
  const description = `device:${path}`;
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    throw openingError(error, description);
  }
  try {
    if (!(await file.stat()).isCharacterDevice()) {
      throw new UnlockdError('ERR_HAL_NOT_FOUND', `${description} is not a character device`);
    }
    options.signal.throwIfAborted();
  } catch (error) {
    await file.close();
    throw error;
  }
  const what = { description, managesHandles: isResourceManager(path) };
  return new SerialTransport(new DeviceWire(file, description), what);
}
