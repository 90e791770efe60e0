/**
 * A run as it goes on, for a person: on a terminal a line with a spinner and the time that turns into its outcome, elsewhere
 * one line for each step. What comes from files and daemons is shown as one line that cannot move the cursor.
 */
import { milliseconds } from '../../../../drivers/base/brand.ts';
import type { Clock } from '../../../../drivers/base/clock.ts';
import { stepWords } from '../../../report/step-words.ts';
import type { StepResult } from '../../../walkthrough/run.ts';
import type { Step } from '../../../walkthrough/schema.ts';
import type { TextSink } from '../../deps.ts';
import { oneLine, printable, reasonTree } from '../../output.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_EVERY = milliseconds(100);
/** To the first column, and nothing behind it; a line that is too long is cut by the terminal (DECAWM off). */
const ANEW = '\r\u001b[2K';
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

const MARKS = { passed: '✓', failed: '✗', 'not here': '–', skipped: '↷' } as const;

/** On one line, but whole: whoever looks for what went wrong needs the end of it too. */
const whole = (text: string): string => printable(text).replace(/[\n\t]/g, ' ');

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function elapsedWords(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const full = Math.round(ms / 1000);
  return full < 60 ? `${full} s` : `${Math.floor(full / 60)} min ${full % 60} s`;
}

export const stepHead = (step: Step, index: number): string => `${index + 1} ${stepWords(step)}`;

/** What it came to, in one or two words and the code. */
function gotWords({ outcome, asked, why }: StepResult): string {
  if (outcome === 'not here') return `not on this lane: ${why[0] ?? ''}`;
  if (outcome === 'skipped') return why[0] ?? 'skipped';
  if (asked === null) return outcome === 'passed' ? 'done' : 'failed';
  return asked.code === null ? asked.verdict : `${asked.verdict}, ${asked.code}`;
}

/** The line of a step that has ended, then what differs, then why it was refused. */
export function stepLines(result: StepResult, index: number): readonly string[] {
  const { step, outcome, why, asked, startMs, endMs } = result;
  const took = outcome === 'not here' ? '' : ` (${elapsedWords(endMs - startMs)})`;
  const head = `  ${MARKS[outcome]} ${stepHead(step, index)}: ${gotWords(result)}${took}`;
  const differs = outcome === 'failed' ? why.map((line) => `      ${line}`) : [];
  const tree =
    asked !== null && asked.verdict === 'refused' ? reasonTree(asked.reasons).map((line) => `    ${line}`) : [];
  return [head, ...differs, ...tree].map(whole);
}

export interface Progress extends Disposable {
  /** A walkthrough begins. */
  begun(title: string): void;
  /** Something takes its time. */
  busy(words: string): void;
  stepBegun(step: Step, index: number): void;
  /** An event of a ceremony, in one word or two. */
  event(words: string): void;
  stepEnded(result: StepResult, index: number): void;
  /** Something to be read, whatever else goes on. */
  say(words: string): void;
}

/** One line for each thing that has happened. */
class Lines implements Progress {
  readonly #sink: TextSink;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  begun(title: string): void {
    this.say(title);
  }

  busy(words: string): void {
    this.say(`  … ${words}`);
  }

  stepBegun(): void {}

  event(): void {}

  stepEnded(result: StepResult, index: number): void {
    for (const line of stepLines(result, index)) this.#sink.write(`${line}\n`);
  }

  say(words: string): void {
    this.#sink.write(`${whole(words)}\n`);
  }

  [Symbol.dispose](): void {}
}

/** On a terminal: above what has ended, below what goes on. */
class Live implements Progress {
  readonly #sink: TextSink;
  readonly #clock: Clock;
  #doing: { readonly words: string; readonly since: number } | null = null;
  #event = '';
  #frame = 0;
  #stopTimer: () => void = () => undefined;

  constructor(sink: TextSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  begun(title: string): void {
    this.say(title);
  }

  busy(words: string): void {
    this.#do(words);
  }

  stepBegun(step: Step, index: number): void {
    this.#do(stepHead(step, index));
  }

  event(words: string): void {
    this.#event = words;
    this.#draw();
  }

  stepEnded(result: StepResult, index: number): void {
    this.#rest();
    for (const line of stepLines(result, index)) this.#sink.write(`${line}\n`);
  }

  say(words: string): void {
    this.#sink.write(`${this.#doing === null ? '' : ANEW}${whole(words)}\n`);
    this.#draw();
  }

  #do(words: string): void {
    this.#rest();
    this.#doing = { words, since: this.#clock.now() };
    this.#turn();
  }

  #turn(): void {
    this.#draw();
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#stopTimer = this.#clock.timer(FRAME_EVERY, () => this.#turn());
  }

  #draw(): void {
    if (this.#doing === null) return;
    const { words, since } = this.#doing;
    const event = this.#event === '' ? '' : `  ${this.#event}`;
    const line = oneLine(`  ${FRAMES[this.#frame]} ${words}  ${elapsedWords(this.#clock.now() - since)}${event}`);
    this.#sink.write(`${ANEW}${NO_WRAP}${line}${WRAP}`);
  }

  /** Takes the line away. */
  #rest(): void {
    this.#stopTimer();
    if (this.#doing !== null) this.#sink.write(ANEW);
    this.#doing = null;
    this.#event = '';
  }

  [Symbol.dispose](): void {
    this.#rest();
  }
}

const SILENT: Progress = {
  begun: () => undefined,
  busy: () => undefined,
  stepBegun: () => undefined,
  event: () => undefined,
  stepEnded: () => undefined,
  say: () => undefined,
  [Symbol.dispose]: () => undefined,
};

/** @param how `live`: the sink is a terminal; `silent`: nobody reads it */
export function progressOn(sink: TextSink, how: 'live' | 'lines' | 'silent', clock: Clock): Progress {
  if (how === 'silent') return SILENT;
  return how === 'live' ? new Live(sink, clock) : new Lines(sink);
}
