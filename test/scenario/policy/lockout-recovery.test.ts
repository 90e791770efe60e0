/**
 * 32 wrong PINs, then the right one (vector T16): refused at once, accepted when the TPM has forgotten one of them. The
 * forgetting takes ten minutes by our settings; here the machine's owner sets it to a second. A machine that is powered
 * off may not count the time (T17), as the guide says.
 */
import { expect, test } from 'vitest';
import { readLockout } from '../../../agent/container/lockout.ts';
import { parseSheet } from '../../../agent/container/recovery-sheet.ts';
import { openLockoutAuth } from '../../../agent/container/setup.ts';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import { dictionaryAttackParameters, sessionAuth } from '../../../drivers/tpm2/index.ts';
import { type Outcome, TestAgent, UNLOCK } from '../../support/service/test-agent.ts';

const UID = 1000;
const [PIN, WRONG] = ['246813', '975310'];
const MAX_TRIES = 32;
const never = new AbortController().signal;

async function setRecovery(agent: TestAgent, ownerSheet: string, recoveryTime: number): Promise<void> {
  const machine = await agent.parts.store.readMachine();
  if (machine === null) throw new Error('not set up');
  using typed = Secret.take(utf8(ownerSheet));
  using sheet = parseSheet(typed);
  using lockoutAuth = openLockoutAuth(sheet, machine);
  if (lockoutAuth === null) throw new Error('not the owner’s sheet');
  await agent.parts.tpm.withRoot(never, machine, ({ tpm, session }) =>
    dictionaryAttackParameters(tpm, sessionAuth(session, lockoutAuth), {
      maxTries: MAX_TRIES,
      recoveryTime,
      lockoutRecovery: 86_400,
    }),
  );
}

const failedTries = async (agent: TestAgent): Promise<number> => {
  const machine = await agent.parts.store.readMachine();
  if (machine === null) throw new Error('not set up');
  return (await agent.parts.tpm.withRoot(never, machine, ({ tpm }) => readLockout(tpm))).counter;
};

const lockedOut = ({ failed, events }: Outcome): boolean => {
  const texts = JSON.stringify([failed, events]);
  return failed !== null && /ERR_TPM_LOCKED_OUT|locked out/.test(texts);
};

test('after 32 wrong PINs the right one is refused, and accepted when the TPM has recovered', async () => {
  await using agent = await TestAgent.start({
    settings: { softLimit: { tries: 1000, forgetAfter: seconds(600) }, attemptRetries: 2 * MAX_TRIES },
  });
  const setup = await agent.run(0, { kind: 'setup' });
  const ownerSheet = setup.out.get('owner-sheet')?.toString('ascii') ?? '';
  await agent.setUpAndEnrol(UID, PIN);
  expect((await agent.run(UID, UNLOCK, { pin: PIN })).done).not.toBeNull();

  const wrong = await agent.run(UID, UNLOCK, { pin: Array<string>(MAX_TRIES).fill(WRONG) });
  expect(wrong.done).toBeNull();
  expect(await failedTries(agent)).toBe(MAX_TRIES);
  const right = await agent.run(UID, UNLOCK, { pin: PIN });
  expect([right.done, lockedOut(right)]).toEqual([null, true]);

  await setRecovery(agent, ownerSheet, 1);
  const deadline = systemClock.now() + 30_000;
  let last = await agent.run(UID, UNLOCK, { pin: PIN });
  while (last.done === null && systemClock.now() < deadline) {
    // Nothing but the time is in the way.
    expect(lockedOut(last)).toBe(true);
    await systemClock.sleep(milliseconds(250), {});
    last = await agent.run(UID, UNLOCK, { pin: PIN });
  }
  expect(last.done).not.toBeNull();
}, 120_000);
