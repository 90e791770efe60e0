/**
 * The radio between a phone and a machine in an office, as a model whose figures are published: log-distance path loss,
 * log-normal shadowing that is correlated over distance, Rician or Rayleigh fading, and the body of whoever carries the
 * phone. docs/reference/proximity.md names the source of each figure.
 */
import type { SeededDice } from '../oracle/dice.ts';

const GHZ = 2.44;
const SPEED_OF_LIGHT = 0.299_792_458;
/** Half a wavelength, metres: fading is another one there. */
const COHERENCE_DISTANCE = SPEED_OF_LIGHT / GHZ / 2;
/** While nobody walks, what moves in the room changes it, seconds. */
const COHERENCE_TIME = 5;
/** Channels of one reading over a hopping link that fade each on their own: 79 MHz over a coherence bandwidth of 10. */
const HOPS = 8;

/** 3GPP TR 38.901, InH-Office: table 7.4.1-1 (loss, shadowing) and 7.5-6 (correlation distance, K factor). */
const LINE_OF_SIGHT = { shadowing: 3, correlation: 10 };
const OBSTRUCTED = { shadowing: 8.03, correlation: 6 };
const K_FACTOR = { mean: 7, deviation: 4 };

/** Mean loss in dB at a distance in metres. */
export function pathLoss(distance: number, lineOfSight: boolean): number {
  const d = Math.max(1, distance);
  const free = 32.4 + 17.3 * Math.log10(d) + 20 * Math.log10(GHZ);
  return lineOfSight ? free : Math.max(free, 17.3 + 38.3 * Math.log10(d) + 24.9 * Math.log10(GHZ));
}

/** TR 38.901, table 7.4.2-1, mixed office: how often the way between two points is free. */
export function lineOfSightShare(distance: number): number {
  if (distance <= 1.2) return 1;
  if (distance < 6.5) return Math.exp(-(distance - 1.2) / 4.7);
  return 0.32 * Math.exp(-(distance - 6.5) / 32.6);
}

/** Normally distributed, mean 0, deviation 1 (Box and Muller). */
export const normal = (dice: SeededDice): number =>
  Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next());

/** One of the branches that fade apart: the scattered part, real and imaginary. */
class Branch {
  re: number;
  im: number;

  constructor(dice: SeededDice) {
    this.re = normal(dice);
    this.im = normal(dice);
  }

  /** @param kept correlation with what was before, 0-1 */
  move(dice: SeededDice, kept: number): void {
    const fresh = Math.sqrt(1 - kept * kept);
    this.re = kept * this.re + fresh * normal(dice);
    this.im = kept * this.im + fresh * normal(dice);
  }

  /** Power in parts of the mean; `k`: the direct path over the scattered ones, linear. */
  power(k: number): number {
    const scattered = Math.sqrt(1 / (2 * (k + 1)));
    const direct = Math.sqrt(k / (k + 1));
    return (direct + scattered * this.re) ** 2 + (scattered * this.im) ** 2;
  }
}

export interface Reading {
  /** dBm, mean over the channels of a hopping link. */
  readonly averaged: number;
  /** dBm, one packet on one channel. */
  readonly single: number;
}

const decibel = (power: number): number => 10 * Math.log10(Math.max(power, 1e-9));

export class RadioChannel {
  readonly #dice: SeededDice;
  readonly #branches: readonly Branch[];
  readonly #k: number;
  #shadow: number;

  constructor(dice: SeededDice) {
    this.#dice = dice;
    this.#branches = Array.from({ length: HOPS }, () => new Branch(dice));
    this.#k = 10 ** ((K_FACTOR.mean + K_FACTOR.deviation * normal(dice)) / 10);
    this.#shadow = normal(dice);
  }

  /**
   * Time goes on, and the phone moves.
   * @param power what is radiated less what the body takes, dBm
   * @param moved metres since the last step
   */
  step(power: number, distance: number, lineOfSight: boolean, moved: number, seconds: number): Reading {
    const dice = this.#dice;
    const { shadowing, correlation } = lineOfSight ? LINE_OF_SIGHT : OBSTRUCTED;
    if (moved > 0) {
      const kept = Math.exp(-moved / correlation);
      this.#shadow = kept * this.#shadow + Math.sqrt(1 - kept * kept) * normal(dice);
    }
    const kept = Math.exp(-moved / COHERENCE_DISTANCE - seconds / COHERENCE_TIME);
    for (const branch of this.#branches) branch.move(dice, kept);
    const mean = power - pathLoss(distance, lineOfSight) + shadowing * this.#shadow;
    const k = lineOfSight ? this.#k : 0;
    const powers = this.#branches.map((branch) => branch.power(k));
    const all = powers.reduce((sum, one) => sum + one, 0) / powers.length;
    return { averaged: mean + decibel(all), single: mean + decibel(powers[dice.roll(HOPS)] ?? 1) };
  }
}
