/**
 * `recover`: the sheet opens the container without TPM and factors, once. What follows is a container made anew (key,
 * authority, counter, factors, sheet), so that the old sheet and the old files open nothing that is used from now on;
 * the earlier container key goes into the records, so that what was encrypted under it can be moved.
 */

import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import { toRefusal } from '../../api/refusal.ts';
import { undefineCounter } from '../../container/counter.ts';
import { counterOf } from '../../container/plan.ts';
import { openRecords, type Records, wipeRecords } from '../../container/records.ts';
import { openRecovery } from '../../container/recovery.ts';
import { parseSheet } from '../../container/recovery-sheet.ts';
import type { ContainerState } from '../../container/state.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { requireContainer, requireMachine } from '../context.ts';
import type { ServiceParts } from '../parts.ts';
import { createContainer, requireCreatable } from './create.ts';

const MAX_ATTEMPTS = 5;
const MAX_EARLIER_KEYS = 8;

async function askSheet(run: CeremonyRun): Promise<Secret> {
  for (let attempt = 1; ; attempt++) {
    using typed = await run.ask('recovery', { text: 'Recovery sheet' });
    try {
      return parseSheet(typed);
    } catch (error) {
      if (!isUnlockdError(error, 'ERR_RECOVERY_GROUP') || attempt === MAX_ATTEMPTS) throw error;
      run.emit({ type: 'refused', refusal: toRefusal(error) });
    }
  }
}

async function oldRecords(run: CeremonyRun, state: ContainerState): Promise<Records> {
  using sheet = await askSheet(run);
  using recovered = openRecovery(sheet, state);
  const records = openRecords(recovered.containerKey, state.containerId, state.records);
  const earlierKeys = [new Uint8Array(recovered.containerKey.expose()), ...records.earlierKeys];
  return { ...records, wrapKeys: [], earlierKeys: earlierKeys.slice(0, MAX_EARLIER_KEYS) };
}

export async function recoverScript(parts: ServiceParts, run: CeremonyRun): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  await requireCreatable(parts, machine, run.signal);
  const records = await oldRecords(run, state);
  try {
    await parts.audit('recovery-begun', run.uid, {});
    const { containerId, counterIndex, authority } = state;
    await parts.store.writeIntent(run.uid, 'retired', { containerId, counterIndex, authority: authority.publicArea });
    const { result } = await createContainer(parts, run, { machine, uid: run.uid, records });
    parts.unlocked.forget(run.uid);
    // The old counter is of no use to anybody now. On another TPM there is none.
    await parts.tpm.withTpm(run.signal, (tpm) => undefineCounter(tpm, counterOf(state)));
    await parts.store.removeIntent(run.uid, 'retired');
    await parts.audit('recovered', run.uid, { strength: String(result.strength) });
    return { ...result, earlierKeys: records.earlierKeys.length };
  } finally {
    wipeRecords(records);
  }
}
