/**
 * What start-up does before anybody is served: changes that a crash interrupted are finished without any factor, and
 * counters that an enrolment left behind are freed. A TPM that is not there yet is met later, by the first use.
 */
import { seconds } from '../../drivers/base/brand.ts';
import { startDeadline } from '../../drivers/base/deadline.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { settleEpoch } from '../container/epoch.ts';
import { requireFactors } from '../container/plan.ts';
import type { MachineState } from '../container/state.ts';
import { clearIntent } from './leftovers.ts';
import type { ServiceParts } from './parts.ts';

/** How long nobody is served for the sake of what is left over; the rest is met by its first use. */
const SETTLE_WITHIN = seconds(60);

/** What only the recovery sheet, or another file or TPM, can make good. */
export const needsRecovery = (error: UnlockdError): boolean =>
  /^ERR_(EPOCH|STATE)_|^ERR_(TPM_OTHER_DEVICE|CONTAINER_FACTOR_MISSING)$/.test(error.code);

async function settle(parts: ServiceParts, machine: MachineState, uid: number, signal: AbortSignal): Promise<void> {
  try {
    const state = await parts.store.readContainer(uid);
    if (state === null || state.policy === null) return;
    const moved = await parts.tpm.withRoot(signal, machine, (root) =>
      settleEpoch(root, state, () => parts.store.syncContainer(uid)),
    );
    requireFactors(state);
    if (moved) await parts.audit('change-finished', uid, { epoch: state.policy.n });
    parts.unsettled.delete(uid);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    if (needsRecovery(error)) parts.unsettled.set(uid, error);
    await parts.audit('start-up-problem', uid, { code: error.code });
  }
}

/** Without its keys no policy can be set, which should not be learned on the day when one has to be. */
function documentKeyProblems({ settings }: ServiceParts): readonly UnlockdError[] {
  try {
    settings.documentKeys?.();
    return [];
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    const { code, message, detail } = error;
    return [new UnlockdError(code, `no policy can be set: ${message}`, { detail, cause: error })];
  }
}

/** @returns what could not be done now; it is tried again at the first use, and at the next start */
export async function startUp(parts: ServiceParts, signal: AbortSignal): Promise<readonly UnlockdError[]> {
  await parts.store.open();
  const problems: UnlockdError[] = [...documentKeyProblems(parts)];
  let machine: MachineState | null;
  try {
    machine = await parts.store.readMachine();
  } catch (error) {
    // Who asks for service is told by the same error; a daemon that does not run could tell nobody.
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) return [...problems, error];
    throw error;
  }
  using deadline = startDeadline(parts.clock, SETTLE_WITHIN, { what: 'start-up', signal });
  try {
    await deadline.race(settleAll(parts, machine, problems, deadline.signal));
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    problems.push(error);
  }
  return [...problems, ...parts.unsettled.values()];
}

async function settleAll(
  parts: ServiceParts,
  machine: MachineState | null,
  problems: UnlockdError[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await parts.tpm.withTpm(signal, async () => undefined);
  } catch (error) {
    // It may come later; whoever reads the log should not have to wait for the first user to learn that it is not there.
    if (!isUnlockdError(error)) throw error;
    problems.push(error);
  }
  if (machine === null) return;
  for (const kind of ['intent', 'retired'] as const) {
    for (const uid of await parts.store.intents(kind)) {
      if (signal.aborted) return;
      try {
        await clearIntent(parts, uid, kind, signal);
      } catch (error) {
        if (!isUnlockdError(error)) throw error;
        problems.push(error);
      }
    }
  }
  for (const uid of await parts.store.enrolled()) {
    if (signal.aborted) return;
    await settle(parts, machine, uid, signal);
  }
}
