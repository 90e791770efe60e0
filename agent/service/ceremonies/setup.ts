/** `setup`: once a machine, by root. The owner's sheet is shown and confirmed before the TPM is told anything. */
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import { guessesPerDay, readLockout } from '../../container/lockout.ts';
import { newRecoverySecret } from '../../container/recovery-sheet.ts';
import { setUpMachine } from '../../container/setup.ts';
import type { MachineState } from '../../container/state.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import type { ServiceParts } from '../parts.ts';
import { showSheet } from '../sheets.ts';

/** A sheet is needed only where set-up is going to set lockoutAuth; otherwise this secret wraps nothing. */
async function ownerSheet(parts: ServiceParts, run: CeremonyRun, lockoutAuthSet: boolean): Promise<Secret> {
  if (lockoutAuthSet) return newRecoverySecret(parts.entropy);
  const text = 'Recovery sheet of the machine owner: it resets the lockout of the TPM. Keep it apart from the machine.';
  return await showSheet(parts, run, 'owner-sheet', text);
}

/** Whether the pinned root key is there. A cleared TPM and another one are the same thing: their containers need recovery. */
async function isTheSameTpm(parts: ServiceParts, run: CeremonyRun, machine: MachineState): Promise<boolean> {
  try {
    await parts.tpm.withRoot(run.signal, machine, async () => undefined);
    return true;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_TPM_OTHER_DEVICE')) return false;
    throw error;
  }
}

export async function setupScript(parts: ServiceParts, run: CeremonyRun): Promise<Readonly<Record<string, unknown>>> {
  const earlier = await parts.store.readMachine();
  run.emit({ type: 'progress', step: 'looking at the TPM' });
  const replaced = earlier?.complete === true;
  if (replaced && (await isTheSameTpm(parts, run, earlier))) {
    throw new UnlockdError('ERR_SETUP_DONE', 'this machine has been set up before');
  }
  const managedAuthority = parts.settings.managedAuthority();
  const before = await parts.tpm.withTpm(run.signal, readLockout);
  if (before.ownerAuthSet) {
    throw new UnlockdError('ERR_TPM_OWNER_AUTH_SET', 'the owner hierarchy of the TPM has a password');
  }
  using sheet = await ownerSheet(parts, run, before.lockoutAuthSet);
  run.emit({ type: 'progress', step: 'setting the TPM up' });
  const { machine, lockout } = await parts.tpm.withTpm(run.signal, (tpm) =>
    setUpMachine({
      tpm,
      clock: parts.clock,
      entropy: parts.entropy,
      rootHandle: parts.settings.rootHandle,
      managedAuthority,
      sheet,
      // What was wrapped for another TPM says nothing about this one.
      earlier: replaced ? null : earlier,
      write: (state) => parts.store.writeMachine(state),
    }),
  );
  await parts.audit('machine-set-up', null, {
    tpmReplaced: replaced,
    pinIsBound: machine.lockout.protects,
    lockoutAuth: machine.lockout.auth,
  });
  return {
    rootHandle: `0x${machine.rootHandle.toString(16)}`,
    authority: machine.managedAuthority === null ? 'this-machine' : 'managed',
    pinIsBound: machine.lockout.protects,
    lockoutAuth: machine.lockout.auth,
    maxTries: lockout.maxTries,
    guessesPerDay: guessesPerDay(lockout),
    tpmReplaced: replaced,
  };
}
