/** What a key keeps for its accounts beside their keys (large blobs, CTAP 2.1 §6.10), encrypted under a key of each account. */
import { toHex } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { PinUvAuthToken } from '../../drivers/fido2/client-pin.ts';
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
import { type OpenKey, tokenWherePossible } from './session.ts';

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

/** Whose blob: an account's on the key, by the beginning of its id; or whoever's whose 32 bytes of a key are at hand. */
export type BlobOwner = { readonly id: string } | { readonly blobKey: Uint8Array };

/** What is behind an owner: the key of the blob, and the account where it was found by one. */
interface Owned {
  readonly account: Account | null;
  readonly blobKey: Uint8Array;
}

const BLOB_KEY_LENGTH = 32;

/** With the key of a blob nothing else of the security key is asked; with an id its accounts are. */
async function withOwner<T>(
  key: OpenKey,
  owner: BlobOwner,
  permission: number,
  use: (owned: Owned, token: PinUvAuthToken | null) => Promise<T>,
): Promise<T> {
  requireBlobs(key);
  if ('id' in owner) {
    return await withAccounts(key, permission, async (accounts, token) => {
      const account = accountWithKey(accounts, owner.id);
      return await use({ account, blobKey: account.largeBlobKey }, token);
    });
  }
  const { blobKey } = owner;
  if (blobKey.length !== BLOB_KEY_LENGTH) {
    throw new UnlockdError(
      'ERR_CLI_FILE',
      `the key of a large blob has ${BLOB_KEY_LENGTH} bytes, not ${blobKey.length}`,
    );
  }
  using token = permission === 0 ? null : await tokenWherePossible(key, permission);
  return await use({ account: null, blobKey }, token);
}

/** @throws {ERR_CTAP_NO_SUCH_ID | ERR_CTAP_UNSUPPORTED | ERR_CLI_FILE} */
export async function getBlob(key: OpenKey, owner: BlobOwner): Promise<Uint8Array> {
  return await withOwner(key, owner, 0, async ({ blobKey }) => {
    for (const element of await read(key)) {
      const blob = openLargeBlob(blobKey, element);
      if (blob !== null) return blob;
    }
    throw nothing();
  });
}

/** Rewrites the array; elements of others stay as they are. @param blob null: none any more */
async function rewrite(key: OpenKey, owner: BlobOwner, blob: Uint8Array | null): Promise<Account | null> {
  return await withOwner(key, owner, PERMISSION.lbw, async ({ account, blobKey }, token) => {
    const { authenticator, info } = key.session;
    const others = (await read(key)).filter((element) => openLargeBlob(blobKey, element) === null);
    const own = blob === null ? [] : [sealLargeBlob(blobKey, blob, key.ceremony.entropy)];
    await writeLargeBlobArray(authenticator, info, [...others, ...own], token, { signal: key.ceremony.signal });
    return account;
  });
}

/** In the place of what was there. @returns null: of no account @throws {ERR_CTAP_STORAGE_FULL | ERR_CTAP_NO_SUCH_ID} */
export const setBlob = (key: OpenKey, owner: BlobOwner, blob: Uint8Array): Promise<Account | null> =>
  rewrite(key, owner, blob);

/** @param confirm rejects where the person does not want it @throws {ERR_CTAP_NO_SUCH_ID} */
export async function deleteBlob(
  key: OpenKey,
  owner: BlobOwner,
  confirm: (account: Account | null) => Promise<void>,
): Promise<Account | null> {
  const wanted = await withOwner(key, owner, 0, async ({ account, blobKey }) => {
    if (!(await read(key)).some((element) => openLargeBlob(blobKey, element) !== null)) throw nothing();
    return account;
  });
  await confirm(wanted);
  // Read anew: a person takes time, and other programs write too.
  return await rewrite(key, wanted === null ? owner : { id: toHex(wanted.id) }, null);
}
