/** The accounts that a key stores (discoverable credentials, CTAP 2.1 §6.8): whose they are, their names, their end. */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { PinUvAuthToken } from '../../drivers/fido2/client-pin.ts';
import {
  CredentialManagement,
  type CredentialsMetadata,
  type StoredCredential,
  type StoredRelyingParty,
} from '../../drivers/fido2/credential-management.ts';
import { malformed } from '../../drivers/fido2/fields.ts';
import { PERMISSION } from '../../drivers/fido2/wire/constants.ts';
import { CTAP_STATUS } from '../../drivers/fido2/wire/status-codes.ts';
import { byId } from './ids.ts';
import { type OpenKey, tokenFor } from './session.ts';

export interface Account extends StoredCredential {
  readonly party: StoredRelyingParty;
}

export interface StoredAccounts extends CredentialsMetadata {
  readonly accounts: readonly Account[];
}

/** How an account is called in lists and ids. */
const WHAT = 'the accounts on the security key';

/** More than any key stores; one that goes on would fill the memory. */
const MAX_ACCOUNTS = 4096;

/** Everything that is stored, under one token. */
async function accountsWith(
  management: CredentialManagement,
  key: OpenKey,
  wanted: (party: StoredRelyingParty) => boolean = () => true,
): Promise<readonly Account[]> {
  const options = { signal: key.ceremony.signal };
  const accounts: Account[] = [];
  for (const party of await management.relyingParties(options)) {
    if (!wanted(party)) continue;
    const credentials = await management.credentials(party.idHash, options);
    accounts.push(...credentials.map((credential) => ({ ...credential, party })));
    if (accounts.length > MAX_ACCOUNTS) throw malformed(`more than ${MAX_ACCOUNTS} accounts`);
  }
  return accounts;
}

/** @param also further permissions for the same token */
async function managed<T>(
  key: OpenKey,
  use: (management: CredentialManagement, token: PinUvAuthToken) => Promise<T>,
  also = 0,
): Promise<T> {
  const { authenticator, info } = key.session;
  // Before anybody types a PIN: whether the key can do it at all.
  CredentialManagement.require(info);
  using token = await tokenFor(key, PERMISSION.cm | also);
  return await use(new CredentialManagement(authenticator, info, token), token);
}

/**
 * @param rpId of one relying party only; null: of all
 * @throws {ERR_CTAP_UNSUPPORTED | ERR_CTAP_PIN_NOT_SET} and the codes of a wrong PIN
 */
export async function listAccounts(key: OpenKey, rpId: string | null): Promise<StoredAccounts> {
  return await managed(key, async (management) => {
    const metadata = await management.metadata({ signal: key.ceremony.signal });
    const accounts = await accountsWith(management, key, (party) => rpId === null || party.id === rpId);
    return { ...metadata, accounts };
  });
}

/**
 * Deletes one for ever.
 * @param prefix of its id, hexadecimal
 * @param confirm rejects where the person does not want it, knowing which it is
 * @throws {ERR_CTAP_NO_SUCH_ID}
 */
export async function deleteAccount(
  key: OpenKey,
  prefix: string,
  confirm: (account: Account) => Promise<void>,
): Promise<Account> {
  return await managed(key, async (management) => {
    const account = byId(await accountsWith(management, key), prefix, WHAT);
    const options = { signal: key.ceremony.signal };
    await confirm(account);
    try {
      await management.delete(account.id, options);
    } catch (error) {
      if (!isUnlockdError(error) || error.detail.status !== CTAP_STATUS.CTAP2_ERR_PIN_AUTH_INVALID) throw error;
      // §6.5.2.1: a token ends after a while, and the person took that long.
      await managed(key, (again) => again.delete(account.id, options));
    }
    return account;
  });
}

/** @param names null: as it is @throws {ERR_CTAP_NO_SUCH_ID | ERR_CTAP_UNSUPPORTED} */
export async function renameAccount(
  key: OpenKey,
  prefix: string,
  names: { readonly name: string | null; readonly displayName: string | null },
): Promise<Account> {
  return await managed(key, async (management) => {
    const account = byId(await accountsWith(management, key), prefix, WHAT);
    const name = names.name ?? account.user.name;
    const displayName = names.displayName ?? account.user.displayName;
    const user = { id: account.user.id, name, displayName };
    await management.updateUser(account.id, user, { signal: key.ceremony.signal });
    return { ...account, user };
  });
}

/**
 * Under one token with a further permission: all accounts, and what is to be done with them.
 * @throws as {@link listAccounts}
 */
export async function withAccounts<T>(
  key: OpenKey,
  permission: number,
  use: (accounts: readonly Account[], token: PinUvAuthToken) => Promise<T>,
): Promise<T> {
  return await managed(key, async (management, token) => use(await accountsWith(management, key), token), permission);
}
