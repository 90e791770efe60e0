import { describe, expect, test } from 'vitest';
import { branchesOf, compileBranches } from '../../../agent/policy/branches.ts';
import { absorbSupersets, factorSetsOf, type Requirement } from '../../../agent/policy/requirement.ts';
import type { SignalRule } from '../../../agent/policy/rules.ts';
import { branchOpensWith, opensWith, requirementWords, weakest } from '../../../agent/policy/words.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { policyOf, RULES } from '../../support/policy-fixtures.ts';

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (isUnlockdError(error)) return error.code;
    throw error;
  }
  return 'nothing thrown';
};
const names = (policy: ReturnType<typeof policyOf>, pinIsBound = true) =>
  branchesOf(policy, { pinIsBound }).map(({ factors }) => factors.join('+'));
const sets = (requirement: Requirement, rules: readonly SignalRule[] = RULES) =>
  factorSetsOf(requirement, rules).map(({ factors }) => factors);

describe('the branches of a policy', () => {
  test('the default policy has one branch, PIN before security key, bound twice', () => {
    expect(compileBranches(policyOf(['pin'], ['securityKey']), { pinIsBound: true })).toEqual([
      { factors: ['pin', 'securityKey'], bound: ['pin', 'securityKey'], rules: [], during: [], strength: 'bound-2' },
    ]);
  });

  test('the order of the lists and in the lists changes nothing', () => {
    const a = names(policyOf(['fingerprint', 'pin'], ['securityKey', 'pin']));
    const b = names(policyOf(['pin', 'fingerprint'], ['pin', 'securityKey']));
    expect(a).toEqual(b);
    expect(names(policyOf(['securityKey'], ['pin']))).toEqual(names(policyOf(['pin'], ['securityKey'])));
  });

  test('the sentence of the TPM notes gives its eight pairs', () => {
    const policy = policyOf(['pin', 'fingerprint', 'face'], ['network', 'pin', 'securityKey']);
    expect(names(policy)).toEqual([
      'fingerprint+network',
      'fingerprint+pin',
      'fingerprint+securityKey',
      'face+network',
      'face+pin',
      'face+securityKey',
      'network+pin',
      'pin+securityKey',
    ]);
  });

  test('the Windows defaults give the five pairs of its table', () => {
    const policy = policyOf(['pin', 'fingerprint', 'face'], ['phone', 'pin']);
    expect(names(policy)).toEqual(['fingerprint+phone', 'fingerprint+pin', 'face+phone', 'face+pin', 'phone+pin']);
  });

  test('a phone and a network are one factor and never a pair', () => {
    expect(sets({ all: ['phone', 'network'] })).toEqual([]);
    expect(sets({ atLeast: 2, of: ['phone', 'network', 'pin'] })).toEqual([
      ['phone', 'pin'],
      ['network', 'pin'],
    ]);
  });

  test('a set that contains another one is absorbed, duplicates too', () => {
    expect(
      absorbSupersets([
        ['pin', 'securityKey'],
        ['face', 'pin', 'securityKey'],
        ['pin', 'securityKey'],
      ]),
    ).toEqual([['pin', 'securityKey']]);
    expect(sets({ any: [{ all: ['pin', 'securityKey', 'face'] }, { all: ['pin', 'securityKey'] }] })).toEqual([
      ['pin', 'securityKey'],
    ]);
  });

  test('a policy that only repeats one factor has no branch and is refused', () => {
    expect(codeOf(() => compileBranches(policyOf(['pin'], ['pin']), { pinIsBound: true }))).toBe(
      'ERR_POLICY_NO_BRANCH',
    );
  });

  test('an asserted branch is refused, unless the policy accepts it', () => {
    const lists = [['fingerprint'], ['phone', 'pin']] as const;
    expect(codeOf(() => compileBranches(policyOf(...lists), { pinIsBound: true }))).toBe('ERR_POLICY_ASSERTED_BRANCH');
    const accepted = compileBranches(policyOf(...lists, { acceptAsserted: true }), { pinIsBound: true });
    expect(accepted.map(({ strength }) => strength)).toEqual(['asserted', 'bound-1']);
    expect(weakest(accepted)).toBe('asserted');
    expect(opensWith(accepted)).toBe('this machine alone');
  });

  test('a PIN without dictionary-attack protection is not bound, and each class that counted it drops by one', () => {
    const key = compileBranches(policyOf(['pin'], ['securityKey']), { pinIsBound: false });
    expect(key[0]?.strength).toBe('bound-1');
    expect(opensWith(key)).toBe('this machine + a security key');
    const face = policyOf(['pin'], ['face']);
    expect(compileBranches(face, { pinIsBound: true })[0]?.strength).toBe('bound-1');
    expect(codeOf(() => compileBranches(face, { pinIsBound: false }))).toBe('ERR_POLICY_ASSERTED_BRANCH');
  });
});

describe('the words', () => {
  test('say what opens it, weakest branch first and gates left out', () => {
    expect(opensWith(branchesOf(policyOf(['pin'], ['securityKey']), { pinIsBound: true }))).toBe(
      'this machine + the PIN + a security key',
    );
    const mixed = branchesOf(policyOf(['pin', 'fingerprint'], ['securityKey', 'pin']), { pinIsBound: true });
    expect(opensWith(mixed)).toBe('this machine + the PIN, or this machine + a security key');
    expect(mixed.map(branchOpensWith)).toContain('this machine + the PIN + a security key');
    expect(opensWith([])).toBe('nothing');
  });

  test('say the policy in one line', () => {
    expect(requirementWords(policyOf(['pin', 'face'], ['securityKey']).require)).toBe(
      'first PIN or face, then security key',
    );
  });
});
