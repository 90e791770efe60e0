/** The shipped walkthroughs, the same files as in one process, against the daemon as a process of its own. */
import { describe, expect, it } from 'vitest';
import { openLane } from '../../../agent/lanes/index.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { shippedWalkthroughs } from '../../../agent/walkthrough/shipped.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { laneOptions } from '../../support/walkthrough/lane-options.ts';

describe('a shipped walkthrough against a daemon process', () => {
  it.each(shippedWalkthroughs())(
    '$name passes, but for what this lane says that it cannot',
    { timeout: 120_000 },
    async ({ text }) => {
      const walkthrough = readWalkthrough(text, checkedDocument);
      await using lane = await openLane('emulator', walkthrough, laneOptions());
      const { signal } = new AbortController();
      const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
      const lines = results.map(({ step, outcome, why: reasons }) => [step.action, outcome, ...reasons].join(' '));
      expect(lines.filter((line) => !line.endsWith(' passed'))).toEqual([]);
    },
  );
});
