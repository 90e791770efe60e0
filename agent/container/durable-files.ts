/**
 * Files that survive a crash at any moment: written beside, synced, read back, renamed, and the folder synced. The file
 * system comes in as a parameter, so that tests can have it fail, fill up or stop half-way.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';

/** The few calls that durability is made of. */
export interface FileSystem {
  open(path: string, flags: string, mode: number): Promise<Pick<FileHandle, 'write' | 'sync' | 'close'>>;
  /** The first bytes of a file: all of it, or `most` and more to come. */
  readFile(path: string, most: number): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  makeFolder(path: string): Promise<void>;
}

/** Most state files are smaller, and are read in one call. */
const FIRST_READ = 8192;

/** Every call of the file system is a trip to another thread and back: as few as there can be. */
async function readStart(path: string, most: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    let buffer = Buffer.allocUnsafeSlow(Math.min(most, FIRST_READ));
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      // A regular file gives less than was asked for at its end only.
      if (length < buffer.length || length === most) return new Uint8Array(buffer.subarray(0, length));
      buffer = Buffer.concat([buffer], Math.min(most, buffer.length * 4));
    }
  } finally {
    // Nothing was written: there is nothing that closing could still say.
    file.close().catch(() => undefined);
  }
}

export const nodeFileSystem: FileSystem = {
  open: (path, flags, mode) => open(path, flags, mode),
  readFile: readStart,
  rename,
  remove: (path) => rm(path, { force: true }),
  list: (path) => readdir(path),
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
};

const errnoOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

function writeError(path: string, error: unknown): UnlockdError {
  const errno = errnoOf(error);
  const reason =
    errno === 'ENOSPC' || errno === 'EDQUOT' ? 'the disk is full' : errno === 'EROFS' ? 'the disk is read-only' : errno;
  return new UnlockdError('ERR_STATE_WRITE_FAILED', `${path} could not be written: ${reason}`, {
    detail: { path, errno },
    cause: error,
  });
}

export class DurableFiles {
  readonly #fs: FileSystem;
  /** Paths that are being replaced: two writers of one file share its temporary, so they take turns. */
  readonly #replacing = new Map<string, SerialQueue>();

  constructor(fs: FileSystem = nodeFileSystem) {
    this.#fs = fs;
  }

  /**
   * Replaces `path` with `content`, mode 0600: afterwards, whatever happens, it is the old content or the new one.
   * Of several at once the last one asked for is there in the end.
   * @throws {ERR_STATE_WRITE_FAILED} the old content is still there
   * @throws {ERR_STATE_NOT_DURABLE} the new content is there, but a power cut may bring the old one back
   */
  async replace(path: string, content: Uint8Array): Promise<void> {
    const queue = this.#replacing.get(path) ?? new SerialQueue();
    this.#replacing.set(path, queue);
    try {
      await queue.run(() => this.#replace(path, content));
    } finally {
      if (queue.length === 0) this.#replacing.delete(path);
    }
  }

  async #replace(path: string, content: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`;
    try {
      const file = await this.#fs.open(temporary, 'w', 0o600);
      try {
        let written = 0;
        while (written < content.length) {
          const { bytesWritten } = await file.write(content, written);
          if (bytesWritten <= 0) throw new Error('nothing more was written');
          written += bytesWritten;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      // One byte more than there should be, so that a longer file is not taken for it.
      const found = await this.#fs.readFile(temporary, content.length + 1);
      if (!bytesEqual(found, content)) throw new Error('read back something else');
      await this.#fs.rename(temporary, path);
    } catch (error) {
      await this.#fs.remove(temporary).catch(() => undefined);
      throw writeError(path, error);
    }
    try {
      await this.#syncFolder(dirname(path));
    } catch (cause) {
      const message = `${path} was replaced, but the disk does not say that it will last`;
      throw new UnlockdError('ERR_STATE_NOT_DURABLE', message, { detail: { path, errno: errnoOf(cause) }, cause });
    }
  }

  /** Makes a file that is there, and its name, last through a power cut. @throws {ERR_STATE_NOT_DURABLE} */
  async sync(path: string): Promise<void> {
    try {
      const file = await this.#fs.open(path, 'r+', 0o600);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#syncFolder(dirname(path));
    } catch (cause) {
      const message = `the disk does not say that ${path} will last`;
      throw new UnlockdError('ERR_STATE_NOT_DURABLE', message, { detail: { path, errno: errnoOf(cause) }, cause });
    }
  }

  async #syncFolder(path: string): Promise<void> {
    const folder = await this.#fs.open(path, 'r', 0);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /**
   * @returns null when there is no such file
   * @throws {ERR_STATE_READ_FAILED} also for a file larger than `maxBytes`
   */
  async read(path: string, maxBytes: number): Promise<Uint8Array | null> {
    try {
      const content = await this.#fs.readFile(path, maxBytes + 1);
      if (content.length <= maxBytes) return content;
      throw new UnlockdError('ERR_STATE_READ_FAILED', `${path} is larger than ${maxBytes} bytes`, { detail: { path } });
    } catch (error) {
      if (error instanceof UnlockdError) throw error;
      if (errnoOf(error) === 'ENOENT') return null;
      const message = `${path} could not be read: ${errnoOf(error)}`;
      throw new UnlockdError('ERR_STATE_READ_FAILED', message, { detail: { path }, cause: error });
    }
  }

  /** Moves a file that cannot be understood out of the way, under a name that says so; returns that name. */
  async keepAside(path: string, suffix: string): Promise<string> {
    const aside = `${path}.${suffix}`;
    try {
      await this.#fs.rename(path, aside);
      await this.#syncFolder(dirname(path));
    } catch (error) {
      throw writeError(aside, error);
    }
    return aside;
  }

  /** Removes a file; one that is not there is removed already. */
  async remove(path: string): Promise<void> {
    try {
      await this.#fs.remove(path);
      await this.#syncFolder(dirname(path));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw writeError(path, error);
    }
  }

  /** Removes what an interrupted {@link replace} left behind. @throws {ERR_STATE_READ_FAILED | ERR_STATE_WRITE_FAILED} */
  async removeTemporaries(folder: string): Promise<void> {
    for (const name of await this.list(folder)) {
      if (!name.endsWith('.tmp')) continue;
      const path = join(folder, name);
      await this.#fs.remove(path).catch((error: unknown) => {
        throw writeError(path, error);
      });
    }
  }

  /** Names in a folder; an absent folder is empty. */
  async list(folder: string): Promise<readonly string[]> {
    try {
      return await this.#fs.list(folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw new UnlockdError('ERR_STATE_READ_FAILED', `${basename(folder)} could not be listed`, { cause: error });
    }
  }

  async makeFolder(path: string): Promise<void> {
    try {
      await this.#fs.makeFolder(path);
    } catch (error) {
      throw writeError(path, error);
    }
  }
}
