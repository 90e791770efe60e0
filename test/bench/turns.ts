/**
 * How long the verdict of a policy takes to follow what is sensed: a loss from the request that brings it about, a gain
 * from the end of the settling time, in turns.
 */
import { type Milliseconds, milliseconds } from '../../drivers/base/brand.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { boundedLane, type Lane } from './lane.ts';
import type { Verdicts } from './verdicts.ts';

const ROUNDS = 30;
const WARM_UP = 3;
const MOST_MS = 50;
const BETWEEN = milliseconds(400);

export interface Turns {
  /** `signals/network`: the lanes are its `-loss` and its `-gain`. */
  readonly name: string;
  readonly settle: Milliseconds;
  readonly lose: () => Promise<unknown>;
  /** Brings it back. @returns when the last of it was told, on the system's clock */
  readonly gain: () => Promise<number>;
}

/** Begins where the policy grants. */
export async function turnLanes(verdicts: Verdicts, { name, settle, lose, gain }: Turns): Promise<readonly Lane[]> {
  const [losses, gains]: [number[], number[]] = [[], []];
  await verdicts.until(true);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    await systemClock.sleep(BETWEEN, {});
    const pulled = systemClock.now();
    const [lostAt] = await Promise.all([verdicts.until(false), lose()]);
    await systemClock.sleep(BETWEEN, {});
    const [takenAt, plugged] = await Promise.all([verdicts.until(true), gain()]);
    if (round < 0) continue;
    losses.push(lostAt - pulled);
    gains.push(takenAt - plugged - settle);
  }
  return [
    boundedLane(`${name}-loss`, 'ms', losses, MOST_MS, { at: 'p95' }),
    boundedLane(`${name}-gain`, 'ms', gains, MOST_MS, { at: 'p95' }),
  ];
}
