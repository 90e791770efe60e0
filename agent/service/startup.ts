/**
 * What start-up does before anybody is served: changes that a crash interrupted are finished without any factor, and
 * counters that an enrolment left behind are freed. A TPM that is not there yet is met later, by the first use.
 */
import { isUnlockdError, type UnlockdError } from '../../drivers/base/errors.ts';
import { decodePublicArea, nameOf } from '../../drivers/tpm2/index.ts';
import { undefineCounter } from '../container/counter.ts';
import { settleEpoch } from '../container/epoch.ts';
import type { MachineState } from '../container/state.ts';
import type { IntentKind } from '../container/store.ts';
import type { ServiceParts } from './parts.ts';

async function settle(parts: ServiceParts, machine: MachineState, uid: number, signal: AbortSignal): Promise<void> {
  try {
    const state = await parts.store.readContainer(uid);
    if (state === null || state.policy === null) return;
    const moved = await parts.tpm.withRoot(signal, machine, (root) => settleEpoch(root, state));
    if (moved) await parts.audit('change-finished', uid, { epoch: state.policy.n });
    parts.unsettled.delete(uid);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    if (/^ERR_(EPOCH|STATE)_|^ERR_TPM_OTHER_DEVICE$/.test(error.code)) parts.unsettled.set(uid, error);
    await parts.audit('start-up-problem', uid, { code: error.code });
  }
}

/** An index that an intent names and no container has is ours to free: the intent was written before it was defined. */
async function clearIntent(parts: ServiceParts, uid: number, kind: IntentKind, signal: AbortSignal): Promise<void> {
  const intent = await parts.store.readIntent(uid, kind);
  if (intent === null) return;
  const state = await parts.store.readContainer(uid).catch((error: unknown) => {
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT')) return null;
    throw error;
  });
  if (state?.counterIndex !== intent.counterIndex) {
    const authority = decodePublicArea(intent.authority);
    const { containerId, counterIndex: index } = intent;
    const counter = { index, containerId, authority, authorityName: nameOf(authority) };
    await parts.tpm.withTpm(signal, (tpm) => undefineCounter(tpm, counter));
    await parts.audit('counter-freed', uid, { index, kind });
  }
  await parts.store.removeIntent(uid, kind);
}

/** @returns what could not be done now; it is tried again at the next start */
export async function startUp(parts: ServiceParts, signal: AbortSignal): Promise<readonly UnlockdError[]> {
  await parts.store.open();
  let machine: MachineState | null;
  try {
    machine = await parts.store.readMachine();
  } catch (error) {
    // Who asks for service is told by the same error; a daemon that does not run could tell nobody.
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) return [error];
    throw error;
  }
  if (machine === null) return [];
  const problems: UnlockdError[] = [];
  for (const kind of ['intent', 'retired'] as const) {
    for (const uid of await parts.store.intents(kind)) {
      try {
        await clearIntent(parts, uid, kind, signal);
      } catch (error) {
        if (!isUnlockdError(error)) throw error;
        problems.push(error);
      }
    }
  }
  for (const uid of await parts.store.enrolled()) await settle(parts, machine, uid, signal);
  return [...problems, ...parts.unsettled.values()];
}
