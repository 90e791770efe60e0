/**
 * `unlock --earlier N`: the purpose key of a container that a recovery has replaced, so that what was encrypted under it
 * can be moved to the new one. It takes a fresh full pass and leaves nothing unlocked; for the key of a context also what
 * that context asks for now, which this program looks at and no TPM does.
 */
import { bytesEqual } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { CeremonyRequest } from '../../api/ports.ts';
import { openRecords, wipeRecords } from '../../container/records.ts';
import { UNLOCK_CONTEXT } from '../../container/references.ts';
import { derivePurposeKey } from '../../container/secret-box.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { collectFactors } from '../collect.ts';
import { changePolicyOf, requireContainer, requireMachine } from '../context.ts';
import { withOpenContainer } from '../open-container.ts';
import type { ServiceParts } from '../parts.ts';
import { openingOf } from '../unlock-context.ts';

type EarlierKeyRequest = Extract<CeremonyRequest, { kind: 'earlier-key' }>;

/** @throws {ERR_CONTAINER_NO_EARLIER_KEY} there were fewer recoveries */
export async function earlierKeyScript(
  parts: ServiceParts,
  run: CeremonyRun,
  { purpose, earlier, context = UNLOCK_CONTEXT }: EarlierKeyRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  // The records hold the keys of all contexts: what the TPM asks for them is what it asks for `unlock`.
  const opening = await openingOf(parts, state, context, machine.lockout.protects);
  const policy = opening.context !== UNLOCK_CONTEXT && opening.view !== null ? changePolicyOf(state) : opening.policy;
  using collected = await collectFactors(parts, machine, state, policy, run);
  const key = await withOpenContainer(parts, machine, state, collected, run.signal, async (open) => {
    const records = openRecords(open.containerKey, state.containerId, state.records);
    try {
      const found = records.earlierKeys[earlier - 1];
      if (found === undefined) {
        throw new UnlockdError('ERR_CONTAINER_NO_EARLIER_KEY', `there is no earlier key ${earlier}`, {
          detail: { earlier, known: records.earlierKeys.length },
        });
      }
      // A context that had no key of its own had that of `unlock`.
      const own = records.earlierContexts.find(
        (entry) => entry.context === context && bytesEqual(entry.containerId, found.containerId),
      );
      using key = Secret.copyOf((own ?? found).key);
      return derivePurposeKey(key, found.containerId, purpose, own === undefined ? UNLOCK_CONTEXT : context);
    } finally {
      wipeRecords(records);
    }
  });
  await parts.audit('earlier-key', run.uid, {
    purpose,
    earlier,
    ...(context === UNLOCK_CONTEXT ? {} : { context }),
  });
  run.offer('purpose-key', key, `key for ${purpose} as it was ${earlier} recoveries ago`);
  return { earlier };
}
