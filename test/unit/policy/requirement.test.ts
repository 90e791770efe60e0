import { describe, expect, test } from 'vitest';
import { branchesOf, enforcedSets } from '../../../agent/policy/branches.ts';
import {
  CANONICAL_ORDER,
  compareFactors,
  factorSetsOf,
  factorsIn,
  familyOf,
  isBounded,
  namesIn,
  type Requirement,
} from '../../../agent/policy/requirement.ts';
import { factorOfRule, type SignalRule } from '../../../agent/policy/rules.ts';
import { requirementWords } from '../../../agent/policy/words.ts';
import { FACTOR_KINDS } from '../../../drivers/signal.ts';

const RULES: readonly SignalRule[] = [
  { name: 'near', all: [{ type: 'bluetooth' }] },
  { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] },
  { name: 'depot', all: [{ type: 'wifi', ssid: 'depot', security: 'WPA2-Enterprise' }] },
  { name: 'ward', all: [{ type: 'ipConfig', dnsSuffix: ['ward.example'] }, { type: 'bluetooth' }] },
];
/** `network+pin by office depot during day`. */
const ways = (requirement: Requirement): readonly string[] =>
  factorSetsOf(requirement, RULES).map(
    ({ factors, rules, during }) =>
      factors.join('+') +
      (rules.length === 0 ? '' : ` by ${rules.join(' ')}`) +
      (during.length === 0 ? '' : ` during ${during.join(' ')}`),
  );

describe('the ways to satisfy a requirement', () => {
  test.each<[string, Requirement, string[]]>([
    ['one factor is never enough', 'pin', []],
    ['nor two alternatives', { any: ['pin', 'securityKey'] }, []],
    ['nor one that is asked for twice', { all: ['pin', { any: ['pin'] }] }, []],
    ['a pair', { all: ['securityKey', 'pin'] }, ['pin+securityKey']],
    ['a triple', { all: ['securityKey', 'face', 'pin'] }, ['face+pin+securityKey']],
    [
      'each rule is a way of its factor, and those of one factor are one way',
      { all: ['pin', 'trustedSignal'] },
      ['phone+pin by near ward', 'network+pin by office depot'],
    ],
    ['the phone alone', { all: ['pin', 'phone'] }, ['phone+pin by near ward']],
    ['the network alone', { all: ['pin', 'network'] }, ['network+pin by office depot']],
    ['one rule by name', { all: ['pin', 'rule:depot'] }, ['network+pin by depot']],
    ['a rule of both kinds is the phone', { all: ['pin', 'rule:ward'] }, ['phone+pin by ward']],
    ['a rule that is not there', { all: ['pin', 'rule:gone'] }, []],
    [
      'two rules in the order of the document',
      { all: ['pin', { any: ['rule:depot', 'rule:office'] }] },
      ['network+pin by office depot'],
    ],
    ['two rules together are one factor', { all: ['rule:near', 'rule:office'] }, []],
    ['and with a PIN still no way', { all: ['pin', 'rule:near', 'rule:office'] }, []],
    [
      'two of three',
      { atLeast: 2, of: ['pin', 'securityKey', 'face'] },
      ['face+pin', 'face+securityKey', 'pin+securityKey'],
    ],
    ['three of three', { atLeast: 3, of: ['pin', 'securityKey', 'face'] }, ['face+pin+securityKey']],
    ['one of three is never enough', { atLeast: 1, of: ['pin', 'securityKey', 'face'] }, []],
    ['more than there are', { atLeast: 3, of: ['pin', 'securityKey'] }, []],
    [
      'two of a nested pair and a factor',
      { atLeast: 2, of: [{ all: ['pin', 'face'] }, 'securityKey', 'pin'] },
      ['face+pin+securityKey', 'pin+securityKey'].slice(1),
    ],
    [
      'a factor that serves two parts is spent by one',
      { all: [{ any: ['pin', 'face'] }, { any: ['pin', 'face'] }] },
      ['face+pin'],
    ],
    [
      'a single factor beside a pair that contains it does not take the pair away',
      { any: ['pin', { all: ['pin', 'securityKey'] }] },
      ['pin+securityKey'],
    ],
    [
      'nor within a larger whole',
      { all: [{ any: ['pin', { all: ['pin', 'face'] }] }, 'securityKey'] },
      ['pin+securityKey'],
    ],
    [
      'a larger set is absorbed by a smaller one',
      { any: [{ all: ['pin', 'face'] }, { all: ['pin', 'face', 'securityKey'] }] },
      ['face+pin'],
    ],
    [
      'a window makes a way of its own',
      { any: [{ during: 'day', need: { all: ['pin', 'face'] } }, { all: ['pin', 'securityKey'] }] },
      ['face+pin during day', 'pin+securityKey'],
    ],
    [
      'a way at any time absorbs the same within hours',
      { any: [{ during: 'day', need: { all: ['pin', 'face'] } }, { all: ['pin', 'face'] }] },
      ['face+pin'],
    ],
    [
      'a way within hours absorbs none at any time',
      { any: [{ during: 'day', need: { all: ['pin', 'face'] } }, { all: ['pin', 'face', 'securityKey'] }] },
      ['face+pin during day', 'face+pin+securityKey'],
    ],
    [
      'windows add up, sorted and once',
      {
        during: 'night',
        need: {
          all: [
            { during: 'day', need: 'pin' },
            { during: 'night', need: 'face' },
          ],
        },
      },
      ['face+pin during day night'],
    ],
    [
      'windows of two parts are sorted',
      {
        all: [
          { during: 'night', need: 'pin' },
          { during: 'day', need: 'face' },
        ],
      },
      ['face+pin during day night'],
    ],
    [
      'and so are windows within a window',
      { during: 'day', need: { during: 'night', need: { all: ['pin', 'face'] } } },
      ['face+pin during day night'],
    ],
    [
      'a pair without a rule absorbs what another pair takes but some rules of',
      { any: [{ all: ['pin', 'face'] }, { all: ['pin', 'rule:office'] }, { all: ['pin', 'face', 'network'] }] },
      ['face+pin', 'network+pin by office'],
    ],
    [
      'a smaller set takes its rules out of a larger one',
      { any: [{ all: ['pin', 'rule:office'] }, { all: ['pin', 'securityKey', 'network'] }] },
      ['network+pin by office', 'network+pin+securityKey by depot'],
    ],
    [
      'and the larger one is gone when no rule is left',
      { any: [{ all: ['pin', 'network'] }, { all: ['pin', 'securityKey', 'rule:depot'] }] },
      ['network+pin by office depot'],
    ],
    [
      'a pair without a rule absorbs the same with one',
      { any: [{ all: ['pin', 'face'] }, { all: ['pin', 'face', 'rule:office'] }] },
      ['face+pin'],
    ],
    [
      'a pair with a rule absorbs none without',
      { any: [{ all: ['pin', 'rule:office'] }, { all: ['pin', 'securityKey'] }] },
      ['network+pin by office', 'pin+securityKey'],
    ],
    [
      'the same factors within different hours stay apart, in the order of their names',
      {
        any: [
          { during: 'b', need: { all: ['pin', 'face'] } },
          { during: 'a', need: { all: ['pin', 'face'] } },
        ],
      },
      ['face+pin during a', 'face+pin during b'],
    ],
    [
      'also where the document has them in that order',
      {
        any: [
          { during: 'a', need: { all: ['pin', 'face'] } },
          { during: 'b', need: { all: ['pin', 'face'] } },
        ],
      },
      ['face+pin during a', 'face+pin during b'],
    ],
  ])('%s', (_, requirement, expected) => {
    expect(ways(requirement)).toEqual(expected);
  });
});

