/** The form of walkthroughs: what is accepted, and for what is refused the line, the column and what to do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { checkWalkthrough, MAX_WALKTHROUGH_LENGTH, readWalkthrough } from '../../../agent/walkthrough/read.ts';
import { shippedWalkthroughs } from '../../../agent/walkthrough/shipped.ts';
import { STARTING_FILE } from '../../../agent/walkthrough/starting-file.ts';
import { isUnlockdError, type UnlockdError } from '../../../drivers/base/errors.ts';

const read = (text: string) => readWalkthrough(text, checkedDocument);

function refusal(text: string): UnlockdError {
  try {
    read(text);
  } catch (error) {
    if (isUnlockdError(error, 'ERR_WALKTHROUGH_INVALID')) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const HEAD = `walkthrough: 1
name: A name
about: Something
given:
  keys: { blue: plugged, red: unplugged }
  enrolled: { pin: mine, key: blue }
`;
/** The first step is line 8. */
const steps = (text: string) => `${HEAD}steps:\n${text}`;

describe('a walkthrough', () => {
  it.each(shippedWalkthroughs().map((file) => [file.name, file.text] as const))('%s is valid', (_name, text) => {
    expect(read(text).steps.length).toBeGreaterThan(0);
  });

  it('of the starting file is valid, and has what its comments say', () => {
    expect(read(STARTING_FILE)).toMatchObject({
      given: { keys: { blue: 'plugged' }, enrolled: { pin: 'mine', key: 'blue' } },
      steps: [{ action: 'unlock', value: { pin: ['wrong', 'mine'], touch: 'always' }, withinSeconds: 30 }],
    });
  });

  it('is the same as YAML, as JSON and as an object', () => {
    const value = {
      walkthrough: 1,
      name: 'A name',
      about: 'Something',
      given: { keys: { blue: 'plugged', red: 'unplugged' }, enrolled: { pin: 'mine', key: 'blue' } },
      steps: [{ insert: 'red' }],
    };
    const expected = read(steps('  - insert: red\n'));
    expect(read(JSON.stringify(value))).toEqual(expected);
    expect(checkWalkthrough(value, checkedDocument)).toEqual(expected);
    expect(expected.steps).toEqual([{ action: 'insert', value: 'red', note: null, withinSeconds: 60, expect: {} }]);
  });

  it('may bring a policy document', () => {
    const policy = '  policy: { version: 2, contexts: { unlock: { require: { all: [pin, securityKey] } } } }\n';
    expect(read(`${HEAD}${policy}steps: [{ lock: true }]`).given.policy).toMatchObject({ version: 2 });
  });
});

