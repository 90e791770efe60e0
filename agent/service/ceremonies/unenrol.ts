/** `unenrol`: a container is given up. An intent names the counter first, so that a crash cannot leave it behind. */
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import type { ContainerState } from '../../container/state.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { clearIntent, clearIntents } from '../leftovers.ts';
import type { ServiceParts } from '../parts.ts';

/** A damaged state file is given up as well; its counter is not known any more and stays. */
async function readOrNull(parts: ServiceParts, uid: number): Promise<{ state: ContainerState | null }> {
  try {
    const state = await parts.store.readContainer(uid);
    if (state === null) throw new UnlockdError('ERR_CONTAINER_MISSING', `${parts.userName(uid)} is not enrolled`);
    return { state };
  } catch (error) {
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT')) return { state: null };
    throw error;
  }
}

export async function unenrolScript(
  parts: ServiceParts,
  run: CeremonyRun,
  uid: number,
): Promise<Readonly<Record<string, unknown>>> {
  const { state } = await readOrNull(parts, uid);
  // What an earlier recovery left behind would lose its name when this writes its own.
  if (state !== null) await clearIntents(parts, uid, run.signal);
  // From here on it goes through: half a removal would be worse than one that nobody waits for.
  run.signal.throwIfAborted();
  parts.unlocked.forget(uid);
  if (state !== null) {
    const { containerId, counterIndex, authority } = state;
    await parts.store.writeIntent(uid, 'retired', { containerId, counterIndex, authority: authority.publicArea });
  }
  await parts.store.removeContainer(uid);
  await parts.phones.removeOf(uid);
  if (state !== null) await clearIntent(parts, uid, 'retired', new AbortController().signal);
  await parts.audit('unenrolled', uid, { by: run.uid, damaged: state === null });
  return { uid, counterFreed: state !== null };
}
