/** A process that a lane has started: read line by line, its last words kept, ended by its own id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Milliseconds, seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { deferred } from '../../drivers/base/deferred.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';

const LAST_WORDS = 4096;
const STOP_WITHIN = seconds(8);

/** Of a line of a log (JSON) what it says; any other line as it is. */
function spoken(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { msg, code } = JSON.parse(line) as { readonly msg?: unknown; readonly code?: unknown };
    if (typeof msg !== 'string') return line;
    return typeof code === 'string' ? `${msg} (${code})` : msg;
  } catch {
    return line;
  }
}

export interface ChildOptions {
  readonly clock: Clock;
  /** What it is, for errors: `the daemon`. */
  readonly what: string;
  readonly env: NodeJS.ProcessEnv;
}

export class LaneChild {
  readonly #process: ChildProcess;
  readonly #clock: Clock;
  readonly #what: string;
  readonly #ended: Promise<void>;
  readonly #listeners = new Set<(line: string) => void>();
  #lastWords = '';
  readonly #killAtExit = (): void => {
    this.#process.kill('SIGKILL');
  };

  /** Its descriptor 3 is read like its output. */
  constructor([program = '', ...args]: readonly string[], { clock, what, env }: ChildOptions) {
    this.#clock = clock;
    this.#what = what;
    // A group of its own: Ctrl-C is for whoever runs the walkthrough, who then ends the lane in order.
    this.#process = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true });
    const [, ...outputs] = this.#process.stdio;
    for (const stream of outputs) if (stream && 'read' in stream) this.#read(stream as Readable);
    const ended = deferred<void>();
    this.#process.once('error', (error) => {
      this.#heard(error.message);
      ended.resolve();
    });
    this.#process.once('close', () => ended.resolve());
    this.#ended = ended.promise;
    process.on('exit', this.#killAtExit);
    void this.#ended.then(() => process.removeListener('exit', this.#killAtExit));
  }

  #read(stream: Readable): void {
    stream.on('error', () => undefined);
    createInterface({ input: stream }).on('line', (line) => this.#heard(line));
  }

  #heard(line: string): void {
    this.#lastWords = `${this.#lastWords}${line}\n`.slice(-LAST_WORDS);
    for (const listener of this.#listeners) listener(line);
  }

  /** The end of what it has said. */
  get lastWords(): string {
    return this.#lastWords.trim();
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined;
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Waits for a line to come that `test` accepts.
   * @throws {ERR_LANE_BROKEN} when the process ends or is silent; and the signal's reason
   */
  async line(test: (line: string) => boolean, within: Milliseconds, signal: AbortSignal): Promise<string> {
    const found = deferred<string>();
    const stop = this.onLine((line) => {
      if (test(line)) found.resolve(line);
    });
    using deadline = startDeadline(this.#clock, within, { what: this.#what, signal });
    try {
      const gone = this.#ended.then(() => Promise.reject(this.#broken('has ended')));
      return await deadline.race(Promise.race([found.promise, gone]));
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof UnlockdError && error.code === 'ERR_LANE_BROKEN' ? error : this.#broken('does not answer');
    } finally {
      stop();
    }
  }

  #broken(how: string): UnlockdError {
    const words = spoken(this.lastWords.split('\n').at(-1) ?? '');
    return new UnlockdError('ERR_LANE_BROKEN', `${this.#what} ${how}${words === '' ? '' : `: ${words}`}`, {
      detail: { part: this.#what },
    });
  }

  /** SIGKILL; {@link ended} tells when it is gone. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async ended(): Promise<void> {
    await this.#ended;
  }

  /** SIGTERM, and SIGKILL after a while. Harmless when it has ended. @returns whether it ended by itself */
  async stop(): Promise<boolean> {
    if (!this.running) return true;
    let killed = false;
    this.#process.kill('SIGTERM');
    const escalate = this.#clock.timer(STOP_WITHIN, () => {
      killed = true;
      this.#process.kill('SIGKILL');
    });
    await this.#ended;
    escalate();
    return !killed;
  }
}
