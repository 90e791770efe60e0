/** `key credentials list|delete|rename`: the accounts that a key stores. */
import { toHex } from '../../../../drivers/base/bytes.ts';
import { type Account, deleteAccount, listAccounts, renameAccount } from '../../../keys/credentials.ts';
import type { OpenKey } from '../../../keys/session.ts';
import { requireTypedWord } from '../../confirm.ts';
import { oneLine } from '../../output.ts';
import type { KeyChoice } from './options.ts';
import type { KeyWork } from './person.ts';

type AccountChoice = Extract<KeyChoice, { name: `key credentials ${string}` }>;

/** CTAP 2.1 §12.1: when the key uses it without verifying its user. */
const PROTECTION: Readonly<Record<number, string>> = {
  1: 'usable without the PIN',
  2: 'found only with the PIN',
  3: 'usable only with the PIN',
};

const COSE_ALG_LABEL = 3;
const ALGORITHMS: ReadonlyMap<unknown, string> = new Map([
  [-7, 'ES256'],
  [-8, 'EdDSA'],
  [-257, 'RS256'],
]);

const partyName = ({ party }: Account): string =>
  oneLine(party.id ?? party.name ?? `unknown site ${toHex(party.idHash).slice(0, 16)}`);

const userName = ({ user }: Account): string => {
  const names = [user.name, user.displayName].filter((name) => name !== null && name !== '');
  return names.length === 0
    ? `user ${toHex(user.id).slice(0, 16)}`
    : names.map((name) => oneLine(name ?? '')).join(', ');
};

/** `alice at example.org`. */
export const accountWords = (account: Account): string => `${userName(account)} at ${partyName(account)}`;

/** Without the key for its large blobs, which is a secret. */
export const plainAccount = ({ id, user, party, credProtect, publicKey, largeBlobKey }: Account) => ({
  id: toHex(id),
  rpId: party.id,
  rpName: party.name,
  rpIdHash: toHex(party.idHash),
  userId: toHex(user.id),
  userName: user.name,
  displayName: user.displayName,
  credProtect,
  algorithm: typeof publicKey.get(COSE_ALG_LABEL) === 'number' ? Number(publicKey.get(COSE_ALG_LABEL)) : null,
  largeBlobs: largeBlobKey !== null,
});

function listed(accounts: readonly Account[]): readonly string[] {
  const out: string[] = [];
  let heading = '';
  for (const account of accounts) {
    const party = partyName(account);
    if (party !== heading) out.push(`${party}:`);
    heading = party;
    const algorithm = ALGORITHMS.get(account.publicKey.get(COSE_ALG_LABEL)) ?? 'unknown algorithm';
    const protection = account.credProtect === null ? [] : [PROTECTION[account.credProtect] ?? 'unknown protection'];
    out.push(`  ${userName(account)} (${[algorithm, ...protection].join(', ')})`, `    ${toHex(account.id)}`);
  }
  return out;
}

export async function accountsCommand({ context }: KeyWork, key: OpenKey, choice: AccountChoice): Promise<void> {
  const { output } = context;
  switch (choice.name) {
    case 'key credentials list': {
      const { accounts, stored, remaining } = await listAccounts(key, choice.rpId);
      output.result({ stored, remaining, accounts: accounts.map(plainAccount) }, () => [
        ...listed(accounts),
        `${stored} stored, room for ${remaining} more.`,
      ]);
      return;
    }
    case 'key credentials delete': {
      const gone = await deleteAccount(key, choice.id, async (account) => {
        if (choice.yes) return;
        const what = `This deletes ${accountWords(account)} from the security key for ever: nobody can log in with it again.`;
        await requireTypedWord(context, what, 'DELETE');
      });
      output.result({ deleted: plainAccount(gone) }, () => [`${accountWords(gone)} is deleted.`]);
      return;
    }
    case 'key credentials rename': {
      const { id, accountName: name, displayName } = choice;
      const account = await renameAccount(key, id, { name, displayName });
      output.result({ renamed: plainAccount(account) }, () => [`It is ${accountWords(account)} now.`]);
      return;
    }
  }
}
