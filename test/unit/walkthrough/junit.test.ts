/** JUnit XML of runs, read back by an XML parser that knows nothing of us; and what counts as a run that passed. */
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { junitXml } from '../../../agent/walkthrough/junit.ts';
import type { StepResult } from '../../../agent/walkthrough/run.ts';
import { shortcoming, tallyOf, tallyWords, type WalkthroughRun } from '../../../agent/walkthrough/tally.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { run, step, stepResult } from '../../support/walkthrough/runs.ts';

interface Found {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly path: string;
  text: string;
}

/** Every element in the order of its beginning. @throws what is not well-formed */
function parsed(xml: string): readonly Found[] {
  const found: Found[] = [];
  const open: Found[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const path = [...open.map((each) => each.name), name].join('/');
    const element = { name, attributes: attributes as Record<string, string>, path, text: '' };
    found.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    const last = open.at(-1);
    if (last !== undefined) last.text += text;
  });
  parser.on('closetag', () => void open.pop());
  parser.write(xml).close();
  return found;
}

const words = ({ action }: StepResult['step']): string => action;
const xmlOf = (...runs: readonly WalkthroughRun[]) => parsed(junitXml(runs, 'mock', words));
const named = (found: readonly Found[], name: string) => found.filter((each) => each.name === name);

describe('JUnit XML', () => {
  it('has a suite for each walkthrough and a case for each step, with its time', () => {
    const found = xmlOf(
      run({ name: 'One', outcomes: ['passed', 'passed'] }),
      run({ name: 'Two', outcomes: ['passed'] }),
    );
    expect(named(found, 'testsuite').map(({ attributes }) => [attributes.name, attributes.tests])).toEqual([
      ['One', '2'],
      ['Two', '1'],
    ]);
    expect(named(found, 'testcase').map(({ attributes }) => attributes)).toContainEqual({
      classname: 'one.yaml',
      name: '2 lock',
      time: '1.500',
    });
    expect(found.some(({ name }) => ['failure', 'error', 'skipped'].includes(name))).toBe(false);
  });

  it('tells what failed from what is not on the lane and from what was skipped', () => {
    const found = xmlOf(run({ name: 'One', outcomes: ['passed', 'failed', 'not here', 'skipped'] }));
    expect(named(found, 'failure').map(({ attributes, text }) => [attributes.message, text])).toEqual([
      ['failed: why', 'failed: why\nmore'],
    ]);
    expect(named(found, 'skipped').map(({ attributes }) => attributes.message)).toEqual([
      'not on this lane: not here: why',
      'skipped: skipped: why',
    ]);
    expect(named(found, 'testsuite')[0]?.attributes).toMatchObject({
      tests: '4',
      failures: '1',
      errors: '0',
      skipped: '2',
    });
  });

  it('keeps every character that XML can have, and replaces the others', () => {
    const hostile = 'a<b>&"c\'\u0000\u0007\u001b[2J]]> é\n\t\u{1f511}\ud800\uffff';
    const bad = stepResult('failed', { why: [hostile] });
    const found = xmlOf({
      ...run({ name: hostile, outcomes: ['passed'] }),
      results: [bad],
      walkthrough: { ...run({ name: hostile, outcomes: ['passed'] }).walkthrough, steps: [step] },
    });
    const kept = 'a<b>&"c\'\ufffd\ufffd\ufffd[2J]]> é\n\t\u{1f511}\ufffd\ufffd';
    expect(named(found, 'testsuite')[0]?.attributes.name).toBe(kept);
    expect(named(found, 'failure')[0]).toMatchObject({ attributes: { message: kept }, text: kept });
  });

  it.each([
    [
      'did not get to its end',
      run({ name: 'One', outcomes: ['passed'], steps: 3, error: 'ERR_LANE_BROKEN' }),
      'ERR_LANE_BROKEN',
    ],
    ['passed nothing', run({ name: 'One', outcomes: ['not here', 'not here'] }), 'NO_STEP_PASSED'],
  ])('has an error where a run %s', (_what, ran, type) => {
    const found = xmlOf(ran);
    expect(named(found, 'error').map(({ attributes }) => attributes.type)).toEqual([type]);
    expect(named(found, 'testsuite')[0]?.attributes.errors).toBe('1');
    expect(named(found, 'testcase')).toHaveLength(ran.walkthrough.steps.length + 1);
  });
});

describe('a run has passed', () => {
  it.each([
    ['when each step did', run({ name: 'r', outcomes: ['passed', 'passed'] }), null],
    ['when some did and the others are not here', run({ name: 'r', outcomes: ['passed', 'not here'] }), null],
    ['never when a step failed', run({ name: 'r', outcomes: ['passed', 'failed'] }), '1 step failed'],
    ['never when a step was skipped', run({ name: 'r', outcomes: ['passed', 'skipped'] }), '1 step was skipped'],
    [
      'never when no step did',
      run({ name: 'r', outcomes: ['not here'] }),
      'no step passed: on this lane it shows nothing',
    ],
    ['never when it ended early', run({ name: 'r', outcomes: ['passed'], steps: 2 }), '1 step was not reached'],
    [
      'never when something broke, whatever passed',
      run({ name: 'r', outcomes: ['passed'], error: 'ERR_LANE_BROKEN' }),
      'it did not get to its end: broken (ERR_LANE_BROKEN)',
    ],
  ])('%s', (_when, ran, why) => {
    expect(shortcoming(ran)).toBe(why);
  });

  it('strictly only when every step is on the lane', () => {
    expect(shortcoming(run({ name: 'r', outcomes: ['passed', 'not here'] }), true)).toBe('1 step is not on this lane');
    expect(shortcoming(run({ name: 'r', outcomes: ['passed'] }), true)).toBe(null);
  });

  it('and says how many of each there are', () => {
    const ran = run({ name: 'r', outcomes: ['passed', 'failed', 'not here', 'skipped'], steps: 6 });
    expect(tallyWords(tallyOf(ran))).toBe('1 passed, 1 failed, 1 skipped, 1 not on this lane, 2 not reached');
    expect(milliseconds(ran.spanMs)).toBe(6000);
  });
});
