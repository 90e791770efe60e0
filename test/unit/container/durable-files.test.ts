/** Durable files over a file system that fails at each of its calls in turn: the old content or the new, never half. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DurableFiles, type FileSystem, nodeFileSystem } from '../../../agent/container/durable-files.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-'));
  path = join(folder, 'a.state');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const errno = (code: string) => Object.assign(new Error(code), { code });

/** Counts the calls that `replace` makes; the one with the number `failAt` fails. */
function failing(failAt: number, code: string, shortWrites = false): { fs: FileSystem; calls: () => string[] } {
  const calls: string[] = [];
  const step = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    calls.push(name);
    if (calls.length - 1 === failAt) throw errno(code);
    return await run();
  };
  const fs: FileSystem = {
    ...nodeFileSystem,
    readFile: (p, most) => step('readFile', () => nodeFileSystem.readFile(p, most)),
    rename: (a, b) => step('rename', () => nodeFileSystem.rename(a, b)),
    open: (p, flags, mode) =>
      step('open', async () => {
        const file = await nodeFileSystem.open(p, flags, mode);
        const write = (bytes: Uint8Array, offset: number) =>
          step('write', () => file.write(shortWrites ? bytes.subarray(0, offset + 1) : bytes, offset));
        return {
          write: write as typeof file.write,
          sync: () => step('sync', () => file.sync()),
          close: async () => {
            await file.close();
            await step('close', async () => undefined);
          },
        };
      }),
  };
  return { fs, calls: () => calls };
}

describe('replacing a file', () => {
  it('by several writers at once leaves what the last one wrote, and every writer succeeds', async () => {
    const files = new DurableFiles();
    const contents = Array.from({ length: 8 }, (_, i) => utf8(`${i}`.repeat(1 + ((i * 5) % 8))));
    await Promise.all(contents.map((content) => files.replace(path, content)));
    expect(await readFile(path, 'utf8')).toBe('7'.repeat(4));
    expect(await readdir(folder)).toEqual(['a.state']);
  });

  it.each(['ENOSPC', 'EROFS', 'EIO'])(
    'with %s at any call leaves the old or the new content and no leftover',
    async (code) => {
      const probe = failing(-1, code);
      await new DurableFiles(probe.fs).replace(path, utf8('old'));
      const names = probe.calls();
      expect(names).toEqual(['open', 'write', 'sync', 'close', 'readFile', 'rename', 'open', 'sync', 'close']);
      for (let at = 0; at < names.length; at++) {
        await new DurableFiles().replace(path, utf8('old'));
        const attempt = new DurableFiles(failing(at, code).fs).replace(path, utf8('new content'));
        await expect(attempt, `${at} ${names[at]}`).rejects.toMatchObject({
          code: at <= names.indexOf('rename') ? 'ERR_STATE_WRITE_FAILED' : 'ERR_STATE_NOT_DURABLE',
          detail: { errno: code },
        });
        const content = await readFile(path, 'utf8');
        expect(content, `${at} ${names[at]}`).toBe(at <= names.indexOf('rename') ? 'old' : 'new content');
        expect(await readdir(folder)).toEqual(['a.state']);
      }
    },
  );

  it('goes on after short writes, and stops at a write of nothing', async () => {
    await new DurableFiles(failing(-1, '', true).fs).replace(path, utf8('byte by byte'));
    expect(await readFile(path, 'utf8')).toBe('byte by byte');
    const fs: FileSystem = {
      ...nodeFileSystem,
      open: async (p, flags, mode) => {
        const file = await nodeFileSystem.open(p, flags, mode);
        const write = (async () => ({ bytesWritten: 0, buffer: new Uint8Array(0) })) as unknown as typeof file.write;
        return { write, sync: () => file.sync(), close: () => file.close() };
      },
    };
    await expect(new DurableFiles(fs).replace(path, utf8('new'))).rejects.toMatchObject({
      code: 'ERR_STATE_WRITE_FAILED',
    });
    expect(await readFile(path, 'utf8')).toBe('byte by byte');
  });

  it('refuses a disk that reads back something else', async () => {
    await new DurableFiles().replace(path, utf8('old'));
    const fs: FileSystem = { ...nodeFileSystem, readFile: async () => utf8('other') };
    await expect(new DurableFiles(fs).replace(path, utf8('new'))).rejects.toMatchObject({
      code: 'ERR_STATE_WRITE_FAILED',
    });
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('a crash leaves a temporary file, which the next start removes', async () => {
    await writeFile(`${path}.tmp`, 'half');
    await new DurableFiles().removeTemporaries(folder);
    expect(await readdir(folder)).toEqual([]);
    await writeFile(`${path}.tmp`, 'half');
    const fs: FileSystem = { ...nodeFileSystem, remove: () => Promise.reject(errno('EROFS')) };
    await expect(new DurableFiles(fs).removeTemporaries(folder)).rejects.toMatchObject({
      code: 'ERR_STATE_WRITE_FAILED',
    });
  });
});

describe('reading a file', () => {
  it.each([0, 1, 8191, 8192, 8193, 32_768, 100_000])(
    'of %i bytes gives all of it, and not one byte less is enough room',
    async (size) => {
      const content = Uint8Array.from({ length: size }, (_, i) => (i * 7) % 251);
      await writeFile(path, content);
      const files = new DurableFiles();
      for (const limit of [size, size + 1, 262_144])
        expect(Buffer.compare((await files.read(path, limit)) ?? new Uint8Array(1), content)).toBe(0);
      if (size === 0) return;
      await expect(files.read(path, size - 1)).rejects.toMatchObject({ code: 'ERR_STATE_READ_FAILED' });
    },
  );

  it('absent is null, too large and unreadable are errors', async () => {
    const files = new DurableFiles();
    expect(await files.read(path, 10)).toBe(null);
    await writeFile(path, 'eleven byte');
    await expect(files.read(path, 10)).rejects.toMatchObject({ code: 'ERR_STATE_READ_FAILED' });
    await expect(files.read(folder, 1e9)).rejects.toMatchObject({ code: 'ERR_STATE_READ_FAILED' });
  });
});
