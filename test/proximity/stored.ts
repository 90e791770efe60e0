/**
 * A piece of a trace as a file: a reading a second, where the person was and when they were at the keyboard. What the
 * model makes of a seed could change with it; these stay.
 */
import { TICKS_A_SECOND } from './day.ts';
import { departuresOf, NO_LINK, type Trace } from './trace.ts';

export interface StoredTrace {
  readonly title: string;
  readonly seed: number;
  /** First second of the piece in the day. */
  readonly from: number;
  /** Lower end of the golden receive range, dBm. */
  readonly golden: number;
  /** dBm, a reading a second; null: no link. */
  readonly dBm: readonly (number | null)[];
  /** A letter a second: `d` at the desk, `r` in the room, `g` gone. */
  readonly place: string;
  /** A letter a second: `x` while there was input. */
  readonly input: string;
}

const PLACES = 'drg';

/** @param from, to seconds of the day */
export function storedOf(trace: Trace, title: string, from: number, to: number): StoredTrace {
  const seconds = Array.from({ length: to - from }, (_, n) => (from + n) * TICKS_A_SECOND);
  return {
    title,
    seed: trace.seed,
    from,
    golden: trace.golden,
    dBm: seconds.map((tick) => {
      const value = trace.averaged[tick] ?? NO_LINK;
      return value === NO_LINK ? null : value;
    }),
    place: seconds.map((tick) => PLACES[trace.place[tick] ?? 0]).join(''),
    input: seconds.map((tick) => ((trace.lastInput[tick] ?? 0) > tick - TICKS_A_SECOND ? 'x' : '-')).join(''),
  };
}

/** As a trace of its own, each second four times; a packet of its own is as strong as the mean. */
export function traceFrom({ seed, golden, dBm, place, input }: StoredTrace): Trace {
  const ticks = dBm.length * TICKS_A_SECOND;
  const second = (tick: number) => Math.floor(tick / TICKS_A_SECOND);
  const averaged = Int8Array.from({ length: ticks }, (_, tick) => dBm[second(tick)] ?? NO_LINK);
  const places = Uint8Array.from({ length: ticks }, (_, tick) => PLACES.indexOf(place[second(tick)] ?? 'd'));
  const lastInput = new Int32Array(ticks);
  for (let tick = 1; tick < ticks; tick++) {
    lastInput[tick] = input[second(tick)] === 'x' ? tick : (lastInput[tick - 1] ?? 0);
  }
  return {
    seed,
    ticks,
    averaged,
    single: averaged,
    collides: new Uint8Array(ticks),
    golden,
    place: places,
    lastInput,
    departures: departuresOf(places),
  };
}
