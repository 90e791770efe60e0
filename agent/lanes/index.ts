/**
 * The lanes by name. Each is a file of its own that is loaded when it is chosen: the mocks of one lane never come along
 * with another one.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { LANE_NAMES, type LaneName } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import type { LaneOptions, OpenedLane, OpenLane } from './options.ts';

type LoadLane = () => Promise<OpenLane>;

/** A lane that is not in the table is not on this installation. */
const LANES: Readonly<Partial<Record<LaneName, LoadLane>>> = {
  mock: async () => (await import('./mock.ts')).openMockLane,
  emulator: async () => (await import('./emulator.ts')).openEmulatorLane,
  lab: async () => (await import('./lab.ts')).openLabLane,
  hardware: async () => (await import('./hardware.ts')).openHardwareLane,
};

/**
 * Opens a lane for one walkthrough; the caller disposes it.
 * @throws {ERR_LANE_UNKNOWN} and what the lane itself throws
 */
export async function openLane(name: LaneName, walkthrough: Walkthrough, options: LaneOptions): Promise<OpenedLane> {
  const load = LANES[name];
  if (load === undefined) {
    const there = LANE_NAMES.filter((each) => LANES[each] !== undefined).join(', ');
    throw new UnlockdError('ERR_LANE_UNKNOWN', `there is no lane ${name} here, only ${there}`, {
      detail: { lane: name },
    });
  }
  const open = await load();
  options.signal.throwIfAborted();
  return await open(walkthrough, options);
}
