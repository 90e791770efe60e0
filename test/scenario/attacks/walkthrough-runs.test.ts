/**
 * A run never passes falsely: not when the device lies, not when the daemon dies or says nothing, not when somebody else
 * answers in its place, and not when nothing was done at all.
 */
import { describe, expect, it } from 'vitest';
import type { CeremonyEvent } from '../../../agent/api/ports.ts';
import { openLane } from '../../../agent/lanes/index.ts';
import { noSeams } from '../../../agent/lanes/seams.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import type { Lane } from '../../../agent/walkthrough/lane.ts';
import { readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { runWalkthrough, type StepResult } from '../../../agent/walkthrough/run.ts';
import { shortcoming } from '../../../agent/walkthrough/tally.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { Behaviour } from '../../../hal-mocks/fido2/behaviour.ts';
import { silent, unplugAtFrame } from '../../../hal-mocks/fido2/behaviours.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { brokenSignature, hideUserPresence, otherRelyingParty } from '../../../hal-mocks/fido2/lies.ts';
import { touchAutomatically } from '../../../hal-mocks/fido2/touch.ts';
import { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';
import { DONE, fakeLane, refusal } from '../../support/walkthrough/fake-lane.ts';
import { laneOptions } from '../../support/walkthrough/lane-options.ts';

const read = (steps: string, given = 'keys: { blue: plugged }, enrolled: { pin: mine, key: blue }') =>
  readWalkthrough(`walkthrough: 1\nname: n\nabout: a\ngiven: { ${given} }\nsteps:\n${steps}`, checkedDocument);
const UNLOCK = read('  - unlock: { pin: mine }\n    within: 20\n    expect: { state: unlocked }\n');

/** What came of it, and why the run as a whole has not passed. */
async function run(
  lane: Lane,
  walkthrough = UNLOCK,
  onStepBegun: () => void = () => undefined,
): Promise<{ outcomes: readonly string[]; results: readonly StepResult[]; why: string | null }> {
  const parts = { lane, clock: systemClock, entropy: systemEntropy, signal: new AbortController().signal };
  const results = await runWalkthrough(walkthrough, { ...parts, onStepBegun });
  const why = shortcoming({ file: 'f', walkthrough, results, error: null, spanMs: milliseconds(0) });
  return { outcomes: results.map(({ outcome }) => outcome), results, why };
}

/** Outcomes and shortcoming of a run with a key that is honest while it is enrolled. */
async function withKey(
  afterwards: (key: VirtualAuthenticator) => void,
): Promise<readonly [readonly string[], string | null]> {
  const key = new VirtualAuthenticator({ clock: systemClock, entropy: systemEntropy });
  const stop = touchAutomatically(key, systemClock, milliseconds(5));
  const seams = { ...noSeams(systemEntropy), hid: () => new InProcessHid(key) };
  await using lane = await openLane('mock', UNLOCK, { ...laneOptions(), seams });
  const { outcomes, why } = await run(lane, UNLOCK, () => afterwards(key));
  stop();
  return [outcomes, why];
}

describe('no run passes with a security key that lies', () => {
  it('though it does with the same one that does not', { timeout: 60_000 }, async () => {
    expect(await withKey(() => undefined)).toEqual([['passed'], null]);
  });

  it.each([
    ['about its signature', () => brokenSignature()],
    ['about the touch', () => hideUserPresence()],
    ['about whom the signature is for', () => otherRelyingParty()],
    ['by saying nothing', () => silent()],
    ['by going away in the middle', () => unplugAtFrame(2)],
  ] satisfies [string, () => Behaviour][])('%s', { timeout: 60_000 }, async (_how, lie) => {
    expect(await withKey((key) => key.misbehave(lie()))).toEqual([['failed'], '1 step failed']);
  });
});

const SOMEBODY = 'keys: { blue: plugged }';
const refusedStep = read('  - enrol: { pin: mine }\n    within: 2\n    expect: { verdict: refused }\n', SOMEBODY);
const grantedStep = read('  - enrol: { pin: mine }\n    within: 2\n', SOMEBODY);
const unreachable = (code: 'ERR_DAEMON_NOT_RUNNING' | 'ERR_CLI_DAEMON_UNTRUSTED' | 'ERR_CLI_CONNECTION_LOST'): Lane => {
  const lane = fakeLane([]);
  return { ...lane, subject: { ...lane.subject, start: () => Promise.reject(new UnlockdError(code, 'no daemon')) } };
};

describe('no run passes', () => {
  it.each(['ERR_DAEMON_NOT_RUNNING', 'ERR_CLI_DAEMON_UNTRUSTED', 'ERR_CLI_CONNECTION_LOST'] as const)(
    'because a refusal was expected and %s came instead',
    async (code) => {
      const { outcomes, results } = await run(unreachable(code), refusedStep);
      expect(outcomes).toEqual(['failed']);
      expect(results[0]?.why).toEqual([`no daemon (${code})`]);
    },
  );

  it.each([
    ['ends without a result', [{ type: 'touch', text: '', device: '' } as unknown as CeremonyEvent]],
    ['has no events at all', []],
  ])('because a ceremony %s, whatever was expected', async (_what, events) => {
    for (const expected of [grantedStep, refusedStep]) {
      expect((await run(fakeLane([events]), expected)).outcomes).toEqual(['failed']);
    }
  });

  it('because a ceremony never ends: the step is given up', { timeout: 20_000 }, async () => {
    const { outcomes, results } = await run(fakeLane(['never']), grantedStep);
    expect(outcomes).toEqual(['failed']);
    expect(results[0]?.why[0]).toContain('not done within 2 s');
  });

  it('because it was granted where a refusal was expected, or refused with another code', async () => {
    expect((await run(fakeLane([[DONE]]), refusedStep)).outcomes).toEqual(['failed']);
    const failed: CeremonyEvent = { type: 'failed', refusal: refusal('ERR_KEY_WRONG'), reasons: [] };
    const coded = read('  - enrol: { pin: mine }\n    expect: { verdict: refused, code: ERR_PIN_WRONG }\n', SOMEBODY);
    expect((await run(fakeLane([[failed]]), coded)).outcomes).toEqual(['failed']);
  });

  it('because the lane can do none of it', async () => {
    const kills = read('  - daemon: kill\n', SOMEBODY);
    expect(await run(fakeLane([]), kills)).toMatchObject({
      outcomes: ['not here'],
      why: 'no step passed: on this lane it shows nothing',
    });
  });
});
