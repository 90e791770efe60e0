/** Which requirements are two lists, as Windows has them. */
import { describe, expect, it } from 'vitest';
import { twoLists } from '../../../agent/policy/lists.ts';
import type { Requirement } from '../../../agent/policy/requirement.ts';

describe('two lists are', () => {
  it.each<[string, Requirement, readonly (readonly string[])[]]>([
    ['two alternatives', { all: [{ any: ['pin', 'face'] }, { any: ['phone'] }] }, [['pin', 'face'], ['phone']]],
    ['two factors', { all: ['pin', 'rule:near'] }, [['pin'], ['rule:near']]],
    ['one of each', { all: ['pin', { any: ['phone', 'securityKey'] }] }, [['pin'], ['phone', 'securityKey']]],
  ])('%s', (_what, requirement, lists) => {
    expect(twoLists(requirement)).toEqual(lists);
  });
});

describe('not two lists are', () => {
  it.each<[string, Requirement]>([
    ['one factor', 'pin'],
    ['alternatives', { any: ['pin', 'face'] }],
    ['one part', { all: ['pin'] }],
    ['three parts', { all: ['pin', 'face', 'phone'] }],
    ['so many of', { atLeast: 2, of: ['pin', 'face'] }],
    ['a window', { during: 'day', need: { all: ['pin', 'face'] } }],
    ['a first part that nests', { all: [{ all: ['pin', 'face'] }, 'phone'] }],
    ['a second part that nests', { all: ['pin', { any: ['phone', { all: ['face', 'fingerprint'] }] }] }],
    ['a part in a window', { all: ['pin', { during: 'day', need: 'face' }] }],
  ])('%s', (_what, requirement) => {
    expect(twoLists(requirement)).toBeNull();
  });
});
