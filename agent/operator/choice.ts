/** `--operator terminal` or a URL: which hands a run has. A token is read from a file that nobody else can read. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { openConsole } from './console.ts';
import { HttpHands } from './http.ts';
import type { Hands } from './task.ts';
import { TerminalHands } from './terminal.ts';

export type OperatorChoice = { readonly kind: 'terminal' } | { readonly kind: 'http'; readonly url: URL };

const invalid = (message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_OPERATOR_INVALID', message, { cause });

/** 127.0.0.0/8 and ::1 of RFC 6890, as the URL standard writes hosts; `localhost` is loopback by RFC 6761. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** @throws {ERR_OPERATOR_INVALID} */
export function operatorChoice(text: string): OperatorChoice {
  if (text === 'terminal') return { kind: 'terminal' };
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw invalid(`the operator is “terminal” or the URL of a machine, not “${text}”`, cause);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('an operator speaks http: or https:');
  if (url.username !== '' || url.password !== '') {
    throw invalid('a URL with a password in it is seen by everybody: the token belongs into a file');
  }
  if (url.search !== '' || url.hash !== '') throw invalid('the URL of an operator has neither ? nor #');
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw invalid(`${url.hostname} is another machine: http: is for this one, use https: or a tunnel`);
  }
  return { kind: 'http', url };
}

const TOKEN_BYTES = 512;
/** RFC 6750 section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const OTHERS = 0o077;
/** A named pipe in the place of the file would block for ever without O_NONBLOCK. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** The first line of the file. @throws {ERR_OPERATOR_INVALID} */
export function readToken(path: string): Secret {
  let fd: number;
  try {
    fd = openSync(path, FLAGS);
  } catch (cause) {
    throw invalid(`${path}: cannot be opened (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  const bytes = new Uint8Array(TOKEN_BYTES + 1);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw invalid(`${path}: is not a regular file`);
    if (process.platform !== 'win32' && (stat.mode & OTHERS) !== 0) {
      throw invalid(`${path}: others may read the token; chmod 600 ${path}`);
    }
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    const text = new TextDecoder().decode(bytes.subarray(0, length)).replace(/\r?\n$/, '');
    if (length > TOKEN_BYTES || !TOKEN.test(text)) {
      throw invalid(`${path}: a token is one line of at most ${TOKEN_BYTES} letters, digits and -._~+/=`);
    }
    return Secret.take(new TextEncoder().encode(text));
  } finally {
    bytes.fill(0);
    closeSync(fd);
  }
}

/**
 * @param token the file with the token; null: none is sent
 * @param tell what a person is told who looks on; at a terminal it is told there
 * @throws {ERR_OPERATOR_INVALID | ERR_OPERATOR_NO_TERMINAL}
 */
export function openHands(
  choice: OperatorChoice,
  {
    token,
    clock,
    tell,
  }: { readonly token: string | null; readonly clock: Clock; readonly tell: (words: string) => void },
): Hands {
  if (choice.kind === 'terminal') return new TerminalHands(openConsole(), clock);
  return new HttpHands({ machine: { url: choice.url, token: token === null ? null : readToken(token) }, clock, tell });
}
