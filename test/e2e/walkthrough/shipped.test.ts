/** The shipped walkthroughs, the same files as in one process, against the daemon as a process of its own. */
import { describe, expect, it } from 'vitest';
import { openLane } from '../../../agent/lanes/index.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { type ShippedFile, shippedWalkthroughs } from '../../../agent/walkthrough/shipped.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { laneOptions } from '../../support/walkthrough/lane-options.ts';
import { expectedOutcomes } from '../../support/walkthrough/not-here.ts';

const lane = 'emulator';

async function passes({ name, text }: ShippedFile): Promise<void> {
  const walkthrough = readWalkthrough(text, checkedDocument);
  await using opened = await openLane(lane, walkthrough, laneOptions());
  const parts = { lane: opened, clock: systemClock, entropy: systemEntropy, signal: new AbortController().signal };
  const results = await runWalkthrough(walkthrough, parts);
  const whatCame = results.map(({ outcome, why }) => [outcome, ...why].join(': '));
  expect(whatCame).toEqual(expectedOutcomes(lane, name, walkthrough.steps.length));
}

/** Most of their time is waiting: for somebody who does not come, for a daemon to start. */
const WAITING: ReadonlySet<string> = new Set(['daemon-killed', 'dns-renumbering', 'evil-twin']);
const all = shippedWalkthroughs();
const title = '$name passes, but for what this lane says that it cannot';

describe('a shipped walkthrough against a daemon process', () => {
  it.concurrent.each(all.filter(({ name }) => WAITING.has(name)))(title, { timeout: 300_000 }, passes);
  it.each(all.filter(({ name }) => !WAITING.has(name)))(title, { timeout: 120_000 }, passes);
});
