/** `enrol`: the caller's own container, under the policy of the machine. */
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { EMPTY_RECORDS } from '../../container/records.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { requireMachine } from '../context.ts';
import type { ServiceParts } from '../parts.ts';
import { createContainer, requireCreatable } from './create.ts';

export async function enrolScript(parts: ServiceParts, run: CeremonyRun): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  if ((await parts.store.readContainer(run.uid)) !== null) {
    throw new UnlockdError('ERR_CONTAINER_EXISTS', `${parts.userName(run.uid)} is enrolled already`);
  }
  const creatable = await requireCreatable(parts, machine, run.uid, run.signal);
  const { result } = await createContainer(parts, run, { machine, uid: run.uid, records: EMPTY_RECORDS, creatable });
  await parts.audit('enrolled', run.uid, { strength: String(result.strength) });
  return result;
}
