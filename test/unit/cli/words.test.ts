/** Small words of the command line: spans of time, users, and where a text stops being JSON. */
import { describe, expect, it } from 'vitest';
import { statusWords } from '../../../agent/cli/commands/status.ts';
import { spanWords, userWords } from '../../../agent/cli/output.ts';
import { jsonErrorAt } from '../../../drivers/base/json-error.ts';
import { FakeService } from '../../support/api/fake-service.ts';

describe('a span of time', () => {
  it.each([
    [-1, '0 s'],
    [0.2, '1 s'],
    [90, '90 s'],
    [3480, '58 min'],
    [3481, '59 min'],
    [7200, '2 h'],
    [25_500, '7 h 5 min'],
    [30 * 86_400, '30 days'],
  ])('of %d s is %s', (seconds, words) => {
    expect(spanWords(seconds)).toBe(words);
  });
});

it('a user without a name is called by the number once', () => {
  expect([userWords('uid 1234', 1234), userWords('alice', 1000)]).toEqual(['uid 1234', 'alice (uid 1000)']);
});

it('the status says how long it stays open, what opens it, and the tries of the TPM', async () => {
  const service = new FakeService();
  service.addUser(1000).unlocked = true;
  const status = await service.status({ uid: 1000, gid: 1000, pid: 1 });
  const lockout = {
    counter: 8,
    maxTries: 32,
    recoverySeconds: 600,
    lockoutAuthSet: true,
    lockedForSeconds: 0,
    guessesPerDay: 144,
  };
  const wallet = {
    context: 'wallet',
    unlocked: false,
    policy: 'first PIN, then security key',
    strength: 'bound-2',
    opensWith: 'this machine + the PIN + a security key',
  } as const;
  const words = statusWords(
    {
      ...status,
      own: { ...status.own, unlockedUntil: 3_480_000, contexts: [wallet] },
      tpm: { ...status.tpm, lockout },
    },
    0,
  ).join('\n');
  expect(words).toContain('for another 58 min');
  expect(words).toContain('opens with: this machine + the PIN + a security key (bound-2)');
  expect(words).toContain('24 of 32 left');
  expect(words).toContain('wallet: locked; policy: first PIN, then security key; opens with: this machine');
});

describe('where a text stops being JSON', () => {
  it.each([
    ['', 0],
    ['  ', 2],
    ['{', 1],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['{"a":1 "b":2}', 7],
    ['[1,]', 3],
    ['[1}', 2],
    ['{]', 1],
    ['{"a":tru}', 5],
    ['{"a":01}', 5],
    ['"a\nb"', 0],
    ['{a:1}', 1],
    ['{} {}', 3],
    ["{'a':1}", 1],
    ['[1,2', 4],
  ])('%j: at %d', (text, at) => {
    expect(jsonErrorAt(text)).toBe(at);
    expect(() => JSON.parse(text)).toThrow();
  });

  it.each(['{}', '[]', ' [1, {"a": [null, true, "\\u00e9\\""]}, -1.5e+3] \n', '"x"', '0'])('%s is JSON', (text) => {
    expect(jsonErrorAt(text)).toBeNull();
    expect(() => JSON.parse(text)).not.toThrow();
  });
});