test('the order of factors is the canonical one, and a set comes before those that go on', () => {
  const sets = [
    ['pin'],
    ['fingerprint', 'pin'],
    ['fingerprint'],
    ['securityKey'],
    ['face', 'pin'],
    ['fingerprint', 'phone'],
  ] as const;
  expect([...sets].sort(compareFactors).map((set) => set.join('+'))).toEqual([
    'fingerprint',
    'fingerprint+phone',
    'fingerprint+pin',
    'face+pin',
    'pin',
    'securityKey',
  ]);
  expect(compareFactors(['pin'], ['pin'])).toBe(0);
  expect(CANONICAL_ORDER.indexOf('pin')).toBeLessThan(CANONICAL_ORDER.indexOf('securityKey'));
  expect(compareFactors(['iris' as 'pin'], ['securityKey'])).toBeGreaterThan(0);
});

test('the names in a requirement, each once; and the factors that they may ask for', () => {
  const tree: Requirement = {
    all: [
      { any: ['pin', 'face'] },
      { atLeast: 1, of: ['pin', 'rule:office'] },
      { during: 'day', need: { any: ['securityKey', 'face'] } },
    ],
  };
  expect(namesIn(tree)).toEqual(['pin', 'face', 'rule:office', 'securityKey']);
  expect(factorsIn(tree)).toEqual(['pin', 'face', 'phone', 'network', 'securityKey']);
  expect(factorsIn('trustedSignal')).toEqual(['phone', 'network']);
  expect(factorsIn('network')).toEqual(['network']);
});

