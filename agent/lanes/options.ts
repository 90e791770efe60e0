/**
 * What a lane is opened with, and what comes of it. The lane sets up its machine, with the keys and the policy that the
 * walkthrough gives; closing it puts back what it has changed and ends what it has started, however the run ended.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { Lane } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';
import type { HardwareOptions } from './hardware-options.ts';
import type { LaneSeams } from './seams.ts';

export interface LaneOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Ends the opening of a lane; what was opened by then is closed. */
  readonly signal: AbortSignal;
  /** Told what is prepared, for a person who waits: short words without a full stop. */
  readonly progress: (words: string) => void;
  /** Told what stands in the evidence beside the steps, e.g. what could not be put back: a sentence without a full stop. */
  readonly finding: (words: string) => void;
  /** Of a run that is recorded or replayed, on the lanes that can be. */
  readonly seams?: LaneSeams;
  /** Of the hardware lane: whose daemon, whose hands. Opened when that lane is. */
  readonly hardware?: () => Promise<HardwareOptions>;
}

export type OpenedLane = Lane & AsyncDisposable;

/** @throws {ERR_LANE_*} what the lane lacks, with what to install or to connect; and the signal's reason */
export type OpenLane = (walkthrough: Walkthrough, options: LaneOptions) => Promise<OpenedLane>;
