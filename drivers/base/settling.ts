/**
 * From "something may have changed" to what is known of the surroundings: a loss counts at once, a gain only when it has
 * settled, and every value comes of a reading that was begun after the last event. Idle, it reads only to keep what it
 * told from growing old.
 */
import { type Milliseconds, type MonotonicMs, milliseconds, monotonicMs, seconds } from './brand.ts';
import type { Clock } from './clock.ts';
import { startDeadline } from './deadline.ts';
import { deferred } from './deferred.ts';

/** As a seam tells it. The first is `available` or `unavailable`. */
export type Wake<R> =
  | { readonly type: 'available' }
  | { readonly type: 'unavailable'; readonly reason: R }
  | { readonly type: 'changed' };

export interface SettlingOptions<T, R> {
  readonly clock: Clock;
  /** Until `signal` aborts. One that throws, or ends before that, is as if it had said `failed`. */
  readonly events: (options: { readonly signal: AbortSignal }) => AsyncIterable<Wake<R>>;
  readonly read: (options: { readonly signal: AbortSignal }) => Promise<T>;
  /** Why nothing is known, of what `read` or `events` threw (undefined: the events just ended). */
  readonly failed: (error: unknown) => R;
  /** What is true before and now: never more than either. */
  readonly common: (before: T, now: T) => T;
  readonly same: (a: T, b: T) => boolean;
  /** There is nothing in it that could be lost. */
  readonly empty: (value: T) => boolean;
  /** How long nothing may have changed before a gain counts. */
  readonly settle: Milliseconds;
  /** How often what is known is told again without an event: while the events come, their silence says that it is so. */
  readonly refresh: Milliseconds;
  /** How often it is read again without an event, in case one was lost; left out: as often as it is told. */
  readonly reread?: Milliseconds;
  /** Longest time of one reading. */
  readonly within: Milliseconds;
}

/** `at`: when the reading was begun. */
export type Known<T, R> =
  | { readonly known: true; readonly at: MonotonicMs; readonly value: T }
  | { readonly known: false; readonly at: MonotonicMs; readonly reason: R };

/** How long it may count that nothing is known: until something else is told, which the events do. */
export const OUTAGE_COUNTS_FOR = seconds(3600);

/** A gain under events that never cease is looked at after so many settling times. */
const LONGEST_SETTLING = 10;
const FIRST_RETRY = 1000;
/** So many events are looked at as they come; under a flood of them, one after each pause. */
const QUICK_LOOKS = 20;
const FLOOD_PAUSE = 250;

/** What the events have said since it was last looked at. */
class Inbox<R> {
  down: { readonly reason: R } | null = null;
  changed = false;
  /** Aborts a reading that `unavailable` makes void. */
  #reading: AbortController | null = null;
  #wake: () => void = () => undefined;

  async follow<T>({ events, failed }: SettlingOptions<T, R>, signal: AbortSignal): Promise<void> {
    let error: unknown;
    try {
      for await (const event of events({ signal })) this.#take(event);
    } catch (thrown) {
      error = thrown;
    }
    if (!signal.aborted) this.#take({ type: 'unavailable', reason: failed(error) });
  }

  #take(event: Wake<R>): void {
    if (event.type === 'unavailable') {
      this.down = { reason: event.reason };
      this.changed = false;
      this.#reading?.abort(new Error('what is read is void'));
    } else this.changed = true;
    this.wake();
  }

  wake(): void {
    this.#wake();
  }

  /** Resolves at the next event, or at `until`. */
  async next(clock: Clock, until: MonotonicMs | null): Promise<void> {
    const woken = deferred<void>();
    this.#wake = () => woken.resolve();
    const stop =
      until === null ? null : clock.timer(milliseconds(Math.max(0, until - clock.now())), () => woken.resolve());
    if (this.down !== null || this.changed) woken.resolve();
    await woken.promise;
    stop?.();
    this.#wake = () => undefined;
  }

  /** Waits, unless nothing is known any more or it is over. */
  async rest(clock: Clock, span: Milliseconds, signal: AbortSignal): Promise<void> {
    const over = deferred<void>();
    this.#wake = () => {
      if (this.down !== null || signal.aborted) over.resolve();
    };
    const stop = clock.timer(span, () => over.resolve());
    await over.promise;
    stop();
    this.#wake = () => undefined;
  }

  async reading<T>(read: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const own = new AbortController();
    this.#reading = own;
    try {
      return await read(AbortSignal.any([own.signal, signal]));
    } finally {
      this.#reading = null;
    }
  }
}

/** A gain that waits until it is quiet. */
interface Gaining<T> {
  readonly since: MonotonicMs;
  readonly due: MonotonicMs;
  /** What was read last; null: nothing was read yet. */
  readonly value: T | null;
}

class Settling<T, R> {
  readonly inbox = new Inbox<R>();
  readonly #options: SettlingOptions<T, R>;
  readonly #signal: AbortSignal;
  #up = false;
  #told: T | null = null;
  #gaining: Gaining<T> | null = null;
  #renew: MonotonicMs | null = null;
  #readAt: MonotonicMs | null = null;
  #pause = FIRST_RETRY;
  /** When the looks that were taken would have been allowed one after each pause. */
  #looked = 0;

