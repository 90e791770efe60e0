/**
 * The limit on PIN guesses is the TPM's, and stands only while lockoutAuth is set: nobody without it resets the count or
 * loosens the parameters, and after 32 wrong PINs the right one is refused as well.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { protectsPin, readLockout } from '../../../agent/container/lockout.ts';
import { openLockoutAuth } from '../../../agent/container/setup.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import {
  dictionaryAttackLockReset,
  dictionaryAttackParameters,
  emptyAuth,
  passwordAuth,
  sessionAuth,
} from '../../../drivers/tpm2/index.ts';
import { TestMachine } from '../../support/container/fixture.ts';
import { refusal } from '../../support/container/thief.ts';

let machine: TestMachine;
beforeEach(async () => {
  machine = await TestMachine.start();
});
afterEach(() => machine.close());

const LOOSE = { maxTries: 0x7fffffff, recoveryTime: 1, lockoutRecovery: 0 };
const lockoutAuth = (): Secret => {
  const secret = openLockoutAuth(machine.ownerSheet, machine.machine);
  if (secret === null) throw new Error('the sheet does not open lockoutAuth');
  return secret;
};
const asOwner = (use: 'reset' | 'parameters'): Promise<string> =>
  machine.withRoot((root) => {
    const auth = sessionAuth(root.session, lockoutAuth());
    const { tpm } = root;
    const parameters = { maxTries: 32, recoveryTime: 600, lockoutRecovery: 86_400 };
    return refusal(
      use === 'reset' ? dictionaryAttackLockReset(tpm, auth) : dictionaryAttackParameters(tpm, auth, parameters),
    );
  });

describe('without lockoutAuth', () => {
  it('a reset is refused with 0x98E, and with 0x921 from then on', async () => {
    expect(await asOwner('reset')).toBe('done');
    const codes = await machine.withTpm(async (tpm) => [
      await refusal(dictionaryAttackLockReset(tpm, emptyAuth)),
      await refusal(dictionaryAttackLockReset(tpm, emptyAuth)),
    ]);
    expect(codes).toEqual(['DictionaryAttackLockReset 0x98E', 'DictionaryAttackLockReset 0x921']);
  });

  it('looser parameters are refused with 0x98E, and with 0x921 from then on; they stay as they were', async () => {
    expect(await asOwner('parameters')).toBe('done');
    const codes = await machine.withTpm(async (tpm) => [
      await refusal(dictionaryAttackParameters(tpm, passwordAuth(new Uint8Array([1, 2, 3])), LOOSE)),
      await refusal(dictionaryAttackParameters(tpm, emptyAuth, LOOSE)),
      await refusal(dictionaryAttackLockReset(tpm, emptyAuth)),
    ]);
    expect(codes).toEqual([
      'DictionaryAttackParameters 0x98E',
      'DictionaryAttackParameters 0x921',
      'DictionaryAttackLockReset 0x921',
    ]);
    const lockout = await machine.withTpm(readLockout);
    expect([lockout.maxTries, lockout.recoverySeconds, protectsPin(lockout)]).toEqual([32, 600, true]);
  });

  it('which is why set-up sets it: on a TPM where it is empty, anybody loosens them and the PIN does not count as bound', async () => {
    await using bare = await TestMachine.start({ setUp: false });
    const lockout = await bare.withTpm(async (tpm) => {
      await dictionaryAttackParameters(tpm, emptyAuth, LOOSE);
      return await readLockout(tpm);
    });
    expect([lockout.maxTries, lockout.lockoutAuthSet, protectsPin(lockout)]).toEqual([0x7fffffff, false, false]);
  });
});

describe('guessing the PIN with the right security key', () => {
  it('ends after 32 tries: 0x98E each, then 0x921, also for the right PIN; lockoutAuth, not time, gives it back here', async () => {
    const { state, group } = await machine.enrol(1000);
    const tried: string[] = [];
    for (let guess = 0; guess < 33; guess++) {
      tried.push(await refusal(machine.open(state, { pin: String(100000 + guess), group })));
    }
    expect(tried.slice(0, 32)).toEqual(Array(32).fill('PolicySecret 0x98E'));
    expect(tried[32]).toBe('PolicySecret 0x921');
    expect(await refusal(machine.open(state, { pin: '246813', group }))).toBe('PolicySecret 0x921');
    const lockout = await machine.withTpm(readLockout);
    expect([lockout.counter, lockout.inLockout]).toEqual([32, true]);
    expect(await asOwner('reset')).toBe('done');
    expect(await refusal(machine.open(state, { pin: '246813', group }))).toBe('done');
  });

  it('success does not give tries back: only time and lockoutAuth do', async () => {
    const { state, group } = await machine.enrol(1000);
    await refusal(machine.open(state, { pin: '000001', group }));
    expect(await refusal(machine.open(state, { pin: '246813', group }))).toBe('done');
    expect((await machine.withTpm(readLockout)).counter).toBe(1);
  });
});
