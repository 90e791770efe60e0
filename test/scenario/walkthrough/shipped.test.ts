/** The walkthroughs that come with the product, run in one process; and a run tells what is not as expected. */
import { describe, expect, it } from 'vitest';
import { openLane } from '../../../agent/lanes/index.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough } from '../../../agent/walkthrough/run.ts';
import { shippedWalkthroughs } from '../../../agent/walkthrough/shipped.ts';
import { STARTING_FILE } from '../../../agent/walkthrough/starting-file.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { laneOptions } from '../../support/walkthrough/lane-options.ts';
import { expectedOutcomes } from '../../support/walkthrough/not-here.ts';

/** Lines like `2 unlock failed: expected …`. */
async function run(text: string): Promise<readonly string[]> {
  const walkthrough = readWalkthrough(text, checkedDocument);
  await using lane = await openLane('mock', walkthrough, laneOptions());
  const { signal } = new AbortController();
  const results = await runWalkthrough(walkthrough, { lane, clock: systemClock, entropy: systemEntropy, signal });
  return results.map(({ step, outcome, why }, at) => `${at + 1} ${step.action} ${[outcome, ...why].join(': ')}`);
}

// Most of their time is waiting for somebody who does not come.
describe.concurrent('a shipped walkthrough in one process', () => {
  it.each([...shippedWalkthroughs(), { name: 'the starting file', text: STARTING_FILE }])(
    '$name passes, but for what this lane says that it cannot',
    { timeout: 240_000 },
    async ({ name, text }) => {
      const came = (await run(text)).map((line) => line.replace(/^\d+ \w+ /, ''));
      expect(came).toEqual(expectedOutcomes('mock', name, came.length));
    },
  );
});

describe('a run', () => {
  it('begins with what is given, or not at all', { timeout: 60_000 }, async () => {
    const under = (least: number) => `walkthrough: 1
name: A policy that is given
about: A PIN that is made up has eight digits.
given:
  policy: { version: 2, contexts: { unlock: { require: { all: [pin, securityKey] } } }, pin: { minLength: ${least} } }
  keys: { blue: unplugged, red: plugged }
  enrolled: { pin: mine, key: blue }
steps:
  - remove: red
  - insert: blue
  - unlock: { pin: mine }
    expect: { keys: 1 }
  - unlock: { pin: mine, touch: pull }
    expect: { verdict: refused, events: [touch] }
`;
    expect(await run(under(8))).toEqual(['1 remove passed', '2 insert passed', '3 unlock passed', '4 unlock passed']);
    await expect(run(under(9))).rejects.toMatchObject({ code: 'ERR_WALKTHROUGH_NOT_GIVEN' });
  });

  it('tells each difference from what is expected, and goes on', { timeout: 60_000 }, async () => {
    const lines = await run(`walkthrough: 1
name: Wrong expectations
about: Each step expects what does not come.
given:
  keys: { blue: plugged }
  enrolled: { pin: mine, key: blue }
steps:
  - unlock: { pin: mine }
    expect: { verdict: refused, code: ERR_PIN_WRONG }
  - unlock: { pin: wrong }
    expect: { events: [touch, prompt pin], keys: 2 }
  - lock: true
    expect: { state: unlocked }
  - unlock: { pin: mine }
    expect: { events: [prompt pin, touch, done] }
`);
    expect(lines).toEqual([
      '1 unlock failed: expected refused, got granted',
      expect.stringMatching(
        /^2 unlock failed: expected granted, got refused: .*: the event “touch” did not come in its turn: prompt pin, refused ERR_PIN_WRONG.*: expected 2 keys, there are 1$/,
      ),
      '3 lock failed: expected the container to be unlocked, it is locked',
      '4 unlock passed',
    ]);
  });
});
