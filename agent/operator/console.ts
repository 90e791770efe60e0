/**
 * The terminal as the person of a walkthrough has it: keys as they are pressed, text that is written over. Tests hand in
 * streams; a program opens /dev/tty, so that standard input and output stay free for what the command prints.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { UnlockdError } from '../../drivers/base/errors.ts';

export interface OperatorConsole extends Disposable {
  write(text: string): void;
  /** Whether a line can be written over: a terminal, not a file. */
  readonly live: boolean;
  /** Width, characters. */
  readonly columns: () => number;
  /**
   * Calls `pressed` with what was typed, as it comes, without echo, until the returned function is called. `gone`: nothing
   * will be typed any more.
   */
  listen(pressed: (text: string) => void, gone: () => void): () => void;
}

/** Whoever has no width has this one. */
const COLUMNS = 80;

type Typed = Pick<Readable, 'on' | 'removeListener' | 'resume' | 'pause'> & {
  readonly setRawMode?: (raw: boolean) => unknown;
};

/** @param input raw while somebody listens, where it can be */
export function consoleOf(
  input: Typed,
  out: { readonly write: (text: string) => void; readonly live: boolean; readonly columns?: () => number | undefined },
): OperatorConsole {
  let stop: (() => void) | null = null;
  return {
    write: out.write,
    live: out.live,
    columns: () => out.columns?.() ?? COLUMNS,
    listen: (pressed, gone) => {
      const decoder = new TextDecoder();
      const onData = (chunk: Uint8Array | string) =>
        pressed(typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }));
      const restore = () => input.setRawMode?.(false);
      stop = () => {
        stop = null;
        input.removeListener('data', onData);
        input.removeListener('end', gone);
        input.removeListener('error', gone);
        process.removeListener('exit', restore);
        input.pause();
        restore();
      };
      input.on('data', onData);
      input.on('end', gone);
      input.on('error', gone);
      process.once('exit', restore);
      input.setRawMode?.(true);
      input.resume();
      return () => stop?.();
    },
    [Symbol.dispose]: () => stop?.(),
  };
}

/** @throws {ERR_OPERATOR_NO_TERMINAL} */
export function openConsole(): OperatorConsole {
  let fd: number;
  try {
    fd = openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY);
  } catch (cause) {
    throw noTerminal(cause);
  }
  let input: ReadStream;
  try {
    input = new ReadStream(fd);
  } catch (cause) {
    closeSync(fd);
    throw noTerminal(cause);
  }
  input.pause();
  const write = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  };
  const opened = consoleOf(input, { write, live: true, columns: () => process.stderr.columns });
  return {
    ...opened,
    [Symbol.dispose]: () => {
      opened[Symbol.dispose]();
      input.destroy();
    },
  };
}

const noTerminal = (cause: unknown): UnlockdError =>
  new UnlockdError('ERR_OPERATOR_NO_TERMINAL', 'there is no terminal on which a person could be asked', { cause });
