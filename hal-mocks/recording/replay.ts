/**
 * A tape played: what the program does has to be what it did, byte for byte on each channel, and what came of it comes again.
 * An input comes only after everything that came before it, so that the program finds the same order of things. The first
 * deviation is kept: a program that goes on in spite of it has not passed.
 */
import { seconds } from '../../drivers/base/brand.ts';
import { bytesEqual, toHex } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { TapeEntry } from './tape.ts';

/** An input that everything waits for, and nothing has moved for so long. */
const STALL = seconds(30);
const SHOWN = 16;

interface Cued extends TapeEntry {
  readonly at: number;
  played: boolean;
  /** Nobody waits for it any more. */
  abandoned: boolean;
}

const words = ({ at, channel, direction, kind }: Cued): string =>
  `entry ${at + 1} (${channel}, ${direction === 'out' ? 'asked' : 'came'}: ${kind})`;

/** Where two byte strings part, for a person. */
function parting(expected: Uint8Array, got: Uint8Array): string {
  let at = 0;
  while (at < Math.min(expected.length, got.length) && expected[at] === got[at]) at++;
  const part = (bytes: Uint8Array) => toHex(bytes.subarray(at, at + SHOWN)) || 'the end';
  return `from byte ${at} on it was ${part(expected)}, now ${part(got)}`;
}

export class Replay {
  readonly #clock: Clock;
  readonly #entries: readonly Cued[];
  /** Of each channel what has not been played, first one first. */
  readonly #channels = new Map<string, Cued[]>();
  readonly #onUnasked: (entry: TapeEntry) => void;
  readonly #waiting = new Set<() => void>();
  #next = 0;
  #deviation: UnlockdError | null = null;

  /** @param options `unasked`: told inputs of these channels when their turn has come, as nobody asks for them */
  constructor(
    entries: readonly TapeEntry[],
    options: {
      readonly clock: Clock;
      readonly unasked: { readonly channels: readonly string[]; readonly tell: (entry: TapeEntry) => void };
    },
  ) {
    const { clock, unasked } = options;
    this.#clock = clock;
    this.#onUnasked = unasked.tell;
    this.#entries = entries.map((entry, at) => ({ ...entry, at, played: false, abandoned: false }));
    for (const entry of this.#entries) {
      if (unasked.channels.includes(entry.channel)) continue;
      const own = this.#channels.get(entry.channel) ?? [];
      own.push(entry);
      this.#channels.set(entry.channel, own);
    }
    this.#move();
  }

  /** The first thing that was otherwise than recorded; null: nothing so far. */
  get deviation(): UnlockdError | null {
    return this.#deviation;
  }

  /** The program does this. @throws {ERR_REPLAY_DEVIATED} unless it did so before */
  out(channel: string, kind: string, bytes: Uint8Array): void {
    this.#throwDeviation();
    const entry = this.#channels.get(channel)?.[0];
    if (entry === undefined) throw this.#deviate(`${channel} does ${kind}, and nothing more was recorded of it`);
    if (entry.direction !== 'out' || entry.kind !== kind) {
      throw this.#deviate(`${channel} does ${kind} in the place of ${words(entry)}`);
    }
    if (!bytesEqual(entry.bytes, bytes)) throw this.#deviate(`${words(entry)}: ${parting(entry.bytes, bytes)}`);
    this.#play(entry);
  }

  /** What is next on this channel, whether it is its turn or not. */
  next(channel: string): Pick<TapeEntry, 'direction' | 'kind'> | null {
    return this.#channels.get(channel)?.[0] ?? null;
  }

  /**
   * Waits for what is told unasked. @param found null: not yet
   * @throws {ERR_REPLAY_DEVIATED}; or the signal's reason
   */
  async until<T>(what: string, found: () => T | null, signal: AbortSignal): Promise<T> {
    let stalled = false;
    const stop = this.#clock.timer(STALL, () => {
      stalled = true;
      this.#wake();
    });
    try {
      for (;;) {
        signal.throwIfAborted();
        this.#throwDeviation();
        const value = found();
        if (value !== null) return value;
        if (stalled) throw this.#deviate(`${what} was not seen`);
        await this.#moved(signal);
      }
    } finally {
      stop();
    }
  }

  /**
   * What comes next on the channel, when its turn has come. Where the program did something next, nothing came: this waits until
   * `signal` aborts.
   * @throws {ERR_REPLAY_DEVIATED}; or the signal's reason
   */
  async in(channel: string, signal: AbortSignal): Promise<TapeEntry> {
    return await this.#in(channel, signal);
  }

  /**
   * The answer to what was just done. Where `signal` aborts first, nobody waits for it any more: it is swallowed when its turn
   * comes, as the contract of the TPM's seam has it.
   * @throws {ERR_REPLAY_DEVIATED}; or the signal's reason
   */
  async answer(channel: string, signal: AbortSignal): Promise<TapeEntry> {
    try {
      return await this.#in(channel, signal);
    } catch (error) {
      const entry = this.#channels.get(channel)?.[0];
      if (this.#deviation === null && entry?.direction === 'in') this.#abandon(entry);
      throw error;
    }
  }

  async #in(channel: string, signal: AbortSignal): Promise<TapeEntry> {
    let at = this.#next;
    let stalled = false;
    let stop = (): void => undefined;
    const start = () => {
      stop();
      stop = this.#clock.timer(STALL, () => {
        stalled = true;
        this.#wake();
      });
    };
    start();
    try {
      for (;;) {
        signal.throwIfAborted();
        this.#throwDeviation();
        const entry = this.#channels.get(channel)?.[0];
        if (entry !== undefined && entry.direction === 'in' && entry.at === this.#next) {
          this.#play(entry);
          return entry;
        }
        if (this.#next !== at) {
          at = this.#next;
          start();
        } else if (stalled && entry?.direction === 'in') {
          const awaited = this.#entries[this.#next];
          throw this.#deviate(awaited === undefined ? 'the recording is at its end' : `${words(awaited)} did not come`);
        }
        await this.#moved(signal);
      }
    } finally {
      stop();
    }
  }

  /** @throws {ERR_REPLAY_DEVIATED} the first deviation, or what is left over */
  finish(): void {
    this.#throwDeviation();
    const left = this.#entries.filter(({ played }) => !played);
    const [first] = left;
    if (first !== undefined) throw this.#deviate(`${left.length} entries are left over, the first is ${words(first)}`);
  }

  #play(entry: Cued): void {
    entry.played = true;
    this.#channels.get(entry.channel)?.shift();
    this.#move();
  }

  #abandon(entry: Cued): void {
    entry.abandoned = true;
    this.#channels.get(entry.channel)?.shift();
    this.#move();
  }

  #move(): void {
    for (;;) {
      const entry = this.#entries[this.#next];
      if (entry === undefined) break;
      const isUnasked = !this.#channels.has(entry.channel);
      if (isUnasked && !entry.played) {
        entry.played = true;
        this.#onUnasked(entry);
      }
      if (entry.abandoned) entry.played = true;
      if (!entry.played) break;
      this.#next++;
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #moved(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #deviate(message: string): UnlockdError {
    this.#deviation ??= new UnlockdError('ERR_REPLAY_DEVIATED', `the run is not the one that was recorded: ${message}`);
    this.#wake();
    return this.#deviation;
  }

  #throwDeviation(): void {
    if (this.#deviation !== null) throw this.#deviation;
  }
}
