/**
 * The end of a process at one exact call: every call that changes the disk and every TPM command is a point, counted from
 * the moment it is armed. At the chosen one, before it or right after it, nothing reaches the disk or the TPM any more, as
 * after SIGKILL; what the process still runs through, it does to nobody.
 */
import { basename } from 'node:path';
import { type FileSystem, nodeFileSystem } from '../../../agent/container/durable-files.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { TpmHal } from '../../../drivers/hal/tpm.ts';
import { TPM_CC } from '../../../drivers/tpm2/index.ts';
import { commandCode, interposed } from '../tpm2/transport.ts';

/** Whether the call itself is still made. */
export type Side = 'before' | 'after';

const COMMANDS = new Map<number, string>(Object.entries(TPM_CC).map(([name, code]) => [code, name]));

export class FatalPoint implements FileSystem {
  #dead = false;
  #chosen: { readonly point: number; readonly side: Side } | null = null;
  /** What was called since it was armed, in order. */
  #labels: string[] = [];

  /** @param chosen null: only counts */
  arm(chosen: { readonly point: number; readonly side: Side } | null): void {
    this.#chosen = chosen;
    this.#labels = [];
  }

  /** As a new process: everything works again. @returns what was called since it was armed, and whether the end was met */
  revive(): { readonly labels: readonly string[]; readonly met: boolean } {
    const met = this.#dead;
    this.#dead = false;
    this.#chosen = null;
    return { labels: [...this.#labels], met };
  }

  async #point<T>(label: string, call: () => Promise<T>, ended: () => Error): Promise<T> {
    if (this.#dead) throw ended();
    const isHere = this.#chosen?.point === this.#labels.length;
    this.#labels.push(label);
    if (!isHere) return await call();
    this.#dead = true;
    if (this.#chosen?.side === 'after') await call();
    throw ended();
  }

  #disk<T>(what: string, path: string, call: () => Promise<T>): Promise<T> {
    const ended = () => Object.assign(new Error('the process has ended'), { code: 'EIO' });
    return this.#point(`${what} ${basename(path)}`, call, ended);
  }

  async open(path: string, flags: string, mode: number): ReturnType<FileSystem['open']> {
    const opened: { close(): Promise<void> }[] = [];
    const opening = async () => {
      const file = await nodeFileSystem.open(path, flags, mode);
      opened.push(file);
      return file;
    };
    const file = await (flags === 'r' ? opening() : this.#disk('open', path, opening)).catch(async (error: unknown) => {
      // The kernel closes what a dead process had open.
      for (const left of opened) await left.close();
      throw error;
    });
    return {
      write: ((content: Uint8Array, at: number) =>
        this.#disk('write', path, () => file.write(content, at))) as typeof file.write,
      sync: () => this.#disk('sync', path, () => file.sync()),
      close: () => file.close(),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk('rename', to, () => nodeFileSystem.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#disk('remove', path, () => nodeFileSystem.remove(path));
  }

  readonly makeFolder = nodeFileSystem.makeFolder;
  readonly readFile = nodeFileSystem.readFile;
  readonly list = nodeFileSystem.list;

  /** The same TPM, whose commands are points. */
  readonly between = (tpm: TpmHal): TpmHal => ({
    description: tpm.description,
    open: async (options) =>
      interposed(await tpm.open(options), (command, submit) => {
        const code = commandCode(command);
        const ended = () => new UnlockdError('ERR_HAL_DISCONNECTED', 'the process has ended');
        return this.#point(`TPM2_${COMMANDS.get(code) ?? code}`, () => submit(command), ended);
      }),
  });
}
