/** The shipped walkthroughs, the same files as in one process, against the daemon as a process of its own. */
import { describe, expect, it } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { shippedWalkthroughs } from '../../../agent/walkthrough/shipped.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { notForProcessLane, processLane } from '../../support/walkthrough/process-lane.ts';

describe('a shipped walkthrough against a daemon process', () => {
  for (const { name, text } of shippedWalkthroughs()) {
    const walkthrough = readWalkthrough(text, checkedDocument);
    const why = notForProcessLane(walkthrough);
    it.skipIf(why !== null)(
      why === null ? `${name} passes, every step` : `${name}: not on this lane: ${why}`,
      { timeout: 120_000 },
      async () => {
        const { lane, stage } = await processLane();
        await using _closing = stage;
        const { signal } = new AbortController();
        const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
        const lines = results.map(({ step, outcome, why: reasons }) => [step.action, outcome, ...reasons].join(' '));
        expect(lines).toEqual(walkthrough.steps.map(({ action }) => `${action} passed`));
      },
    );
  }
});