  constructor(options: SettlingOptions<T, R>, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** One turn: looks at one event or one time that has come, or waits for it. @returns what is to be told; null: nothing */
  async turn(): Promise<Known<T, R> | null> {
    const { inbox } = this;
    const { clock, empty } = this.#options;
    if (inbox.down !== null) return this.#goDown(inbox.down.reason);
    const { changed } = inbox;
    this.#up ||= changed;
    const losable = this.#told !== null && !empty(this.#told);
    if (changed && losable && !this.#mayLook()) {
      await inbox.rest(clock, milliseconds(FLOOD_PAUSE), this.#signal);
      return null;
    }
    inbox.changed = false;
    if (changed && !losable) {
      // Nothing can be lost: there is time to wait until it is quiet.
      this.#await(null);
      return null;
    }
    const due = this.#gaining !== null && clock.now() >= this.#gaining.due;
    const stale = this.#renew !== null && clock.now() >= this.#renew;
    if (stale && !changed && !due && this.#isRead()) return this.#tellAgain();
    if (changed || due || stale) return await this.#look({ due: due && !changed, stale });
    await inbox.next(clock, this.#up ? earlier(this.#gaining?.due ?? null, this.#renew) : null);
    return null;
  }

  /** Anybody on the network may cause events: looking at them costs no more than a part of this machine. */
  #mayLook(): boolean {
    const now = this.#options.clock.now();
    if (this.#looked > now + QUICK_LOOKS * FLOOD_PAUSE) return false;
    this.#looked = Math.max(this.#looked, now) + FLOOD_PAUSE;
    return true;
  }

  /** Whether the last reading is still good enough to be told again. */
  #isRead(): boolean {
    const { clock, reread } = this.#options;
    return reread !== undefined && this.#told !== null && this.#readAt !== null && clock.now() - this.#readAt < reread;
  }

  #tellAgain(): Known<T, R> | null {
    this.#renew = this.#after(this.#options.refresh);
    return this.#told === null ? null : { known: true, at: this.#options.clock.now(), value: this.#told };
  }

  #goDown(reason: R): Known<T, R> {
    this.inbox.down = null;
    this.#up = false;
    this.#told = null;
    this.#gaining = null;
    this.#renew = null;
    return { known: false, at: this.#options.clock.now(), reason };
  }

  async #look({ due, stale }: { due: boolean; stale: boolean }): Promise<Known<T, R> | null> {
    const { common, same, refresh } = this.#options;
    const found = await this.#read();
    if (found === null) return null;
    if (!found.known) {
      this.#told = null;
      this.#gaining = null;
      this.#renew = this.#after(this.#pause);
      this.#pause = Math.min(refresh, this.#pause * 2);
      return found;
    }
    this.#renew = this.#after(refresh);
    this.#readAt = found.at;
    this.#pause = FIRST_RETRY;
    const { at, value } = found;
    const before = this.#told;
    if (due && !this.inbox.changed) {
      this.#gaining = null;
      this.#told = value;
      return before === null || stale || !same(before, value) ? found : null;
    }
    if (before === null) {
      this.#await(value);
      return null;
    }
    const kept = common(before, value);
    this.#told = kept;
    if (same(kept, value)) this.#gaining = null;
    else this.#await(value);
    return stale || !same(kept, before) ? { known: true, at, value: kept } : null;
  }

  /** Null: what was read is void. */
  async #read(): Promise<Known<T, R> | null> {
    const { clock, within, read, failed } = this.#options;
    const at = clock.now();
    const found = await this.inbox
      .reading(async (signal): Promise<Known<T, R>> => {
        using deadline = startDeadline(clock, within, { what: 'reading the surroundings', signal });
        return { known: true, at, value: await deadline.race(read({ signal: deadline.signal })) };
      }, this.#signal)
      .catch((error: unknown): Known<T, R> => ({ known: false, at, reason: failed(error) }));
    return this.inbox.down !== null || this.#signal.aborted ? null : found;
  }

  /** Lets a gain wait. What was read again and is the same waits no longer for that. */
  #await(value: T | null): void {
    const { clock, settle, same } = this.#options;
    const before = this.#gaining;
    if (before !== null && before.value !== null && value !== null && same(before.value, value)) return;
    const since = before?.since ?? clock.now();
    const due = Math.min(this.#after(settle), since + LONGEST_SETTLING * settle);
    this.#gaining = { since, due: monotonicMs(due), value };
  }

  #after(span: number): MonotonicMs {
    return monotonicMs(this.#options.clock.now() + span);
  }
}

/** What is known, whenever that changes, and again each `refresh`; until `signal` aborts. Never throws. */
export async function* settled<T, R>(
  options: SettlingOptions<T, R>,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<Known<T, R>, void, undefined> {
  const ending = new AbortController();
  const over = AbortSignal.any([ending.signal, signal]);
  const settling = new Settling(options, over);
  const onAbort = () => settling.inbox.wake();
  over.addEventListener('abort', onAbort, { once: true });
  const following = settling.inbox.follow(options, over);
  try {
    while (!over.aborted) {
      const told = await settling.turn();
      if (told !== null && !over.aborted) yield told;
    }
  } finally {
    ending.abort();
    over.removeEventListener('abort', onAbort);
    await following;
  }
}

const earlier = (a: MonotonicMs | null, b: MonotonicMs | null): MonotonicMs | null => {
  if (a === null || b === null) return a ?? b;
  return monotonicMs(Math.min(a, b));
};
