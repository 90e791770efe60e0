/** What a machine could have measured on one day, four times a second, with what was true: made by a seed. */
import { SeededDice } from '../oracle/dice.ts';
import { lineOfSightShare, normal, RadioChannel } from './channel.ts';
import { AT_DESK, dayOf, GONE, type Moment, TICKS_A_SECOND } from './day.ts';

export interface Departure {
  /** Ticks: the first step away from the desk, and the first moment back there. */
  readonly left: number;
  readonly back: number;
}

export interface Trace {
  readonly seed: number;
  readonly ticks: number;
  /** dBm of a hopping link, rounded as a controller does; -128: too weak for a link. */
  readonly averaged: Int8Array;
  /** dBm of one packet; -128 likewise. */
  readonly single: Int8Array;
  /** Whether a link that is to be made in this moment fails although the device is there: other radios in the band. */
  readonly collides: Uint8Array;
  /** Lower end of the golden receive range of this machine's controller, dBm. */
  readonly golden: number;
  /** Where the person is: 0 at the desk, 1 in the room, 2 gone. */
  readonly place: Uint8Array;
  /** Tick of the last input at or before each tick. */
  readonly lastInput: Int32Array;
  readonly departures: readonly Departure[];
}

export const NO_LINK = -128;
/** dBm: what a phone of class 2 sends, less what the antennas of both ends lose. */
const RADIATED = { mean: -5, deviation: 3 };
/** A sensitivity of -90 dBm, with what receivers differ by. */
const SENSITIVITY = -90;
const COLLISIONS = 0.01;
/** Shorter absences need no lock. Seconds. */
const WORTH_A_LOCK = 120;

export function departuresOf(place: Uint8Array): Departure[] {
  const found: Departure[] = [];
  let left: number | null = null;
  let gone = 0;
  for (const [tick, where] of place.entries()) {
    if (where === 0) {
      if (left !== null && gone >= WORTH_A_LOCK * TICKS_A_SECOND) found.push({ left, back: tick });
      left = null;
      gone = 0;
    } else {
      left ??= tick;
      if (where === 2) gone++;
    }
  }
  return found;
}

const placeOf = ({ distance }: Moment): number => (distance <= AT_DESK ? 0 : distance < GONE ? 1 : 2);

export function traceOf(seed: number): Trace {
  const dice = new SeededDice(seed);
  const day = dayOf(dice);
  const channel = new RadioChannel(dice);
  const radiated = RADIATED.mean + RADIATED.deviation * normal(dice);
  const golden = Math.round(-70 + 14 * dice.next());
  const sensitivity = SENSITIVITY + 2 * normal(dice);
  const ticks = day.length;
  const averaged = new Int8Array(ticks);
  const single = new Int8Array(ticks);
  const collides = Uint8Array.from({ length: ticks }, () => (dice.chance(COLLISIONS) ? 1 : 0));
  const place = Uint8Array.from(day, placeOf);
  const lastInput = new Int32Array(ticks);
  let [before, input] = [day[0]?.distance ?? 1, 0];
  for (const [tick, { distance, body, obstruction, outside, input: touched }] of day.entries()) {
    const free = !outside && obstruction < lineOfSightShare(distance);
    const moved = Math.abs(distance - before);
    before = distance;
    const heard = channel.step(radiated - body, distance, free, moved, 1 / TICKS_A_SECOND);
    const reached = heard.averaged + normal(dice) >= sensitivity;
    averaged[tick] = reached ? Math.max(-127, Math.round(heard.averaged)) : NO_LINK;
    single[tick] = reached ? Math.max(-127, Math.round(heard.single)) : NO_LINK;
    if (touched) input = tick;
    lastInput[tick] = input;
  }
  return { seed, ticks, averaged, single, collides, golden, place, lastInput, departures: departuresOf(place) };
}
