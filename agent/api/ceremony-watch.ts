/**
 * Watches the ceremonies that were begun over this API: counts the open ones per uid, and cancels one that nobody
 * listens to any more. A person who closes the terminal in the middle of an unlock must not leave a security key
 * blinking, nor a slot taken.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { type ApiLimits, PerUid, tooManyCeremonies } from './limits.ts';
import type { Ceremony } from './ports.ts';

interface Watched {
  readonly ceremony: Ceremony;
  listeners: number;
  stopTimer: (() => void) | null;
  readonly ended: AbortController;
}

export class CeremonyWatch {
  readonly #clock: Clock;
  readonly #limits: ApiLimits;
  readonly #open: PerUid;
  readonly #watched = new Map<string, Watched>();

  constructor(clock: Clock, limits: ApiLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#open = new PerUid(limits.ceremoniesPerUid);
  }

  /** Ceremonies that have not ended. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * Begins a ceremony for `uid` and watches it to its end.
   * @throws {ERR_API_TOO_MANY_CEREMONIES} before anything is begun; and whatever `begin` throws
   */
  async begin(uid: number, begin: () => Promise<Ceremony>): Promise<Ceremony> {
    const giveBack = this.#open.take(uid);
    if (giveBack === null) throw tooManyCeremonies(uid, this.#limits.ceremoniesPerUid);
    try {
      const ceremony = await begin();
      const watched: Watched = { ceremony, listeners: 0, stopTimer: null, ended: new AbortController() };
      this.#watched.set(ceremony.id, watched);
      this.#awaitListener(watched);
      void this.#untilEnd(watched).finally(giveBack);
      return ceremony;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** Counts a listener in; the returned function counts it out, once. */
  listen(id: string): () => void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return () => undefined;
    watched.listeners++;
    watched.stopTimer?.();
    watched.stopTimer = null;
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      watched.listeners--;
      if (watched.listeners === 0 && !watched.ended.signal.aborted) this.#awaitListener(watched);
    };
  }

  /** Cancels everything that is open: the daemon stops. */
  cancelAll(): void {
    for (const { ceremony } of this.#watched.values()) ceremony.cancel();
  }

  #awaitListener(watched: Watched): void {
    watched.stopTimer = this.#clock.timer(milliseconds(this.#limits.abandonedMs), () => watched.ceremony.cancel());
  }

  async #untilEnd(watched: Watched): Promise<void> {
    try {
      for await (const event of watched.ceremony.events({ signal: watched.ended.signal })) {
        if (event.type === 'done' || event.type === 'failed') break;
      }
    } catch {
      // A ceremony whose events fail has ended as well; its listener is told by its own stream.
    } finally {
      watched.ended.abort();
      watched.stopTimer?.();
      watched.stopTimer = null;
      this.#watched.delete(watched.ceremony.id);
    }
  }
}
