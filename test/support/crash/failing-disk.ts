/**
 * A file system that fails at one chosen call, and from then on where the disk stays as it is (full, read-only): the
 * calls are those that durability is made of, counted from the moment it is armed.
 */
import type { FileSystem } from '../../../agent/container/durable-files.ts';
import { nodeFileSystem } from '../../../agent/container/durable-files.ts';

export interface DiskFault {
  readonly name: string;
  readonly errno: 'ENOSPC' | 'EROFS' | 'EIO';
  /** Which calls meet it. */
  readonly at: 'write' | 'change' | 'sync';
  /** True: every such call from the chosen one on; false: that one alone. */
  readonly lasting: boolean;
}

/** `write`: content; `change`: whatever changes the disk; `sync`: fsync of a file or folder. */
export const DISK_FAULTS: readonly DiskFault[] = [
  { name: 'the disk full', errno: 'ENOSPC', at: 'write', lasting: true },
  { name: 'the disk read-only', errno: 'EROFS', at: 'change', lasting: true },
  { name: 'one fsync failing', errno: 'EIO', at: 'sync', lasting: false },
  { name: 'every fsync failing', errno: 'EIO', at: 'sync', lasting: true },
];

const failure = (errno: string): Error => Object.assign(new Error(`${errno}: the disk fails`), { code: errno });

export class FailingDisk implements FileSystem {
  #fault: DiskFault | null = null;
  #left = 0;
  /** Whether the fault has been met. */
  met = false;

  /** Fails the call number `position`, counted from 0 among those that the fault is about. */
  arm(fault: DiskFault, position: number): void {
    this.#fault = fault;
    this.#left = position;
    this.met = false;
  }

  repair(): void {
    this.#fault = null;
  }

  #call(kind: 'write' | 'change' | 'sync'): void {
    const fault = this.#fault;
    if (fault === null || !(fault.at === kind || (fault.at === 'change' && kind === 'write'))) return;
    if (this.#left-- > 0) return;
    if (!fault.lasting && this.met) return;
    this.met = true;
    throw failure(fault.errno);
  }

  async open(path: string, flags: string, mode: number): ReturnType<FileSystem['open']> {
    if (flags !== 'r') this.#call('change');
    const file = await nodeFileSystem.open(path, flags, mode);
    return {
      write: (async (content: Uint8Array, at: number) => {
        this.#call('write');
        return await file.write(content, at);
      }) as Awaited<ReturnType<FileSystem['open']>>['write'],
      sync: async () => {
        this.#call('sync');
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call('change');
    await nodeFileSystem.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.#call('change');
    await nodeFileSystem.remove(path);
  }

  async makeFolder(path: string): Promise<void> {
    await nodeFileSystem.makeFolder(path);
  }

  readonly readFile = nodeFileSystem.readFile;
  readonly list = nodeFileSystem.list;
}
