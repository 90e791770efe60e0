/**
 * One process of the scanner, as its parent has it: what it sends, in order and bounded, and how it ends. It gets no
 * environment but what finds programs, and it is ended on every path: first by the end of its standard input, so that it
 * stops the radio, then by force.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Milliseconds, milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { isUnlockdError } from '../../base/errors.ts';
import { FrameReader, type ScannerFrame } from './scanner-frames.ts';

/** Reports that nobody took yet; the oldest are dropped. Bytes. */
const MOST_WAITING = 64 * 1024;
/** States that nobody took yet: a process that sends more is none of ours. */
const MOST_STATES = 64;
const FORCE_AFTER = milliseconds(1000);
/** Megabytes of JavaScript objects: a package that leaks ends itself. */
const HEAP = 128;

export interface ScannerProcessOptions {
  readonly clock: Clock;
  /** A file beside whose `node_modules` the package is looked for. */
  readonly packages: string;
  /** Compiled scanner-program. */
  readonly program: string;
  readonly mostAddresses: number;
  /** How long it lives at most. */
  readonly life: Milliseconds;
  /** Whom the process becomes; null: it stays who the daemon is. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
}

export const SCANNER_PROGRAM = fileURLToPath(new URL('./scanner-program.js', import.meta.url));

/** `old`: its time is over. `gone`: it ended without a word, or talked nonsense; in words. */
export type ScannerNews = ScannerFrame | { readonly type: 'old' } | { readonly type: 'gone'; readonly detail: string };

export class ScannerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #closed = deferred<void>();
  readonly #reader = new FrameReader();
  #waiting: ScannerNews[] = [];
  #reportBytes = 0;
  #last: ScannerNews | null = null;
  #wake: () => void = () => undefined;
  readonly #stopTimer: () => void;

  constructor({ clock, packages, program, mostAddresses, life, user }: ScannerProcessOptions) {
    const ids = user === null ? ['-', '-'] : [String(user.uid), String(user.gid)];
    this.#clock = clock;
    this.#child = spawn(
      process.execPath,
      [`--max-old-space-size=${HEAP}`, program, packages, String(mostAddresses), ...ids],
      {
        cwd: '/',
        env: { PATH: process.env.PATH },
        stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
      },
    );
    this.#child.on('error', (error) => this.#end({ type: 'gone', detail: error.message }));
    this.#child.on('close', (code, signal) => {
      this.#end({ type: 'gone', detail: `its process ended (${signal ?? `status ${code}`})` });
      this.#closed.resolve();
    });
    // A process that could not be started has neither.
    this.#child.stdin?.on('error', () => undefined);
    const output = this.#child.stdio[3] as Readable | null | undefined;
    output?.on('error', () => undefined);
    output?.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#stopTimer = clock.timer(life, () => this.#end({ type: 'old' }));
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** The next thing that it sent; after the last one, that again. */
  async next({ signal }: { readonly signal: AbortSignal }): Promise<ScannerNews> {
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        const news = this.#waiting.shift() ?? this.#last;
        if (news !== null) {
          if (news.type === 'reports') this.#reportBytes -= news.reports.length;
          return news;
        }
        const woken = deferred<void>();
        this.#wake = woken.resolve;
        await woken.promise;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #read(chunk: Buffer): void {
    if (this.#last !== null) return;
    try {
      for (const frame of this.#reader.read(chunk)) this.#take(frame);
    } catch (error) {
      this.#end({ type: 'gone', detail: isUnlockdError(error) ? error.message : String(error) });
    }
    this.#wake();
  }

  #take(frame: ScannerFrame): void {
    if (frame.type === 'end') this.#end(frame);
    else if (frame.type === 'reports') {
      this.#waiting.push(frame);
      this.#reportBytes += frame.reports.length;
      while (this.#reportBytes > MOST_WAITING) this.#dropOldest();
    } else if (this.#waiting.filter(({ type }) => type === 'state').length < MOST_STATES) this.#waiting.push(frame);
    else this.#end({ type: 'gone', detail: 'it does not stop telling states' });
  }

  #dropOldest(): void {
    const at = this.#waiting.findIndex(({ type }) => type === 'reports');
    const [dropped] = this.#waiting.splice(at, 1);
    if (dropped?.type === 'reports') this.#reportBytes -= dropped.reports.length;
  }

  #end(news: ScannerNews): void {
    this.#last ??= news;
    this.#stopTimer();
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end({ type: 'gone', detail: 'it was ended' });
    if (this.#child.pid === undefined) return;
    this.#child.stdin?.end();
    const stop = this.#clock.timer(FORCE_AFTER, () => this.#child.kill('SIGKILL'));
    await this.#closed.promise;
    stop();
  }
}
