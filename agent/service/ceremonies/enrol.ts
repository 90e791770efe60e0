/** `enrol`: the caller's own container, under the policy of the machine. */
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { EMPTY_RECORDS } from '../../container/records.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { requireMachine } from '../context.ts';
import type { ServiceParts } from '../parts.ts';
import { withPhone } from '../phones.ts';
import { createContainer, requireCreatable } from './create.ts';

/** @param phone to be enrolled with the container; null: none */
export async function enrolScript(
  parts: ServiceParts,
  run: CeremonyRun,
  phone: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  if ((await parts.store.readContainer(run.uid)) !== null) {
    throw new UnlockdError('ERR_CONTAINER_EXISTS', `${parts.userName(run.uid)} is enrolled already`);
  }
  const { result } = await withPhone(parts, run, phone, async () => {
    using creatable = await requireCreatable(parts, machine, run.uid, run.signal);
    return await createContainer(parts, run, { machine, uid: run.uid, records: EMPTY_RECORDS, creatable });
  });
  await parts.audit('enrolled', run.uid, { strength: String(result.strength) });
  return result;
}
