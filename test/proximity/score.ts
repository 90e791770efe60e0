/** How good an algorithm is: how often it locks somebody who is there, whom it does not lock, and how long it takes. */
import { quantilesOf } from '../bench/quantiles.ts';
import { TICKS_A_SECOND } from './day.ts';
import type { Algorithm } from './links.ts';
import type { Trace } from './trace.ts';

const HOUR = 3600 * TICKS_A_SECOND;

/** A figure that was counted, with the interval that the true one lies in with 95 %. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Figures {
  readonly days: number;
  readonly departures: number;
  /** Of somebody at the desk. */
  readonly falseLocksAnHour: Estimate;
  /** Of all departures, 0-1. */
  readonly missed: Estimate;
  /** Seconds from the first step away from the desk to the lock, of the departures that were noticed. */
  readonly median: number;
  readonly p95: number;
  /** How often the phone's radio was used. */
  readonly readingsAnHour: number;
}

/** Of a number of rare things in a span: Poisson, by the square root transformation. */
function rate(count: number, span: number): Estimate {
  const [below, above] = [Math.max(0, Math.sqrt(count) - 0.98), Math.sqrt(count + 1) + 0.98];
  return { value: count / span, low: below ** 2 / span, high: above ** 2 / span };
}

/** Of a share: Wilson's score interval. */
function share(count: number, of: number): Estimate {
  const z = 1.96;
  const p = count / of;
  const middle = (p + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z / (1 + (z * z) / of)) * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
  return { value: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

export class Tally {
  readonly #algorithm: Algorithm;
  readonly #times: number[] = [];
  #days = 0;
  #atDesk = 0;
  #ticks = 0;
  #departures = 0;
  #falseLocks = 0;
  #missed = 0;
  #readings = 0;

  constructor(algorithm: Algorithm) {
    this.#algorithm = algorithm;
  }

  add(trace: Trace): void {
    const { locks, readings } = this.#algorithm(trace);
    this.#days++;
    this.#readings += readings;
    this.#ticks += trace.ticks;
    for (const where of trace.place) if (where === 0) this.#atDesk++;
    this.#falseLocks += locks.filter((tick) => trace.place[tick] === 0).length;
    this.#departures += trace.departures.length;
    for (const { left, back } of trace.departures) {
      const lock = locks.find((tick) => tick >= left && tick < back);
      if (lock === undefined) this.#missed++;
      else this.#times.push((lock - left) / TICKS_A_SECOND);
    }
  }

  get figures(): Figures {
    const { p50, p95 } = quantilesOf(this.#times);
    return {
      days: this.#days,
      departures: this.#departures,
      falseLocksAnHour: rate(this.#falseLocks, this.#atDesk / HOUR),
      missed: share(this.#missed, this.#departures),
      median: p50,
      p95,
      readingsAnHour: this.#readings / (this.#ticks / HOUR),
    };
  }
}
