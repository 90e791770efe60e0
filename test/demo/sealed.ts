/**
 * An independent way to the sealed key, to compare with what the product released: the recovery sheet opens its own
 * wrap in the state file, without TPM and daemon. Only an HMAC under a fresh nonce leaves this file.
 */
import { createHmac } from 'node:crypto';
import { DurableFiles } from '../../agent/container/durable-files.ts';
import { openRecovery } from '../../agent/container/recovery.ts';
import { parseSheet } from '../../agent/container/recovery-sheet.ts';
import { deriveKey } from '../../agent/container/secret-box.ts';
import { StateStore } from '../../agent/container/store.ts';
import { utf8 } from '../../drivers/base/bytes.ts';
import { systemClock } from '../../drivers/base/clock.ts';
import { Secret } from '../../drivers/base/secret.ts';

export const proofOf = (key: Uint8Array, nonce: Uint8Array): string =>
  createHmac('sha256', key).update(nonce).digest('hex').slice(0, 32);

/** The proof of the purpose key as it follows from the container key that was sealed at enrolment. */
export async function sealedProof(
  stateFolder: string,
  uid: number,
  sheet: string,
  purpose: string,
  nonce: Uint8Array,
): Promise<string> {
  const state = await new StateStore(stateFolder, new DurableFiles(), systemClock).readContainer(uid);
  if (state === null) throw new Error(`no container of ${uid}`);
  using typed = Secret.take(utf8(sheet));
  using secret = parseSheet(typed);
  using recovered = openRecovery(secret, state);
  using key = deriveKey(recovered.containerKey, 'purpose v1', state.containerId, utf8(purpose));
  return proofOf(key.expose(), nonce);
}
