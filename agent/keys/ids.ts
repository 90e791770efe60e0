/** Ids of what a key stores, as people write them: hexadecimal, and as much of the beginning as tells them apart. */
import { toHex } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';

/**
 * The one whose id begins with `prefix`.
 * @param what the thing in words, for the message
 * @throws {ERR_CTAP_NO_SUCH_ID} none, or more than one
 */
export function byId<T extends { readonly id: Uint8Array }>(all: readonly T[], prefix: string, what: string): T {
  const wanted = prefix.toLowerCase();
  const found = all.filter(({ id }) => toHex(id).startsWith(wanted));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  // An id may be the beginning of another one.
  const exact = found.find(({ id }) => toHex(id) === wanted);
  if (exact !== undefined) return exact;
  const many =
    found.length > 1 ? `${found.length} of ${what} have an id that begins` : `none of ${what} has an id that begins`;
  throw new UnlockdError('ERR_CTAP_NO_SUCH_ID', `${many} with ${wanted}`, {
    detail: { id: wanted, found: found.length },
  });
}
