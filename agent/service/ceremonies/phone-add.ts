/**
 * `phone add`: a paired phone becomes a factor of the caller. It takes what a PIN change takes, a whole pass through the
 * policy and the TPM: whoever merely sits at an unlocked session adds no phone of his own.
 */
import type { CeremonyRun } from '../ceremony-run.ts';
import { collectFactors } from '../collect.ts';
import { changePolicyOf, requireContainer, requireMachine } from '../context.ts';
import { withOpenContainer } from '../open-container.ts';
import type { ServiceParts } from '../parts.ts';
import { provePhone } from '../phones.ts';

export async function phoneAddScript(
  parts: ServiceParts,
  run: CeremonyRun,
  address: string,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  // First what costs nobody anything: a phone that is not there needs no PIN.
  const phone = await provePhone(parts, run, address);
  using collected = await collectFactors(parts, machine, state, changePolicyOf(state), run);
  await withOpenContainer(parts, machine, state, collected, run.signal, async () => undefined);
  run.signal.throwIfAborted();
  await parts.phones.add(phone);
  await parts.audit('phone-added', run.uid, { address });
  return { added: true, address, name: phone.name };
}
