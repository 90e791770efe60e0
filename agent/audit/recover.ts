/**
 * Opening the audit log after whatever happened before: a line that a crash has cut is cut off, a file whose end is no
 * record is kept aside, and numbers and chain go on from the last good record.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { filePath, openForAppend, readLimit, readLines, readTail, syncFolder } from './files.ts';
import { type ChainedRecord, GENESIS, hashLine, MAX_LINE_BYTES, parseLine } from './record.ts';

export interface OpenedLog {
  readonly file: FileHandle;
  readonly size: number;
  /** Number and hash of the last good record; 0 and {@link GENESIS}: there is none. */
  readonly seq: number;
  readonly prev: string;
  /** What had to be done, for the log itself; null: nothing. */
  readonly repair: { readonly tornBytes: number; readonly keptAside: string | null } | null;
}

type Last = Pick<OpenedLog, 'seq' | 'prev'>;

function lastGood(lines: readonly string[]): Last | null {
  for (const line of [...lines].reverse()) {
    const record: ChainedRecord | null = parseLine(line);
    if (record !== null) return { seq: record.seq, prev: hashLine(line) };
  }
  return null;
}

async function lastOfOlder(folder: string, maxBytes: number, keepFiles: number): Promise<Last> {
  for (let n = 1; n <= keepFiles; n++) {
    const lines = await readLines(folder, n, maxBytes);
    const last = lastGood(lines ?? []);
    if (last !== null) return last;
  }
  return { seq: 0, prev: GENESIS };
}

/** A name that is not taken yet; the file there is created. */
async function asideName(folder: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = `audit.damaged-${n}.log`;
    try {
      const handle = await open(join(folder, name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      await handle.close();
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Opens `audit.log` in the folder, which is made if need be. Errors of the file system come through as they are. */
export async function openAndRecover(folder: string, maxBytes: number, keepFiles: number): Promise<OpenedLog> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let file = await openForAppend(folder);
  try {
    if (!(await file.stat()).isFile()) throw new Error('audit.log is not a regular file');
    await file.chmod(0o600);
    const tail = await readTail(file, readLimit(maxBytes));
    const last = lastGood(tail.lines) ?? (await lastOfOlder(folder, maxBytes, keepFiles));
    const newest = tail.lines.at(-1);
    // No write of ours leaves that much of one line behind.
    const damaged = tail.torn > MAX_LINE_BYTES || (newest !== undefined && parseLine(newest) === null);
    let size = tail.size - tail.torn;
    let keptAside: string | null = null;
    if (damaged) {
      keptAside = await asideName(folder);
      await rename(filePath(folder, 0), join(folder, keptAside));
      await file.close();
      file = await openForAppend(folder);
      size = 0;
    } else if (tail.torn > 0) {
      await file.truncate(size);
      await file.sync();
    }
    await syncFolder(folder);
    const repair = damaged || tail.torn > 0 ? { tornBytes: tail.torn, keptAside } : null;
    return { file, size, ...last, repair };
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}
