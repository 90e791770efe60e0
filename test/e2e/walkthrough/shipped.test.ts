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

/** Of which nothing can be shown there, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  'all-pairs': 'there is no Bluetooth radio; the daemon is not shown any network',
  'dns-renumbering': 'the daemon is not shown any network',
  'evil-twin': 'there is no Wi-Fi',
  finger: 'there is no fingerprint reader',
  'impostor-phone': 'there is no Bluetooth radio',
  'phone-leaves': 'there is no Bluetooth radio',
};

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
      const expected = NOT_HERE[name] === undefined ? 'passed' : `not here: ${NOT_HERE[name]}`;
      expect(whatCame).toEqual(results.map(() => expected));
    },
  );
});
