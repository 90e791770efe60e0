/**
 * The program `ip` of iproute2 as a child, by its absolute path and with nothing of our environment: it asks the kernel
 * over rtnetlink(7) and prints JSON. Waiting for changes costs nothing while nothing changes: `ip monitor` sleeps in the
 * kernel, and so do we. A netlink socket of our own would park a thread of this process's small pool for each wait.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { UnlockdError } from '../../base/errors.ts';
import { MAX_JSON_LENGTH, parseJson } from './json.ts';

/** Where distributions put it. */
export const IP_PROGRAMS: readonly string[] = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'];

const ENVIRONMENT = { LC_ALL: 'C' } as const;

/** @returns null: it is not installed */
export async function findIp(candidates: readonly string[]): Promise<string | null> {
  for (const path of candidates) {
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return null;
}

const failure = (what: string, cause: unknown): UnlockdError =>
  new UnlockdError('ERR_HAL_IO', `${what}: the program could not be run, or failed`, { cause });

/** Ends a child, and does not wait for whoever else may hold the other end of its output. */
function endNow(child: ChildProcess): void {
  child.kill('SIGKILL');
  child.stdout?.destroy();
}

/**
 * Runs it once and reads the JSON that it prints.
 * @throws {ERR_HAL_IO | ERR_HAL_ANSWER_INVALID} or the signal's reason
 */
export async function askIp(
  program: string,
  args: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<unknown> {
  signal.throwIfAborted();
  const what = `ip ${args.join(' ')}`;
  const text = await new Promise<string>((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'ignore'], env: ENVIRONMENT });
    const chunks: Buffer[] = [];
    let length = 0;
    const end = () => endNow(child);
    signal.addEventListener('abort', end, { once: true });
    child.on('error', (cause) => reject(failure(what, cause)));
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_JSON_LENGTH) end();
      else chunks.push(chunk);
    });
    child.on('close', (code) => {
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason);
      else if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'));
      else reject(failure(what, new Error(`it ended with ${code ?? 'a signal'}`)));
    });
  });
  // Without a route it prints nothing at all.
  return text.trim() === '' ? [] : parseJson(text, what);
}

/** A running `ip monitor`: every line is a reason to look. */
export class IpMonitor {
  readonly #child: ChildProcess;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;

  /** @param wake is called for whatever it prints; how often is bounded by how fast it is read */
  constructor(program: string, wake: () => void) {
    const child = spawn(program, ['monitor', 'link', 'address', 'route'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: ENVIRONMENT,
    });
    this.#child = child;
    child.stdout.on('data', wake);
    this.ended = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    });
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    endNow(this.#child);
    await this.ended;
  }
}
