/** What tests open lanes with: the real clock and entropy, and nobody who is told what is prepared. */
import type { LaneOptions } from '../../../agent/lanes/options.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';

export const laneOptions = (signal = new AbortController().signal): LaneOptions => ({
  clock: systemClock,
  entropy: systemEntropy,
  signal,
  progress: () => undefined,
  finding: () => undefined,
});
