/**
 * The files of the audit log: `audit.log`, and behind it `audit.log.1` (the newest of the older ones) and so on. What
 * is read is bounded and checked line by line; the files may have been cut by a crash, or changed by anybody with the
 * rights to.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChainedRecord, MAX_LINE_BYTES, parseLine } from './record.ts';

export const LOG_NAME = 'audit.log';

/** The n-th older file; 0: the one that is written. */
export const filePath = (folder: string, n: number): string => join(folder, n === 0 ? LOG_NAME : `${LOG_NAME}.${n}`);

/** The end of a file in complete lines, oldest first. */
export interface Tail {
  /** Size of the whole file. */
  readonly size: number;
  readonly lines: readonly string[];
  /** Bytes after the last line end: a write that a crash has cut. */
  readonly torn: number;
}

/** Reads at most `limit` bytes from the end of the file. */
export async function readTail(file: FileHandle, limit: number): Promise<Tail> {
  const { size } = await file.stat();
  const length = Math.min(size, limit);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, size - length + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  const text = bytes.subarray(0, at);
  const end = text.lastIndexOf(0x0a) + 1;
  const lines = text.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  // The first line of a tail that does not reach the beginning of the file is a part of one.
  if (length < size) lines.shift();
  return { size, lines, torn: at - end };
}

/** How much of one file is ever read. */
export const readLimit = (maxBytes: number): number => maxBytes + 2 * MAX_LINE_BYTES;

/** The lines of the n-th file, or null: there is no such file. */
export async function readLines(folder: string, n: number, maxBytes: number): Promise<readonly string[] | null> {
  let file: FileHandle;
  try {
    file = await open(filePath(folder, n), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return (await readTail(file, readLimit(maxBytes))).lines;
  } finally {
    await file.close();
  }
}

/**
 * The newest `count` records that `wanted` accepts, oldest first; lines that are no records are passed over.
 * @param keepFiles number of older files
 */
export async function readNewest(
  folder: string,
  options: { readonly count: number; readonly maxBytes: number; readonly keepFiles: number },
  wanted: (record: ChainedRecord) => boolean,
): Promise<ChainedRecord[]> {
  const found: ChainedRecord[] = [];
  for (let n = 0; n <= options.keepFiles && found.length < options.count; n++) {
    const lines = await readLines(folder, n, options.maxBytes);
    // A gap is what a crash in the middle of a rotation leaves: older files may stand behind it.
    for (const line of [...(lines ?? [])].reverse()) {
      if (found.length >= options.count) break;
      const record = parseLine(line);
      if (record !== null && wanted(record)) found.push(record);
    }
  }
  return found.reverse();
}

/** Moves every file one place back and drops the oldest; afterwards there is no `audit.log`. */
export async function shiftFiles(folder: string, keepFiles: number): Promise<void> {
  await rm(filePath(folder, keepFiles), { force: true });
  for (let n = keepFiles - 1; n >= 0; n--) {
    try {
      await rename(filePath(folder, n), filePath(folder, n + 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

/** Makes a rename or a new file in the folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const openForAppend = (folder: string): Promise<FileHandle> =>
  open(
    filePath(folder, 0),
    constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    0o600,
  );
