/**
 * Counters that are in the TPM and in no container: an intent names a counter before it is defined (`intent`) or before
 * its container is replaced or removed (`retired`), so whatever a crash leaves behind is known and freed.
 */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { decodePublicArea, nameOf } from '../../drivers/tpm2/index.ts';
import { undefineCounter } from '../container/counter.ts';
import type { IntentKind } from '../container/store.ts';
import type { ServiceParts } from './parts.ts';

/**
 * Frees the counter that an intent names, unless the container uses it, and forgets the intent. Where the container's
 * file is damaged nobody knows which counter it uses: the intent stays, for when a good file is back.
 */
export async function clearIntent(
  parts: ServiceParts,
  uid: number,
  kind: IntentKind,
  signal: AbortSignal,
): Promise<void> {
  const intent = await parts.store.readIntent(uid, kind);
  if (intent === null) return;
  let used: number | null;
  try {
    used = (await parts.store.readContainer(uid))?.counterIndex ?? null;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) return;
    throw error;
  }
  if (used !== intent.counterIndex) {
    const authority = decodePublicArea(intent.authority);
    const { containerId, counterIndex: index } = intent;
    const counter = { index, containerId, authority, authorityName: nameOf(authority) };
    await parts.tpm.withTpm(signal, (tpm) => undefineCounter(tpm, counter));
    await parts.audit('counter-freed', uid, { index, kind });
  }
  // Whoever gave up waiting may have begun anew, with an intent of its own.
  signal.throwIfAborted();
  await parts.store.removeIntent(uid, kind);
}

/** Both kinds, before another one is written in their place. */
export async function clearIntents(parts: ServiceParts, uid: number, signal: AbortSignal): Promise<void> {
  await clearIntent(parts, uid, 'intent', signal);
  await clearIntent(parts, uid, 'retired', signal);
}
