import { expect, test } from 'vitest';
import type { DaemonFound } from '../../../agent/lanes/hardware-found.ts';
import { consentTo, harmsOf } from '../../../agent/lanes/hardware-harm.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { daemonFound, found, walkthroughOf } from '../../support/hardware-lane/found.ts';

const PLAIN = walkthroughOf({}, [{ enrol: { pin: 'mine' } }]);
const WITH_POLICY = walkthroughOf({ policy: { version: 2 } });
/** A daemon of the run's own on a TPM with a lockout password, or without. */
const notSetUp = (lockoutAuthSet: boolean, more: Partial<DaemonFound> = {}) => {
  const { status } = daemonFound();
  const lockout = status.tpm.lockout && { ...status.tpm.lockout, lockoutAuthSet };
  return found({
    daemon: daemonFound({ ...more, status: { ...status, tpm: { ...status.tpm, setUp: false, lockout } } }),
  });
};

const never = async (): Promise<void> => {
  throw new Error('nobody was to be asked');
};

test('who enrols on a machine on which he is not, destroys nothing and needs no flag', async () => {
  const harms = harmsOf(PLAIN, found());
  expect(harms).toEqual([]);
  await consentTo(harms, found(), { destructive: false, confirm: never });
});

test('an enrolment that is there, and a TPM with a lockout password, are confirmed by a word of their own', async () => {
  const machine = notSetUp(true, { own: 'locked', others: 2 });
  const harms = harmsOf(WITH_POLICY, machine);
  expect(harms.map(({ kind, word }) => [kind, word])).toEqual([
    ['unenrol', 'UNENROL'],
    ['policy', 'REPLACE'],
    ['set-up', 'SETUP'],
  ]);
  await expect(consentTo(harms, machine, { destructive: false, confirm: never })).rejects.toMatchObject({
    code: 'ERR_LANE_DESTRUCTIVE',
    message: expect.stringMatching(
      /^not done without --destructive: Your enrolment on this machine ends for ever.* It counts for 2 other users too\. The TPM/,
    ),
    detail: { harms: 'unenrol,policy,set-up' },
  });
  const asked: string[] = [];
  await consentTo(harms, machine, {
    destructive: true,
    confirm: async (_what, word) => {
      asked.push(word);
    },
  });
  expect(asked).toEqual(['UNENROL', 'REPLACE', 'SETUP']);
});

test('what is blank needs the flag and no word', async () => {
  const machine = notSetUp(false);
  const harms = harmsOf(WITH_POLICY, machine);
  expect(harms.map(({ word }) => word)).toEqual([null, null]);
  await consentTo(harms, machine, { destructive: true, confirm: never });
  await expect(consentTo(harms, machine, { destructive: false, confirm: never })).rejects.toMatchObject({
    code: 'ERR_LANE_DESTRUCTIVE',
  });
});

test('a word that was not typed ends it', async () => {
  const machine = found({ daemon: daemonFound({ own: 'unlocked' }) });
  const confirm = async (): Promise<void> => {
    throw new UnlockdError('ERR_CLI_INTERRUPTED', 'UNENROL was not typed: nothing was changed');
  };
  await expect(consentTo(harmsOf(PLAIN, machine), machine, { destructive: true, confirm })).rejects.toMatchObject({
    code: 'ERR_CLI_INTERRUPTED',
  });
});

test.each([
  ['managed elsewhere', { authority: 'managed', signed: null }],
  ['signed', { authority: 'this-machine', signed: { version: 3, key: 'ab' } }],
] as const)('a policy that is %s is never replaced: nobody could put it back', async (_name, more) => {
  const machine = found({ daemon: daemonFound({ policy: { ...daemonFound().policy, ...more } }) });
  await expect(
    consentTo(harmsOf(WITH_POLICY, machine), machine, { destructive: true, confirm: never }),
  ).rejects.toMatchObject({
    code: 'ERR_LANE_DESTRUCTIVE',
    message: 'the policy of this machine is signed elsewhere: nobody here could put it back',
  });
});

test('a set-up in a walkthrough changes nothing on a machine that is set up', () => {
  expect(harmsOf(walkthroughOf({}, [{ setUp: true }]), found())).toEqual([]);
});
