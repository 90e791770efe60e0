/**
 * `recover`: the sheet opens the container without TPM and factors, once. What follows is a container made anew (key,
 * authority, counter, factors, sheet), so that the old sheet and the old files open nothing that is used from now on;
 * the earlier container key goes into the records, so that what was encrypted under it can be moved.
 */

import { bytesEqual } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import { openContextKey } from '../../container/context-recovery.ts';
import { openRecords, type Records, wipeRecords } from '../../container/records.ts';
import { openRecovery } from '../../container/recovery.ts';
import { parseSheet } from '../../container/recovery-sheet.ts';
import type { ContainerState, MachineState } from '../../container/state.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { requireContainer, requireMachine } from '../context.ts';
import { clearIntent, clearIntents } from '../leftovers.ts';
import type { ServiceParts } from '../parts.ts';
import { withPhone } from '../phones.ts';
import { afterwards, type Created, type CreateParts, createContainer, requireCreatable } from './create.ts';

const AGAIN = { attempts: 5, codes: /^ERR_RECOVERY_GROUP$/ };
const MAX_EARLIER_KEYS = 8;

const askSheet = (run: CeremonyRun): Promise<Secret> =>
  run.askUntil('recovery', { text: 'Recovery sheet' }, AGAIN, parseSheet);

/** What the sheet gives back of the contexts of the container. One that is damaged must not keep the others out. */
function contextKeys(sheet: Secret, { containerId, contexts }: ContainerState): Records['earlierContexts'] {
  return contexts.flatMap(({ context, recovery }) => {
    if (recovery === null) return [];
    using key = openContextKey(sheet, containerId, context, recovery);
    if (key === null || key.length !== 32) return [];
    return [{ containerId, context, key: new Uint8Array(key.expose()) }];
  });
}

/** The contexts of a container of which the records have no key. */
const lostContexts = ({ containerId, contexts }: ContainerState, { earlierContexts }: Records): readonly string[] =>
  contexts
    .map(({ context }) => context)
    .filter(
      (context) =>
        !earlierContexts.some((kept) => kept.context === context && bytesEqual(kept.containerId, containerId)),
    );

async function oldRecords(run: CeremonyRun, state: ContainerState): Promise<Records> {
  using sheet = await askSheet(run);
  using recovered = openRecovery(sheet, state);
  const records = openRecords(recovered.containerKey, state.containerId, state.records);
  const replaced = { containerId: state.containerId, key: new Uint8Array(recovered.containerKey.expose()) };
  const earlierKeys = [replaced, ...records.earlierKeys].slice(0, MAX_EARLIER_KEYS);
  const kept = records.earlierContexts.filter(({ containerId }) =>
    earlierKeys.some((entry) => bytesEqual(entry.containerId, containerId)),
  );
  return { ...records, wrapKeys: [], earlierKeys, earlierContexts: [...contextKeys(sheet, state), ...kept] };
}

/** @param phone to be enrolled in the place of one that is lost; null: none */
export async function recoverScript(
  parts: ServiceParts,
  run: CeremonyRun,
  phone: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  return await withPhone(parts, run, phone, () => recoverContainer(parts, run, machine, state));
}

async function recoverContainer(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
): Promise<Readonly<Record<string, unknown>>> {
  using creatable = await requireCreatable(parts, machine, run.uid, run.signal);
  const records = await oldRecords(run, state);
  try {
    await parts.audit('recovery-begun', run.uid, {});
    await clearIntents(parts, run.uid, run.signal);
    const { containerId, counterIndex, authority } = state;
    await parts.store.writeIntent(run.uid, 'retired', { containerId, counterIndex, authority: authority.publicArea });
    const { result } = await createOrForget(parts, run, { machine, uid: run.uid, records, creatable });
    parts.unlocked.forget(run.uid);
    await parts.audit('recovered', run.uid, { strength: String(result.strength) });
    // The old counter is of no use to anybody now. What cannot be freed now is freed by the next start.
    const freed = await afterwards(() => clearIntent(parts, run.uid, 'retired', new AbortController().signal));
    const lost = lostContexts(state, records);
    return {
      ...result,
      earlierKeys: records.earlierKeys.length,
      oldCounterFreed: freed,
      ...(lost.length === 0 ? {} : { contextsLost: lost.join(' ') }),
    };
  } finally {
    wipeRecords(records);
  }
}

/** When nothing was put in force, the old container's counter is not to be retired. */
async function createOrForget(parts: ServiceParts, run: CeremonyRun, create: CreateParts): Promise<Created> {
  try {
    return await createContainer(parts, run, create);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_CHANGE_NOT_REVOKED')) {
      await afterwards(() => parts.store.removeIntent(run.uid, 'retired'));
    }
    throw error;
  }
}
