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
import { expectedOutcomes } from '../../support/walkthrough/not-here.ts';

describe('a shipped walkthrough against a daemon process', () => {
  it.each(shippedWalkthroughs())(
    '$name passes, but for what this lane says that it cannot',
    { timeout: 300_000 },
    async ({ name, text }) => {
      const walkthrough = readWalkthrough(text, checkedDocument);
      await using lane = await openLane('emulator', walkthrough, laneOptions());
      const { signal } = new AbortController();
      const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
      const whatCame = results.map(({ outcome, why }) => [outcome, ...why].join(': '));
      expect(whatCame).toEqual(expectedOutcomes('emulator', name, walkthrough.steps.length));
    },
  );
});
