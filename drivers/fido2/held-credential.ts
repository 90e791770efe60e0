/** Which of some credentials a key holds, asked without a touch, in as many requests as the key's limits make it. */
import { DEFAULT_RP_ID, type SecurityKeyCeremony } from './ceremony.ts';
import { assertSilently } from './get-assertion.ts';
import type { KeySession } from './key-session.ts';

/** Room for the head of the request and what stands around each credential id. */
const REQUEST_OVERHEAD = 128;
const DESCRIPTOR_OVERHEAD = 24;

/**
 * Splits credential ids so that each request is one the key takes: its maxCredentialCountInList (where it does not say,
 * one at a time) and its maxMsgSize. Ids longer than the key makes are not its own.
 */
export function allowLists(
  ids: readonly Uint8Array[],
  limits: { readonly count: number | undefined; readonly idLength: number | undefined; readonly maxMsgSize: number },
): Uint8Array[][] {
  const most = Math.max(1, limits.count ?? 1);
  const lists: Uint8Array[][] = [];
  let list: Uint8Array[] = [];
  let size = REQUEST_OVERHEAD;
  for (const id of ids) {
    if (limits.idLength !== undefined && id.length > limits.idLength) continue;
    const more = id.length + DESCRIPTOR_OVERHEAD;
    if (list.length > 0 && (list.length >= most || size + more > limits.maxMsgSize)) {
      lists.push(list);
      list = [];
      size = REQUEST_OVERHEAD;
    }
    list.push(id);
    size += more;
  }
  if (list.length > 0) lists.push(list);
  return lists;
}

/**
 * What the key says is a hint: only a verified assertion proves it.
 * @returns the first of `ids` that the key says it holds; null: none
 */
export async function heldCredentialId(
  { authenticator, info }: KeySession,
  { entropy, signal, rpId = DEFAULT_RP_ID }: SecurityKeyCeremony,
  ids: readonly Uint8Array[],
): Promise<Uint8Array | null> {
  const lists = allowLists(ids, {
    count: info.maxCredentialCountInList,
    idLength: info.maxCredentialIdLength,
    maxMsgSize: authenticator.maxMsgSize,
  });
  for (const allowList of lists) {
    const request = { rpId, clientDataHash: entropy.bytes(32), allowList };
    const held = await assertSilently(authenticator, request, { signal });
    if (held !== null) return held;
  }
  return null;
}
