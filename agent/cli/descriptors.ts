/**
 * Lines from descriptors that the caller passed (`--pin-fd N`): read without blocking where the descriptor can be
 * polled, one line at a time, every buffer zeroed. Pipes, sockets and terminals go through Node's stream of their kind,
 * because a blocking read in the thread pool could not be interrupted.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream, fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import type { Descriptors } from './deps.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Bytes that may lie ready beyond the line that is wanted; more is no line of secrets. */
const KEPT_BYTES = 16 * 1024;

function openStream(fd: number): Readable {
  try {
    const found = fstatSync(fd);
    if (isatty(fd)) return new ReadStream(fd);
    if (found.isFIFO() || found.isSocket()) return new Socket({ fd, readable: true, writable: false });
    return createReadStream('', { fd, autoClose: false });
  } catch (cause) {
    throw new UnlockdError('ERR_CLI_USAGE', `descriptor ${fd} is not open for reading`, { detail: { fd }, cause });
  }
}

/** A secret line as it may be sent. @throws {ERR_CLI_SECRET_INVALID} and zeroes it */
export function checkedLine(bytes: Uint8Array, limit: number): Secret {
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  const line = bytes.subarray(0, end);
  const reason =
    end === 0 ? 'is empty' : end > limit ? `has more than ${limit} bytes` : isUtf8(line) ? null : 'is not UTF-8';
  if (reason !== null) {
    bytes.fill(0);
    throw new UnlockdError('ERR_CLI_SECRET_INVALID', `the line ${reason}`);
  }
  const secret = Secret.copyOf(line);
  bytes.fill(0);
  return secret;
}

class LineReader {
  readonly #stream: Readable;
  readonly #kept = new Uint8Array(KEPT_BYTES);
  #length = 0;
  #ended = false;
  #failed: UnlockdError | null = null;
  #wake: () => void = () => undefined;

  constructor(fd: number) {
    this.#stream = openStream(fd);
    this.#stream.on('data', (chunk: Buffer) => {
      const fits = this.#length + chunk.length <= KEPT_BYTES;
      if (fits) {
        this.#kept.set(chunk, this.#length);
        this.#length += chunk.length;
      } else {
        this.#failed = new UnlockdError('ERR_CLI_SECRET_INVALID', `descriptor ${fd} has more than lines of secrets`);
        this.#stream.destroy();
      }
      chunk.fill(0);
      this.#wake();
    });
    this.#stream.once('error', (cause) => {
      this.#failed ??= new UnlockdError('ERR_CLI_USAGE', `descriptor ${fd} cannot be read`, { detail: { fd }, cause });
      this.#wake();
    });
    for (const event of ['end', 'close']) {
      this.#stream.once(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
    this.#stream.pause();
  }

  async next(limit: number, signal: AbortSignal): Promise<Secret | null> {
    this.#stream.resume();
    try {
      for (;;) {
        if (this.#failed !== null) throw this.#failed;
        const end = this.#kept.subarray(0, this.#length).indexOf(LINE_FEED);
        if (end >= 0) return this.#take(end, end + 1, limit);
        if (this.#ended) return this.#length === 0 ? null : this.#take(this.#length, this.#length, limit);
        signal.throwIfAborted();
        await this.#change(signal);
      }
    } finally {
      this.#stream.pause();
      // A paused pipe must not keep the program from ending.
      if (this.#stream instanceof Socket) this.#stream.unref();
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (this.#stream instanceof Socket) this.#stream.ref();
    });
  }

  #take(end: number, used: number, limit: number): Secret {
    const line = new Uint8Array(this.#kept.subarray(0, end));
    this.#kept.copyWithin(0, used, this.#length);
    this.#kept.fill(0, this.#length - used, this.#length);
    this.#length -= used;
    return checkedLine(line, limit);
  }
}

/** @returns the descriptors of this process */
export function processDescriptors(): Descriptors {
  const readers = new Map<number, LineReader>();
  return {
    readLine: (fd, { limit, signal }) => {
      const reader = readers.get(fd) ?? new LineReader(fd);
      readers.set(fd, reader);
      return reader.next(limit, signal);
    },
    write: (fd, bytes) => {
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      } catch (cause) {
        throw new UnlockdError('ERR_CLI_USAGE', `descriptor ${fd} cannot be written`, { detail: { fd }, cause });
      }
    },
    isTerminal: (fd) => isatty(fd),
  };
}
