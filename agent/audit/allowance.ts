/**
 * Keeps one user from pushing everybody's events out of the log: of the events that a user can bring about at will, a
 * few in a span are written one by one, each before its cause goes on; the rest of the span becomes one line that says
 * how many there were. Nothing is left out but what was in the rest: its number stays.
 */
import type { Milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { AuditDetail } from './record.ts';

export type WriteEvent = (event: string, uid: number | null, detail: AuditDetail) => Promise<void>;

export interface AllowanceOptions {
  readonly clock: Clock;
  readonly write: WriteEvent;
  /** Events that are counted; all others are written as they come. */
  readonly counted: readonly string[];
  /** How many of one event of one uid are written one by one in a span. */
  readonly oneByOne: number;
  readonly span: Milliseconds;
  /** For the log: a line with a count that could not be written, when nobody waits for it. */
  readonly failed: (error: unknown) => void;
}

interface Span {
  readonly event: string;
  readonly uid: number;
  readonly stopTimer: () => void;
  written: number;
  more: number;
}

export class EventAllowance {
  readonly #options: AllowanceOptions;
  readonly #spans = new Map<string, Span>();

  constructor(options: AllowanceOptions) {
    this.#options = options;
  }

  /** Writes the event, or counts it. @throws what `write` throws */
  async write(event: string, uid: number | null, detail: AuditDetail): Promise<void> {
    const { counted, oneByOne, write } = this.#options;
    if (uid !== null && counted.includes(event)) {
      const span = this.#spanOf(event, uid);
      if (span.written >= oneByOne) {
        span.more++;
        return;
      }
      span.written++;
    }
    await write(event, uid, detail);
  }

  /** Writes what is only counted so far; the daemon stops. @throws what `write` throws */
  async flush(): Promise<void> {
    await Promise.all([...this.#spans.keys()].map((key) => this.#end(key)));
  }

  #spanOf(event: string, uid: number): Span {
    const key = `${uid} ${event}`;
    const known = this.#spans.get(key);
    if (known !== undefined) return known;
    const { clock, span: length, failed } = this.#options;
    const stopTimer = clock.timer(length, () => void this.#end(key).catch(failed));
    const span: Span = { event, uid, stopTimer, written: 0, more: 0 };
    this.#spans.set(key, span);
    return span;
  }

  async #end(key: string): Promise<void> {
    const span = this.#spans.get(key);
    if (span === undefined) return;
    this.#spans.delete(key);
    span.stopTimer();
    if (span.more === 0) return;
    const withinSeconds = Math.round(this.#options.span / 1000);
    await this.#options.write(span.event, span.uid, { more: span.more, withinSeconds });
  }
}
