/** The words for what a signal says of its factor, one by one. */
import { expect, test } from 'vitest';
import { kindWords, reasonWords, stateWords } from '../../../agent/policy/signal-words.ts';
import { SIGNAL_KINDS, UNAVAILABLE_REASONS, UNSATISFIED_REASONS } from '../../../drivers/signal.ts';

test('each reason has its words', () => {
  const words: Readonly<Record<string, string>> = {
    'not-presented': 'not presented',
    wrong: 'wrong',
    'not-enrolled': 'not enrolled for this user',
    'wrong-device': 'another device than the enrolled one',
    'not-verified': 'user not verified by the device',
    cancelled: 'cancelled',
    'timed-out': 'not presented in time',
    expired: 'expired',
    'no-device': 'no device',
    'no-permission': 'the device may not be opened',
    'no-driver': 'no driver for it',
    'locked-out': 'locked out after too many wrong tries',
    unsupported: 'not supported here',
    failed: 'the device failed',
  };
  const reasons = [...UNSATISFIED_REASONS, ...UNAVAILABLE_REASONS];
  expect(Object.keys(words).sort()).toEqual([...reasons].sort());
  for (const reason of reasons) expect([reason, reasonWords(reason)]).toEqual([reason, words[reason]]);
});

test('each kind has its words', () => {
  expect(SIGNAL_KINDS.map((kind) => [kind, kindWords(kind)])).toEqual([
    ['pin', 'PIN'],
    ['securityKey', 'security key'],
    ['fingerprint', 'fingerprint'],
    ['face', 'face'],
    ['bluetooth', 'phones'],
    ['ipConfig', 'addresses'],
    ['wifi', 'Wi-Fi'],
  ]);
});

test('what has no words stands as it is', () => {
  expect(['tired', 'toString', '__proto__'].map(reasonWords)).toEqual(['tired', 'toString', '__proto__']);
  expect(['iris', 'constructor'].map(kindWords)).toEqual(['iris', 'constructor']);
});

test.each<[string, string | undefined, string]>([
  ['satisfied', undefined, 'right'],
  ['satisfied', 'wrong', 'right'],
  ['observed', undefined, 'observed'],
  ['observed', 'failed', 'observed'],
  ['unsatisfied', 'timed-out', 'not presented in time'],
  ['unsatisfied', undefined, 'unsatisfied'],
  ['unavailable', 'no-device', 'unavailable: no device'],
  ['unavailable', undefined, 'unavailable'],
  ['lost', 'wrong', 'lost'],
])('%s because of %s: %s', (state, reason, words) => {
  expect(stateWords({ state, ...(reason === undefined ? {} : { reason }) })).toBe(words);
});
