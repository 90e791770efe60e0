import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../lab/outcome.ts';

const ACTIONS = ['insert', 'unlock'];
const step = (number: number, action: string, outcome = 'passed', why: readonly string[] = []) => {
  return { number, action, outcome, why, startMs: 1, endMs: 2 };
};
const told = (steps: readonly unknown[], error: unknown = null): string =>
  JSON.stringify({ ok: true, result: { walkthroughs: [{ steps, error }] } });
const WHOLE = [step(1, 'insert'), step(2, 'unlock')];
const ended = (status: number) => ({ type: 'ended', status }) as const;

describe('what a run in the lab is worth', () => {
  it('is passed when the guest ended with 0 and every step is told of', () => {
    expect(outcomeOf(ended(0), ACTIONS, told(WHOLE))).toMatchObject({ word: 'passed', why: [] });
  });

  it('is passed, and tells it, when a step is not on this lane', () => {
    const steps = [step(1, 'insert', 'not here', ['no key']), step(2, 'unlock')];
    const { word, steps: known } = outcomeOf(ended(0), ACTIONS, told(steps));
    expect([word, known[0]?.why]).toEqual(['passed', ['no key']]);
  });

  it('is a failure of the lab when the guest failed, whatever the steps say', () => {
    const verdict = { type: 'lab-failed', why: 'the guest did not end in time' } as const;
    expect(outcomeOf(verdict, ACTIONS, told(WHOLE))).toMatchObject({ word: 'lab failed', why: [verdict.why] });
  });

  it('is a failure of the lab when the lane broke', () => {
    const error = { code: 'ERR_LANE_BROKEN', message: 'NetworkManager: not within 120 s' };
    const why = ['NetworkManager: not within 120 s (ERR_LANE_BROKEN)'];
    expect(outcomeOf(ended(1), ACTIONS, told([], error))).toMatchObject({ word: 'lab failed', why });
    expect(outcomeOf(ended(1), ACTIONS, JSON.stringify({ ok: false, error }))).toMatchObject({
      word: 'lab failed',
      why,
    });
  });

  const failures: readonly (readonly [string, number, string | null, string])[] = [
    ['ended with another status', 1, told(WHOLE), 'the run ended with 1'],
    ['left no result', 0, null, 'unlockctl left no result'],
    ['left half a result', 0, told(WHOLE).slice(0, -4), 'unlockctl left no result'],
    ['left no steps', 0, told([]), '0 of 2 steps are there'],
    ['left one step too few', 0, told(WHOLE.slice(0, 1)), '1 of 2 steps are there'],
    ['left one step too many', 0, told([...WHOLE, step(3, 'lock')]), '3 of 2 steps are there'],
    ['left the steps in another order', 0, told([...WHOLE].reverse()), 'step 1 is no insert'],
    ['left something that is no step', 0, told([{ number: 1, action: 'insert' }, WHOLE[1]]), 'step 1 is no insert'],
    ['has a step that failed', 0, told([WHOLE[0], step(2, 'unlock', 'failed', ['no'])]), 'step 2 unlock: no'],
    ['was ended early', 0, told(WHOLE, { code: 'ERR_X', message: 'ended' }), 'ended (ERR_X)'],
  ];
  for (const [what, status, result, why] of failures) {
    it(`has not passed when it ${what}`, () => {
      const outcome = outcomeOf(ended(status), ACTIONS, result);
      expect(outcome.word).toBe('FAILED');
      expect(outcome.why).toContain(why);
    });
  }

  it('of a walkthrough without steps shows nothing', () => {
    expect(outcomeOf(ended(0), [], told([])).word).toBe('FAILED');
  });
});
