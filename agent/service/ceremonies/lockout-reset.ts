/**
 * `lockout reset`: the machine owner's sheet gives lockoutAuth back, and the TPM forgets its wrong tries. The sheet is
 * checked against its wrap first: a wrong lockoutAuth would lock lockoutAuth itself for a day.
 */
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import { dictionaryAttackLockReset, sessionAuth } from '../../../drivers/tpm2/index.ts';
import { readLockout } from '../../container/lockout.ts';
import { parseSheet } from '../../container/recovery-sheet.ts';
import { openLockoutAuth } from '../../container/setup.ts';
import type { MachineState } from '../../container/state.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { requireMachine } from '../context.ts';
import type { ServiceParts } from '../parts.ts';

const AGAIN = { attempts: 5, codes: /^ERR_RECOVERY_(GROUP|WRONG)$/ };

const askLockoutAuth = (run: CeremonyRun, machine: MachineState): Promise<Secret> =>
  run.askUntil('owner-recovery', { text: 'Recovery sheet of the machine owner' }, AGAIN, (typed) => {
    using sheet = parseSheet(typed);
    const lockoutAuth = openLockoutAuth(sheet, machine);
    if (lockoutAuth !== null) return lockoutAuth;
    throw new UnlockdError('ERR_RECOVERY_WRONG', 'this sheet is not the one of the machine owner');
  });

/** @throws {ERR_LOCKOUT_NOT_OURS} lockoutAuth was set by somebody else */
export async function lockoutResetScript(
  parts: ServiceParts,
  run: CeremonyRun,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  if (machine.lockout.wrap === null) {
    throw new UnlockdError('ERR_LOCKOUT_NOT_OURS', 'lockoutAuth of this TPM was not set by unlockd');
  }
  using lockoutAuth = await askLockoutAuth(run, machine);
  const { before, after } = await parts.tpm.withRoot(run.signal, machine, async ({ tpm, session }) => {
    const { counter } = await readLockout(tpm);
    await dictionaryAttackLockReset(tpm, sessionAuth(session, lockoutAuth));
    return { before: counter, after: (await readLockout(tpm)).counter };
  });
  await parts.audit('lockout-reset', null, { before, after, by: run.uid });
  return { before, after };
}
