/** How the algorithms get at the strength: by a link that is made for each reading, or by one that is kept. */
import { TICKS_A_SECOND } from './day.ts';
import { NO_LINK, type Trace } from './trace.ts';

/** What an algorithm did on one day. */
export interface Outcome {
  /** Ticks at which it locked. */
  readonly locks: readonly number[];
  /** How often the phone's radio was used for a reading. */
  readonly readings: number;
}

export type Algorithm = (trace: Trace) => Outcome;

/** Page timeout of HCI as it is set by default (5.12 s), in ticks: so late is it known that nobody answers. */
export const PAGE_TIMEOUT = Math.round(5.12 * TICKS_A_SECOND);

/** Whether a link can be made in this moment. */
export const canLink = ({ averaged, collides }: Trace, tick: number): boolean =>
  averaged[tick] !== NO_LINK && collides[tick] === 0;

/** dB as Read RSSI tells a strength in dBm: above or below the golden range, which is 20 dB wide. */
export function relative(dBm: number, { golden }: Trace): number {
  return dBm < golden ? dBm - golden : Math.max(0, dBm - golden - 20);
}

/**
 * A link that is kept: while nothing comes through it tells the last strength, until it is given up.
 */
export class KeptLink {
  readonly #trace: Trace;
  readonly #readings: Int8Array;
  readonly #supervision: number;
  #up = false;
  #last = NO_LINK;
  #heard = 0;

  /** @param supervision link supervision timeout, ticks */
  constructor(trace: Trace, readings: Int8Array, supervision: number) {
    this.#trace = trace;
    this.#readings = readings;
    this.#supervision = supervision;
  }

  /** dBm; null: there is no link, and none can be made in this moment. */
  read(tick: number): number | null {
    const now = this.#readings[tick] ?? NO_LINK;
    if (now !== NO_LINK && (this.#up || canLink(this.#trace, tick))) {
      this.#up = true;
      this.#last = now;
      this.#heard = tick;
    } else if (tick - this.#heard > this.#supervision) this.#up = false;
    return this.#up ? this.#last : null;
  }
}
