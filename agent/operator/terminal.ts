/**
 * A person at a terminal: one prompt at a time, with the time that is left. What a driver sees ends the prompt by itself;
 * Enter is for what nobody can see. `s` skips with a reason, `q` and Ctrl-C end the whole run, which then puts back what it
 * has changed.
 */
import { seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { type Deferred, deferred } from '../../drivers/base/deferred.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { oneLine } from '../../drivers/base/printable.ts';
import type { OperatorConsole } from './console.ts';
import { PromptLine } from './prompt-line.ts';
import { type Detector, type Hands, type PerformOptions, skipped, type Task } from './task.ts';

/** Where nothing can be written over, the time is told when so many seconds are left. */
const TOLD_AT: readonly number[] = [60, 30, 10];
const ERASE = '\r\u001b[K';

/** `1:05` */
export const clockWords = (left: number): string => `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;

/** One prompt from its first line to its end. */
class Prompt {
  readonly #console: OperatorConsole;
  readonly #clock: Clock;
  readonly #detector: Detector | null;
  readonly #endsAt: PerformOptions['endsAt'];
  readonly #line = new PromptLine();
  readonly #stops: (() => void)[] = [];
  readonly end: Deferred<'seen' | 'enter' | { readonly reason: string }> = deferred();
  /** The driver cannot see it after all: the person has to say so. */
  #blind: boolean;
  #told: number | null = null;

  constructor(console: OperatorConsole, clock: Clock, detector: Detector | null, endsAt: PerformOptions['endsAt']) {
    this.#console = console;
    this.#clock = clock;
    this.#detector = detector;
    this.#endsAt = endsAt;
    this.#blind = detector === null;
  }

  begin(text: string): void {
    this.say(`> ${text}`);
    if (!this.#console.live) this.say(`  ${this.#keys()}`);
    this.#tick();
    this.#stops.push(
      this.#console.listen(
        (typed) => this.#pressed(typed),
        () => this.end.reject(aborted('nothing can be typed any more')),
      ),
    );
  }

  /** A line of its own; the one that is written over comes below it again. */
  say(text: string): void {
    this.#console.write(`${this.#console.live ? ERASE : ''}${text}\n`);
  }

  cannotSee(why: string): void {
    this.#blind = true;
    this.say(`  This cannot be seen from here (${oneLine(why)}). Press Enter when it is done`);
    this.#draw();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    if (this.#console.live) this.#console.write(ERASE);
  }

  #pressed(text: string): void {
    const typed = this.#line.type(text);
    if (typed?.type === 'abort') this.end.reject(aborted('the person at the terminal ended it'));
    else if (typed?.type === 'skip') this.end.resolve({ reason: typed.reason });
    else if (typed?.type === 'enter' && this.#blind) this.end.resolve('enter');
    else if (typed?.type === 'enter') this.say(`  Not yet: ${this.#detector?.what} has not been seen`);
    this.#draw();
  }

  #left(): number | null {
    return this.#endsAt === null ? null : Math.max(0, Math.ceil((this.#endsAt - this.#clock.now()) / 1000));
  }

  #tick(): void {
    const left = this.#left();
    if (this.#console.live) this.#draw();
    else if (left !== null && TOLD_AT.includes(left) && this.#told !== left) {
      this.#told = left;
      this.say(`  ${clockWords(left)} left`);
    }
    this.#stops.push(this.#clock.timer(seconds(1), () => this.#tick()));
    // Each tick leaves its own stop: only the newest is of use.
    if (this.#stops.length > 2) this.#stops.splice(1, this.#stops.length - 2);
  }

  #keys(): string {
    const done = this.#blind ? 'Enter: done' : `until ${this.#detector?.what}`;
    return `${done} · s: skip · q: end the run`;
  }

  #draw(): void {
    if (!this.#console.live) return;
    const left = this.#left();
    const time = left === null ? '' : `${clockWords(left)} left · `;
    const { reason } = this.#line;
    const line = reason === null ? `  ${time}${this.#keys()}` : `  ${time}skip because: ${reason}`;
    // A line that is longer than the terminal is wide would not be written over as a whole.
    const room = Math.max(10, this.#console.columns() - 1);
    const shown = line.length <= room ? line : reason === null ? line.slice(0, room) : `…${line.slice(1 - room)}`;
    this.#console.write(`${ERASE}${shown}`);
  }
}

const aborted = (why: string): UnlockdError => new UnlockdError('ERR_OPERATOR_ABORTED', why);

export class TerminalHands implements Hands {
  readonly kind = 'terminal';
  readonly #console: OperatorConsole;
  readonly #clock: Clock;

  /** @param console its own from now on: closing this closes it */
  constructor(console: OperatorConsole, clock: Clock) {
    this.#console = console;
    this.#clock = clock;
  }

  async perform(task: Task, detector: Detector | null, { signal, endsAt }: PerformOptions): Promise<void> {
    signal.throwIfAborted();
    const prompt = new Prompt(this.#console, this.#clock, detector, endsAt);
    const over = new AbortController();
    const onAbort = () => prompt.end.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    prompt.begin(oneLine(task.text));
    const watching = detector?.until({ signal: AbortSignal.any([signal, over.signal]) }).then(
      () => prompt.end.resolve('seen'),
      (error: unknown) => {
        if (!signal.aborted && !over.signal.aborted) {
          prompt.cannotSee(error instanceof Error ? error.message : String(error));
        }
      },
    );
    let words: string | null = null;
    try {
      const end = await prompt.end.promise;
      if (typeof end === 'object') {
        words = `  skipped: ${oneLine(end.reason)}`;
        throw skipped(task, oneLine(end.reason));
      }
      words = end === 'seen' ? `  seen: ${detector?.what}` : '  done';
    } finally {
      signal.removeEventListener('abort', onAbort);
      over.abort();
      prompt.close();
      if (words !== null) this.tell(words);
      await watching;
    }
  }

  tell(words: string): void {
    this.#console.write(`${words}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#console[Symbol.dispose]();
  }
}
