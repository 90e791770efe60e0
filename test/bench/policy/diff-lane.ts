/** `policy diff` of two policies with 100 rules each, half of which differ: an administrator waits for it. */
import { diffPolicies } from '../../../agent/policy/study/diff.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { boundedLane, type Lane } from '../lane.ts';
import { fleetPolicy, placesOf } from './fleet.ts';

const RULES = 100;
/** Seconds that one comparison may take. */
const MOST_SECONDS = 5;
const ROUNDS = 5;

export function diffLane(): Lane {
  const places = placesOf(RULES * 2);
  const before = fleetPolicy(places.slice(0, RULES));
  const after = fleetPolicy(places.slice(RULES / 2, RULES + RULES / 2));
  const seconds = Array.from({ length: ROUNDS }, () => {
    const begun = systemClock.now();
    const { differences, complete } = diffPolicies(before, after, { pinIsBound: true });
    const taken = (systemClock.now() - begun) / 1000;
    if (!complete || differences.length === 0) throw new Error('the two policies were not compared to the end');
    return taken;
  });
  return boundedLane('policy/diff', 's', seconds, MOST_SECONDS, { below: true });
}
