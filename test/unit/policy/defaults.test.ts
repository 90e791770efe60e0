/** What holds where a document says nothing. */
import { expect, test } from 'vitest';
import { DEFAULT_DOCUMENT, DEFAULT_POLICY, policyFor } from '../../../agent/policy/model.ts';

test('by default the PIN and then the security key are asked for, both enforced, and every reading is the safe one', () => {
  expect(DEFAULT_DOCUMENT).toEqual({
    version: 2,
    contexts: { unlock: { require: { all: ['pin', 'securityKey'] }, acceptAsserted: false } },
    rules: [],
    windows: {},
    matching: {
      dnsSuffix: 'labels',
      adapters: 'same',
      repeated: 'all',
      phones: 'enrolled',
      interfaceKinds: ['ethernet', 'wifi'],
    },
    freshnessSeconds: {},
    securityKey: { userVerification: 'discouraged' },
    pin: {
      minLength: 6,
      maxLength: 127,
      digits: 'allowed',
      lowercase: 'allowed',
      uppercase: 'allowed',
      special: 'allowed',
      refuseSimple: true,
      history: 0,
      expiryDays: 0,
    },
    windowsSettings: {},
  });
  expect(DEFAULT_POLICY).toEqual(policyFor(DEFAULT_DOCUMENT, 'unlock'));
});

test('nobody can change what holds by default', () => {
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  expect(frozen(DEFAULT_DOCUMENT)).toBe(true);
  expect(Object.isFrozen(DEFAULT_POLICY)).toBe(true);
});
