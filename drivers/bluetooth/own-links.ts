/**
 * Which links are ours: every probe makes one and lets it fall, and the host tells of that as of any other. Without
 * knowing them apart, the end of each probe would look like a phone that leaves.
 */
import { type MonotonicMs, milliseconds, seconds } from '../base/brand.ts';
import type { Clock } from '../base/clock.ts';

/** How late a host may tell of the link that a probe has made. */
const TOLD_LATE = milliseconds(500);
/** A host keeps a link without use for a while (Linux: 2 s), and tells of its end somewhat later. */
const LINGERS = seconds(3);

export class OwnLinks {
  readonly #clock: Clock;
  /** When the last probe of this address ended; `now`: it goes on. */
  readonly #ours = new Map<string, MonotonicMs | 'now'>();
  /** Addresses with a link that somebody else made. */
  readonly #others = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  lookBegins(address: string): void {
    this.#ours.set(address, 'now');
  }

  lookEnds(address: string): void {
    this.#ours.set(address, this.#clock.now());
  }

  /** Whether it is another's link that came or went. */
  isNews(address: string, what: 'link-up' | 'link-down'): boolean {
    const ended = this.#ours.get(address);
    const within = what === 'link-up' ? TOLD_LATE : LINGERS;
    const ours = ended === 'now' || (ended !== undefined && this.#clock.now() - ended < within);
    if (what === 'link-down') return this.#others.delete(address) || !ours;
    if (!ours) this.#others.add(address);
    return !ours;
  }

  clear(): void {
    this.#ours.clear();
    this.#others.clear();
  }
}
