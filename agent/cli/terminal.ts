/**
 * Reading a PIN, or an answer, from the person's terminal: a PIN from /dev/tty in raw mode (termios(3): no echo, no line discipline, so that no
 * buffer of the kernel keeps the line). The terminal is put back on every path, also when the process is ended by a
 * signal that it can see; after SIGKILL `stty sane` does it.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { Terminal } from './deps.ts';
import { checkedLine } from './descriptors.ts';

const END_OF_TEXT = 0x03;
const END_OF_TRANSMISSION = 0x04;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ERASE_LINE = 0x15;
const ESCAPE = 0x1b;
const DELETE = 0x7f;

const interrupted = (cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CLI_INTERRUPTED', 'interrupted', { cause });

/** The typed line as it grows; fixed size, zeroed at the end. */
class TypedLine {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  /** Where in an escape sequence (ECMA-48 section 5.4): a cursor key is no part of a PIN. */
  #escape: 'none' | 'begun' | 'inside' = 'none';

  constructor(limit: number) {
    this.#bytes = new Uint8Array(limit + 1);
  }

  /** @returns what the byte means for the line as a whole; null: go on */
  type(byte: number): 'end' | 'interrupt' | null {
    if (this.#escape === 'begun') {
      // ESC [ begins a control sequence, ESC O a function key; anything else is typed after a lone Escape.
      this.#escape = byte === 0x5b || byte === 0x4f ? 'inside' : 'none';
      if (this.#escape === 'inside') return null;
    }
    if (this.#escape === 'inside') {
      if (byte >= 0x40 && byte <= 0x7e) this.#escape = 'none';
      return null;
    }
    switch (byte) {
      case END_OF_TEXT:
        return 'interrupt';
      case END_OF_TRANSMISSION:
        return this.#length === 0 ? 'interrupt' : 'end';
      case LINE_FEED:
      case CARRIAGE_RETURN:
        return 'end';
      case BACKSPACE:
      case DELETE:
        this.#eraseCharacter();
        return null;
      case ERASE_LINE:
        this.wipe();
        return null;
      case ESCAPE:
        this.#escape = 'begun';
        return null;
      default:
        if (this.#length < this.#bytes.length) this.#bytes[this.#length++] = byte;
        return null;
    }
  }

  /** One character of UTF-8: its continuation bytes (10xxxxxx) and the byte that begins it. */
  #eraseCharacter(): void {
    while (this.#length > 0) {
      this.#length--;
      const byte = this.#bytes[this.#length] ?? 0;
      this.#bytes[this.#length] = 0;
      if ((byte & 0xc0) !== 0x80) return;
    }
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }

  /** @throws {ERR_CLI_SECRET_INVALID} */
  secret(limit: number): Secret {
    return checkedLine(this.#bytes.slice(0, this.#length), limit);
  }
}

function readLine(
  stream: ReadStream,
  raw: boolean,
  limit: number,
  signal: AbortSignal,
  ask: () => void,
): Promise<Secret> {
  const line = new TypedLine(limit);
  return new Promise<Secret>((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      for (const byte of chunk) {
        const meaning = line.type(byte);
        if (meaning === null) continue;
        chunk.fill(0);
        settle(() => {
          if (meaning === 'interrupt') reject(interrupted());
          else resolve(line.secret(limit));
        });
        return;
      }
      chunk.fill(0);
    };
    const onAbort = () => settle(() => reject(interrupted(signal.reason)));
    const onEnd = (cause?: unknown) => settle(() => reject(interrupted(cause)));
    const restore = () => {
      if (!stream.destroyed) stream.setRawMode(false);
    };
    const settle = (conclude: () => void) => {
      stream.pause();
      stream.removeListener('data', onData);
      stream.removeListener('end', onEnd);
      stream.removeListener('error', onEnd);
      signal.removeEventListener('abort', onAbort);
      process.removeListener('exit', restore);
      restore();
      try {
        conclude();
      } catch (error) {
        reject(error);
      } finally {
        line.wipe();
      }
    };
    process.once('exit', restore);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('data', onData);
    stream.once('end', onEnd);
    stream.once('error', onEnd);
    stream.setRawMode(raw);
    // Asked only now: whoever answers at once must not see the answer.
    ask();
    stream.resume();
    if (signal.aborted) onAbort();
  });
}

/** @returns the terminal of this process; null when it has none */
export function openTerminal(): Terminal | null {
  let fd: number;
  try {
    fd = openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY);
  } catch {
    return null;
  }
  let stream: ReadStream;
  try {
    stream = new ReadStream(fd);
  } catch {
    closeSync(fd);
    return null;
  }
  stream.pause();
  const write = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    bytes.fill(0);
  };
  return {
    readHidden: async (prompt, { limit, signal }) => {
      try {
        return await readLine(stream, true, limit, signal, () => write(prompt));
      } finally {
        write('\n');
      }
    },
    readVisible: async (prompt, { limit, signal }) => {
      using line = await readLine(stream, false, limit, signal, () => write(prompt));
      return new TextDecoder().decode(line.expose());
    },
    write,
    close: () => stream.destroy(),
  };
}
