/**
 * `unlockctl signals --watch` on a terminal: every signal with its age, drawn anew each second and with every change, on
 * the terminal's second screen (xterm control sequences, mode 1049). What was seen last stays when it ends.
 */
import { milliseconds } from '../../../drivers/base/brand.ts';
import type { Clock } from '../../../drivers/base/clock.ts';
import type { SensedSignal, SignalChange } from '../../api/ports.ts';
import type { TextSink } from '../deps.ts';

const EACH = milliseconds(1000);
/** The second screen, without a cursor, lines cut and not wrapped; and all of that back. */
const BEGIN = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const END = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const ANEW = '\u001b[H\u001b[2J';
const HEAD = 'What is sensed around this machine, and what you could present. Ctrl-C ends it.';

export interface LiveOptions {
  readonly sink: TextSink;
  readonly clock: Clock;
  /** A signal on lines of its own, of which none moves the cursor. @param now on the clock of the signals */
  readonly words: (signal: SensedSignal, now: number) => readonly string[];
  /** What is said of a kind that nothing is known of any more. */
  readonly lostWords: (kind: string) => string;
}

class Screen implements Disposable {
  readonly #options: LiveOptions;
  /** Null: lost. */
  readonly #known = new Map<string, SensedSignal | null>();
  /** Between the daemon's clock and ours. */
  #ahead = 0;
  #stopTimer: () => void = () => undefined;

  constructor(options: LiveOptions) {
    this.#options = options;
    options.sink.write(BEGIN);
    this.#tick();
  }

  take(change: SignalChange): void {
    this.#ahead = change.now - this.#options.clock.now();
    if (change.type === 'lost') this.#known.set(change.kind, null);
    else this.#known.set(change.signal.kind, change.signal);
    this.#draw();
  }

  #tick(): void {
    this.#draw();
    this.#stopTimer = this.#options.clock.timer(EACH, () => this.#tick());
  }

  #lines(): readonly string[] {
    const { clock, words, lostWords } = this.#options;
    const now = clock.now() + this.#ahead;
    return [...this.#known].flatMap(([kind, signal]) => (signal === null ? [lostWords(kind)] : words(signal, now)));
  }

  #draw(): void {
    this.#options.sink.write(`${ANEW}${[HEAD, '', ...this.#lines()].join('\n')}\n`);
  }

  [Symbol.dispose](): void {
    this.#stopTimer();
    this.#options.sink.write(`${END}${this.#lines().join('\n')}\n`);
  }
}

/** Until the changes end. The terminal is put back on every path. @throws what the changes throw */
export async function showLive(changes: AsyncIterable<SignalChange>, options: LiveOptions): Promise<void> {
  using screen = new Screen(options);
  for await (const change of changes) screen.take(change);
}