describe('what is refused', () => {
  it.each([
    ['an unknown action', '  - open: blue\n', 8, 5, /steps\[0\]\.open: no action of a step: one of insert, /],
    ['two actions', '  - insert: red\n    remove: blue\n', 9, 5, /insert is an action too, and a step has one/],
    ['no action', '  - note: why\n', 8, 5, /no action/],
    ['a step that is a word', '  - lock\n', 8, 5, /a step is an action with what it is about/],
    ['an unknown element', '  - lock: true\n    wihtin: 4\n', 9, 5, /steps\[0\]\.wihtin: there is no such element/],
    ['a deadline of nothing', '  - lock: true\n    within: 0\n', 9, 5, /steps\[0\]\.within/],
    [
      'a verdict of a plug',
      '  - insert: red\n    expect: { verdict: granted }\n',
      9,
      15,
      /expect\.verdict: there is no such element/,
    ],
    ['a key that is not given', '  - insert: green\n', 8, 5, /there is no key green: name it in given\.keys/],
    ['a key that is there already', '  - insert: blue\n', 8, 5, /blue is plugged in already/],
    ['a key that was lost', '  - lose: blue\n  - insert: blue\n', 9, 5, /blue was lost in step 1/],
    ['a PIN without a name', '  - unlock: { pin: mien }\n', 8, 15, /no PIN is called mien so far/],
    ['a PIN that comes later', '  - unlock: { pin: b }\n  - changePin: { from: mine, to: b }\n', 8, 15, /called b/],
    ['a new PIN called wrong', '  - changePin: { from: mine, to: wrong }\n', 8, 30, /call the new one otherwise/],
    ['an unknown touch', '  - unlock: { pin: mine, touch: maybe }\n', 8, 26, /unlock\.touch/],
    ['a pull of one of two', '  - insert: red\n  - unlock: { pin: mine, touch: pull }\n', 9, 26, /exactly one key/],
    [
      'an error code that is none',
      '  - lock: true\n    expect: { verdict: refused, code: ERR_NO }\n',
      9,
      33,
      /no error code ERR_NO/,
    ],
    [
      'a code of what is granted',
      '  - lock: true\n    expect: { code: ERR_PIN_WRONG }\n',
      9,
      15,
      /expect `verdict: refused`/,
    ],
    ['an event that is none', '  - lock: true\n    expect: { events: [tuch] }\n', 9, 24, /an event is e\.g\./],
    ['a dead daemon', '  - daemon: kill\n  - lock: true\n', 9, 5, /was killed and not started again/],
    ['a daemon started twice', '  - daemon: start\n', 8, 5, /runs already/],
  ])('%s: with its place', (_what, text, line, column, words) => {
    const error = refusal(steps(text));
    expect(error.message).toMatch(words);
    expect(error.detail).toMatchObject({ line, column });
    expect(error.message).toMatch(new RegExp(`^line ${line} column ${column}: `));
  });

  it('a policy: at the element that is wrong in it', () => {
    const policy = '  policy:\n    version: 2\n    contexts:\n      unlock: { require: pni }\n';
    const error = refusal(`${HEAD}${policy}steps: [{ lock: true }]`);
    expect(error.detail).toMatchObject({ line: 10, element: 'given.policy.contexts.unlock.require' });
  });

  it.each([
    ['nothing', '', 1],
    ['no YAML', 'name: [', 1],
    ['a key twice', 'walkthrough: 1\nname: a\nname: b\n', 3],
    ['a tag of its own', 'walkthrough: !!js/function 1\n', 1],
    ['an alias', 'walkthrough: 1\nname: &a x\nabout: *a\nsteps: [{ lock: true }]\n', 1],
    ['another version', 'walkthrough: 2\nname: a\nabout: b\nsteps: [{ lock: true }]\n', 1],
    ['a prototype', 'walkthrough: 1\n"__proto__": { name: x }\n', 2],
    ['two documents', `${STARTING_FILE}---\n${STARTING_FILE}`, null],
  ])('%s', (_what, text, line) => {
    const { detail } = refusal(text);
    expect(detail.line).toBeGreaterThan(0);
    if (line !== null) expect(detail.line).toBe(line);
  });

  it('bombs of aliases, depth and length, each as a typed error', () => {
    const doubled = Array.from({ length: 20 }, (_each, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n');
    expect(refusal(`a0: &a0 [x]\n${doubled}`).detail.line).toBe(1);
    for (const open of ['[', '{a: ', '- ', '? ']) {
      expect(refusal(open.repeat(Math.floor(20_000 / open.length))).code).toBe('ERR_WALKTHROUGH_INVALID');
    }
    expect(refusal('#'.repeat(MAX_WALKTHROUGH_LENGTH + 1)).message).toMatch(/longer than/);
  });

  it('whatever else a file holds: a typed error, or it is valid', () => {
    const texts = shippedWalkthroughs().map(({ text }) => text);
    const mutated = fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(30), fc.string({ maxLength: 20, unit: 'binary' }))
      .map(([text, at, cut, put]) => {
        const from = at % text.length;
        return text.slice(0, from) + put + text.slice(from + cut);
      });
    fc.assert(
      fc.property(mutated, (text) => {
        try {
          read(text);
        } catch (error) {
          if (!isUnlockdError(error, 'ERR_WALKTHROUGH_INVALID')) throw error;
          expect(error.detail.line).toBeGreaterThan(0);
        }
      }),
      { numRuns: 100 },
    );
  });
});
