import { describe, expect, test } from 'vitest';
import { formatPolicy, MAX_POLICY_LENGTH, parsePolicy } from '../../../agent/policy/forms/native-json.ts';
import { DEFAULT_POLICY } from '../../../agent/policy/model.ts';

const text = (first: unknown, second: unknown, more = {}): string =>
  // biome-ignore lint/suspicious/noThenProperty: list B of the document
  JSON.stringify({ version: 1, first, then: second, ...more });

describe('the JSON form of the policy', () => {
  test('what is left out has its default', () => {
    expect(parsePolicy(text(['pin'], ['securityKey']))).toEqual(DEFAULT_POLICY);
  });

  test('a policy comes back from its own text, and equal policies have equal text', () => {
    expect(parsePolicy(formatPolicy(DEFAULT_POLICY))).toEqual(DEFAULT_POLICY);
    const shuffled = JSON.stringify(Object.fromEntries(Object.entries(DEFAULT_POLICY).reverse()));
    expect(formatPolicy(parsePolicy(shuffled))).toBe(formatPolicy(DEFAULT_POLICY));
  });

  test('a policy is frozen through and through', () => {
    const policy = parsePolicy(text(['pin'], ['securityKey'], { pin: { minLength: 8 } }));
    expect(policy.pin.minLength).toBe(8);
    expect([policy, policy.first, policy.pin, policy.freshnessSeconds].every(Object.isFrozen)).toBe(true);
  });

  test.each<[string, string, string]>([
    ['is not JSON', '{', '(document)'],
    ['is a list', '[]', '(document)'],
    ['is too long', `"${'x'.repeat(MAX_POLICY_LENGTH)}"`, '(document)'],
    ['is of another version', JSON.stringify({ ...DEFAULT_POLICY, version: 2 }), 'version'],
    ['has an empty list', text([], ['securityKey']), 'first'],
    ['has no second list', JSON.stringify({ version: 1, first: ['pin'] }), 'then'],
    ['names an unknown factor', text(['pin'], ['securityKey', 'iris']), 'then[1]'],
    ['lists a factor twice', text(['pin', 'pin'], ['securityKey']), 'first[1]'],
    ['starts with a signal', text(['pin', 'phone'], ['securityKey']), 'first[1]'],
    ['has an unknown key', text(['pin'], ['securityKey'], { allowAll: true }), 'allowAll'],
    ['has an unknown key deep down', text(['pin'], ['securityKey'], { pin: { minimum: 4 } }), 'pin.minimum'],
    ['has a prototype key', '{"version":1,"first":["pin"],"then":["securityKey"],"__proto__":{}}', '__proto__'],
    ['has a PIN of three characters', text(['pin'], ['securityKey'], { pin: { minLength: 3 } }), 'pin.minLength'],
    ['has a fraction', text(['pin'], ['securityKey'], { pin: { history: 1.5 } }), 'pin.history'],
    [
      'has a minimum above the maximum',
      text(['pin'], ['securityKey'], { pin: { minLength: 9, maxLength: 8 } }),
      'pin.minLength',
    ],
    ['has a word for a boolean', text(['pin'], ['securityKey'], { acceptAsserted: 'no' }), 'acceptAsserted'],
    [
      'has a freshness of nothing',
      text(['pin'], ['securityKey'], { freshnessSeconds: { pin: 0 } }),
      'freshnessSeconds.pin',
    ],
    [
      'has a freshness of no factor',
      text(['pin'], ['securityKey'], { freshnessSeconds: { iris: 1 } }),
      'freshnessSeconds.iris',
    ],
  ])('a document that %s is refused by element', (_, document, element) => {
    expect(() => parsePolicy(document)).toThrow(
      expect.objectContaining({
        code: 'ERR_POLICY_INVALID',
        detail: { element },
        message: expect.stringContaining(element === '(document)' ? 'document' : element),
      }),
    );
  });

  test('a PIN without any class of characters is refused', () => {
    const none = { digits: 'disallowed', lowercase: 'disallowed', uppercase: 'disallowed', special: 'disallowed' };
    expect(() => parsePolicy(text(['pin'], ['securityKey'], { pin: none }))).toThrow(
      expect.objectContaining({ code: 'ERR_POLICY_INVALID' }),
    );
  });
});
