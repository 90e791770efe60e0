/** What a key keeps for its accounts beside their keys (large blobs, CTAP 2.1 §6.10), encrypted under a key of each account. */
import { toHex } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import {
  openLargeBlob,
  readLargeBlobArray,
  sealLargeBlob,
  writeLargeBlobArray,
} from '../../drivers/fido2/large-blobs.ts';
import { unsupported } from '../../drivers/fido2/managed-call.ts';
import type { CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { LARGE_BLOB_ELEMENT, PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { type Account, withAccounts } from './credentials.ts';
import { byId } from './ids.ts';
import type { OpenKey } from './session.ts';

export interface StoredBlob {
  /** Null: of no account that the key stores. */
  readonly account: Account | null;
  /** Bytes: as stored, and as it was before it was packed; null: it is no blob of this specification. */
  readonly storedBytes: number | null;
  readonly bytes: number | null;
}

/** @throws {ERR_CTAP_UNSUPPORTED} before anybody is asked for anything */
function requireBlobs({ session: { info } }: OpenKey): void {
  if (info.options.get('largeBlobs') !== true) throw unsupported('stores no large blobs');
}

const read = ({ session: { authenticator, info }, ceremony: { signal } }: OpenKey): Promise<readonly CborValue[]> =>
  readLargeBlobArray(authenticator, info, { signal });

const opens = (account: Account, element: CborValue): boolean =>
  account.largeBlobKey !== null && openLargeBlob(account.largeBlobKey, element) !== null;

function sizes(element: CborValue): Pick<StoredBlob, 'storedBytes' | 'bytes'> {
  if (!(element instanceof Map)) return { storedBytes: null, bytes: null };
  const [ciphertext, bytes] = [element.get(LARGE_BLOB_ELEMENT.ciphertext), element.get(LARGE_BLOB_ELEMENT.origSize)];
  return {
    storedBytes: ciphertext instanceof Uint8Array ? ciphertext.length : null,
    bytes: typeof bytes === 'number' ? bytes : null,
  };
}

/** In the order of the key. */
export async function listBlobs(key: OpenKey): Promise<readonly StoredBlob[]> {
  requireBlobs(key);
  const elements = await read(key);
  if (elements.length === 0) return [];
  return await withAccounts(key, 0, async (accounts) =>
    elements.map((element) => ({
      account: accounts.find((account) => opens(account, element)) ?? null,
      ...sizes(element),
    })),
  );
}

/** @throws {ERR_CTAP_NO_SUCH_ID | ERR_CTAP_UNSUPPORTED} */
function accountWithKey(accounts: readonly Account[], prefix: string): Account & { readonly largeBlobKey: Uint8Array } {
  const account = byId(accounts, prefix, 'the accounts on the security key');
  const { largeBlobKey } = account;
  if (largeBlobKey === null) throw unsupported('made this account without a key for large blobs');
  return { ...account, largeBlobKey };
}

const nothing = (): UnlockdError =>
  new UnlockdError('ERR_CTAP_NO_SUCH_ID', 'the security key keeps no large blob for this account');

/** @param prefix of the account's id @throws {ERR_CTAP_NO_SUCH_ID | ERR_CTAP_UNSUPPORTED} */
export async function getBlob(key: OpenKey, prefix: string): Promise<Uint8Array> {
  requireBlobs(key);
  return await withAccounts(key, 0, async (accounts) => {
    const { largeBlobKey } = accountWithKey(accounts, prefix);
    for (const element of await read(key)) {
      const blob = openLargeBlob(largeBlobKey, element);
      if (blob !== null) return blob;
    }
    throw nothing();
  });
}

/** Rewrites the array; elements of others stay as they are. @param blob null: none any more */
async function rewrite(key: OpenKey, prefix: string, blob: Uint8Array | null): Promise<Account> {
  requireBlobs(key);
  return await withAccounts(key, PERMISSION.lbw, async (accounts, token) => {
    const { largeBlobKey, ...account } = accountWithKey(accounts, prefix);
    const { authenticator, info } = key.session;
    const others = (await read(key)).filter((element) => openLargeBlob(largeBlobKey, element) === null);
    const own = blob === null ? [] : [sealLargeBlob(largeBlobKey, blob, key.ceremony.entropy)];
    await writeLargeBlobArray(authenticator, info, [...others, ...own], token, { signal: key.ceremony.signal });
    return { ...account, largeBlobKey };
  });
}

/** In the place of what was there. @throws {ERR_CTAP_STORAGE_FULL | ERR_CTAP_NO_SUCH_ID} */
export const setBlob = (key: OpenKey, prefix: string, blob: Uint8Array): Promise<Account> => rewrite(key, prefix, blob);

/** @param confirm rejects where the person does not want it @throws {ERR_CTAP_NO_SUCH_ID} */
export async function deleteBlob(
  key: OpenKey,
  prefix: string,
  confirm: (account: Account) => Promise<void>,
): Promise<Account> {
  requireBlobs(key);
  const wanted = await withAccounts(key, 0, async (accounts) => {
    const account = accountWithKey(accounts, prefix);
    if (!(await read(key)).some((element) => opens(account, element))) throw nothing();
    return account;
  });
  await confirm(wanted);
  // Read anew: a person takes time, and other programs write too.
  return await rewrite(key, toHex(wanted.id), null);
}
