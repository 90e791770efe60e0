import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type DerivePinHash, pinExpiry, requireNotInHistory } from '../../../agent/enrolment/pin/history.ts';
import { DEFAULT_PIN_RULES } from '../../../agent/policy/model.ts';
import { historyWith } from '../../../agent/service/new-pin.ts';
import { unixMs } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const hash = (text: string, salt: Uint8Array) => createHash('sha256').update(salt).update(text).digest();
const entry = (text: string, n: number) => ({
  salt: Uint8Array.of(n),
  hash: Uint8Array.from(hash(text, Uint8Array.of(n))),
});
const derived: Secret[] = [];
const derive: DerivePinHash = async (pin, salt) => {
  const secret = Secret.take(hash(new TextDecoder().decode(pin.expose()), salt));
  derived.push(secret);
  return secret;
};
const entries = [entry('third', 3), entry('second', 2), entry('first', 1)];
const check = (text: string, history: number) =>
  requireNotInHistory(Secret.take(utf8(text)), entries, { history }, derive);

describe('the PIN history', () => {
  test('bars the current PIN and the ones before it, as many as the policy says', async () => {
    await expect(check('third', 1)).rejects.toMatchObject({ code: 'ERR_PIN_REUSED' });
    await expect(check('second', 1)).resolves.toBeUndefined();
    await expect(check('second', 2)).rejects.toMatchObject({ code: 'ERR_PIN_REUSED' });
    await expect(check('first', 50)).rejects.toMatchObject({ code: 'ERR_PIN_REUSED' });
    await expect(check('fourth', 50)).resolves.toBeUndefined();
    expect(derived.length).toBeGreaterThan(0);
    expect(derived.every(({ disposed }) => disposed)).toBe(true);
  });

  test('of length 0 bars nothing', async () => {
    await expect(check('third', 0)).resolves.toBeUndefined();
  });

  test('keeps the newest entries first and no more than it needs beside the PIN in force', () => {
    const known = entries.map(({ salt, hash }) => ({ salt, logN: 10, value: hash }));
    using authValue = Secret.take(new Uint8Array(32).fill(9));
    const replaced = { salt: new Uint8Array(16).fill(4), logN: 10, authValue };
    const salts = (history: number) =>
      historyWith(replaced, known, { ...DEFAULT_PIN_RULES, history }).map(({ salt }) => salt[0]);
    expect(salts(3)).toEqual([4, 3]);
    expect(salts(1)).toEqual([]);
    expect(salts(0)).toEqual([]);
  });
});

describe('the expiry of a PIN', () => {
  const DAY = 86_400_000;
  const at = (days: number) => pinExpiry(unixMs(0), { expiryDays: 30 }, unixMs(days * DAY));

  test('counts whole days down', () => {
    expect(at(0)).toEqual({ expired: false, daysLeft: 30 });
    expect(at(29.5)).toEqual({ expired: false, daysLeft: 1 });
    expect(at(30)).toEqual({ expired: true, daysLeft: 0 });
    expect(at(-3)).toEqual({ expired: false, daysLeft: 30 });
  });

  test('does not exist when the policy has none', () => {
    expect(pinExpiry(unixMs(0), { expiryDays: 0 }, unixMs(9e12))).toBeNull();
  });
});