test('what the TPM is to enforce leaves rules and hours out, and absorbs again', () => {
  const require: Requirement = {
    any: [
      { during: 'day', need: { all: ['pin', 'face'] } },
      { all: ['pin', 'face', 'securityKey'] },
      { all: ['securityKey', 'rule:office'] },
      { all: ['securityKey', 'rule:depot'] },
    ],
  };
  const branches = branchesOf({ require, rules: RULES }, { pinIsBound: true });
  expect(branches.length).toBe(3);
  expect(enforcedSets(branches)).toEqual([
    ['face', 'pin'],
    ['network', 'securityKey'],
  ]);
  expect(enforcedSets([])).toEqual([]);
});

describe('the alternatives of a requirement can be worked out in a bounded time', () => {
  const within = (count: number, need: Requirement): Requirement[] =>
    Array.from({ length: count }, (_, i) => ({ during: `w${i}`, need }));
  const PAIR: Requirement = { all: ['pin', 'face'] };
  const offices = (count: number): readonly SignalRule[] =>
    Array.from({ length: count }, (_, i) => ({ name: `r${i}`, all: [{ type: 'ipConfig', ipv4Gateway: '192.0.2.1' }] }));
  const repeated = (count: number): Requirement => ({ any: Array.from({ length: count }, (): Requirement => 'pin') });

  test.each<[string, boolean, Requirement, readonly SignalRule[]]>([
    ['a factor', true, 'pin', []],
    ['a pair in hundreds of windows', true, { any: within(300, PAIR) }, []],
    ['not in so many that each is held against each', false, { any: within(720, PAIR) }, []],
    [
      'two alike, of which nothing comes',
      true,
      { all: [{ any: within(300, 'pin') }, { any: within(300, 'pin') }] },
      [],
    ],
    [
      'not two that differ in more windows, of which nothing comes either',
      false,
      { all: [{ any: within(330, 'pin') }, { any: within(330, 'pin') }] },
      [],
    ],
    [
      'factors in many windows and at any time, as any time says it all',
      true,
      {
        all: (['pin', 'face', 'fingerprint', 'securityKey'] as const).map((name) => ({
          any: [...within(30, name), name],
        })),
      },
      [],
    ],
    ['one rule of thousands', true, { all: ['pin', 'rule:r7'] }, offices(10_000)],
    ['thousands of rules, if they are all that there are', true, { all: ['pin', 'trustedSignal'] }, offices(10_000)],
    ['one factor, thousands of times', true, repeated(6000), offices(1)],
    ['not thousands of times beside thousands of rules', false, repeated(6000), offices(10_000)],
    ['hundreds of windows beside thousands of rules', true, { any: within(650, PAIR) }, offices(10_000)],
  ])('%s: %s', (_, expected, requirement, rules) => {
    expect(isBounded(requirement, rules)).toBe(expected);
  });

  test('and what is no requirement is not taken for one that is too large', () => {
    expect(() => isBounded({} as Requirement, [])).toThrow(TypeError);
  });
});

test('the phone and the network are one family, every other factor is its own', () => {
  expect(FACTOR_KINDS.map(familyOf)).toEqual([
    'pin',
    'securityKey',
    'fingerprint',
    'face',
    'trustedSignal',
    'trustedSignal',
  ]);
});

test('a rule with a device in it serves the phone, any other one the network', () => {
  expect(RULES.map(factorOfRule)).toEqual(['phone', 'network', 'network', 'phone']);
});

test.each<[Requirement, string]>([
  ['pin', 'PIN'],
  ['trustedSignal', 'trusted signal'],
  ['rule:office', 'signal office'],
  [{ all: ['pin', 'securityKey'] }, 'first PIN, then security key'],
  [
    { all: [{ any: ['pin', 'face'] }, { any: ['trustedSignal', 'pin'] }] },
    'first PIN or face, then trusted signal or PIN',
  ],
  [{ all: ['pin'] }, 'PIN'],
  [{ any: ['pin'] }, 'PIN'],
  [{ all: [{ any: ['pin', 'face'] }] }, 'PIN or face'],
  [{ any: [{ all: ['pin', 'face'] }, 'phone'] }, '(first PIN, then face) or phone'],
  [
    { all: [{ atLeast: 2, of: ['pin', 'face', 'fingerprint'] }, 'network'] },
    '(2 of PIN, face, fingerprint) and network',
  ],
  [{ atLeast: 1, of: [{ any: ['pin', 'face'] }, 'phone'] }, '1 of (PIN or face), phone'],
  [{ during: 'day', need: 'pin' }, 'PIN during day'],
  [{ during: 'day', need: { all: ['pin', 'face'] } }, '(first PIN, then face) during day'],
  [
    { all: [{ any: [{ all: ['pin', 'face'] }, 'phone'] }, 'securityKey'] },
    '((first PIN, then face) or phone) and security key',
  ],
])('%j in words: %s', (requirement, words) => {
  expect(requirementWords(requirement)).toBe(words);
});
