/**
 * A day of one person with a phone: at the desk, on short ways within the room, and away; typing, reading, and where the
 * phone is carried meanwhile. Times in seconds, distances in metres. The shares are ours, not measured: they are the same
 * for every algorithm.
 */
import type { SeededDice } from '../oracle/dice.ts';
import { normal } from './channel.ts';

export const TICKS_A_SECOND = 4;
const WALKING = 1.2;
/** Within reach of the desk: a lock there is a false one. */
export const AT_DESK = 2;
/** Out of the room, whose door is 3 to 9 m away. */
export const GONE = 10;
const HOURS = 8;

export interface Moment {
  readonly distance: number;
  /** dB that the body takes away. */
  readonly body: number;
  /** Of all ways of this length, the share that is freer than this one (see `lineOfSightShare`). */
  readonly obstruction: number;
  /** Behind a door or a wall. */
  readonly outside: boolean;
  /** Whether keyboard or mouse were touched in this moment. */
  readonly input: boolean;
}

const exponential = (dice: SeededDice, mean: number): number => -mean * Math.log(1 - dice.next());
const logNormal = (dice: SeededDice, median: number, sigma: number): number => median * Math.exp(sigma * normal(dice));

/** Where the phone is while its owner sits: what the body takes, mean and deviation in dB, and how often. */
const CARRIED = [
  { share: 0.4, mean: 0, deviation: 0.5, distance: 0.7 },
  { share: 0.35, mean: 6, deviation: 4, distance: 0.8 },
  { share: 0.25, mean: 14, deviation: 5, distance: 1.1 },
] as const;
/** Walking, the body is between the two on the way out more than on the way back. */
const OUTWARD = { mean: 12, deviation: 5 };
const INWARD = { mean: 5, deviation: 4 };

class Person {
  readonly #dice: SeededDice;
  #moments: Moment[] = [];
  #body = 0;
  #obstruction = 0;
  readonly #door: number;

  constructor(dice: SeededDice) {
    this.#dice = dice;
    this.#door = 3 + 6 * dice.next();
  }

  day(): readonly Moment[] {
    const dice = this.#dice;
    const end = HOURS * 3600 * TICKS_A_SECOND;
    while (this.#moments.length < end) {
      this.#sit(Math.min(5400, 300 + exponential(dice, 1500)));
      if (dice.chance(0.3)) this.#trip(3 + 4 * dice.next(), 30 + exponential(dice, 90));
      else this.#trip(15 + exponential(dice, 20), Math.min(3600, 120 + exponential(dice, 600)));
    }
    return this.#moments.slice(0, end);
  }

  #add(seconds: number, distance: number, input = false): void {
    const count = Math.max(1, Math.round(seconds * TICKS_A_SECOND));
    for (let n = 0; n < count; n++) {
      const outside = distance > this.#door;
      this.#moments.push({ distance, body: this.#body, obstruction: this.#obstruction, outside, input });
    }
  }

  #takes({ mean, deviation }: { readonly mean: number; readonly deviation: number }): void {
    this.#body = Math.max(0, mean + deviation * normal(this.#dice));
  }

  #sit(seconds: number): void {
    const dice = this.#dice;
    let roll = dice.next();
    const carried =
      CARRIED.find(({ share }) => {
        roll -= share;
        return roll < 0;
      }) ?? CARRIED[0];
    this.#obstruction = 0;
    let left = seconds;
    while (left > 0) {
      // Whoever sits turns, and the body with them.
      this.#takes(carried);
      const turn = Math.min(left, 20 + exponential(dice, 100));
      left -= turn;
      let rest = turn;
      while (rest > 0) {
        const typing = Math.min(rest, exponential(dice, 40));
        this.#add(typing, carried.distance, true);
        const reading = Math.min(rest - typing, logNormal(dice, 20, 1));
        if (reading > 0) this.#add(reading, carried.distance);
        rest -= typing + Math.max(reading, 0.25);
      }
    }
    this.#add(1, carried.distance, true);
    // Getting up.
    this.#add(1 + exponential(dice, 2), carried.distance);
  }

  #walk(from: number, to: number, body: typeof OUTWARD): void {
    const seconds = Math.abs(to - from) / WALKING;
    const count = Math.max(1, Math.round(seconds * TICKS_A_SECOND));
    for (let n = 1; n <= count; n++) {
      if (n % (3 * TICKS_A_SECOND) === 1) this.#takes(body);
      this.#add(1 / TICKS_A_SECOND, from + ((to - from) * n) / count);
    }
  }

  #trip(distance: number, seconds: number): void {
    const dice = this.#dice;
    this.#obstruction = dice.next();
    this.#walk(1, distance, OUTWARD);
    let left = seconds;
    while (left > 0) {
      this.#takes(dice.chance(0.5) ? OUTWARD : INWARD);
      const pause = Math.min(left, 5 + exponential(dice, 30));
      this.#add(pause, distance);
      left -= pause;
      // A step or two: another place in the field.
      if (left > 0) this.#walk(distance, distance + (dice.chance(0.5) ? 0.8 : -0.8), INWARD);
    }
    this.#walk(distance, 1, INWARD);
  }
}

export const dayOf = (dice: SeededDice): readonly Moment[] => new Person(dice).day();
