/** `key blobs list|get|set|delete`: what a key keeps for its accounts beside their keys. */
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import { type BlobOwner, deleteBlob, getBlob, listBlobs, type StoredBlob, setBlob } from '../../../keys/blobs.ts';
import type { Account } from '../../../keys/credentials.ts';
import { type KeyCeremony, withKey } from '../../../keys/session.ts';
import { requireTypedWord } from '../../confirm.ts';
import { readBytes, writeBytes } from '../../file-io.ts';
import { accountWords, plainAccount } from './accounts.ts';
import type { KeyChoice } from './options.ts';
import type { KeyWork } from './person.ts';

type BlobChoice = Extract<KeyChoice, { name: `key blobs ${string}` }>;
type GetChoice = Extract<BlobChoice, { name: 'key blobs get' }>;

const STDOUT = 1;
const PRIVATE = 0o600;

const bytesOf = (count: number | null): string => (count === null ? 'of unknown size' : `${count} bytes`);

const line = ({ account, bytes, storedBytes }: StoredBlob): string => {
  const whose = account === null ? 'of no account that the key stores' : accountWords(account);
  return `${bytesOf(bytes)} (packed ${bytesOf(storedBytes)}): ${whose}`;
};

/** `key:FILE` in the place of an id. */
const KEY_FILE = 'key:';
/** 32 bytes in base64, as fido2-token and fido2-assert have them. */
const BASE64_KEY = /^[A-Za-z0-9+/]{43}=\s*$/;

/** A file with 32 bytes, or with the base64 of them. */
function blobKeyIn(file: string): Uint8Array {
  const bytes = readBytes(file);
  const text = Buffer.from(bytes).toString('latin1');
  return BASE64_KEY.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : bytes;
}

const ownerOf = (id: string): BlobOwner =>
  id.startsWith(KEY_FILE) ? { blobKey: blobKeyIn(id.slice(KEY_FILE.length)) } : { id };
const whose = (account: Account | null): string => (account === null ? 'the key of the file' : accountWords(account));
const plainOwner = (account: Account | null) => (account === null ? null : plainAccount(account));

async function get({ context }: KeyWork, ceremony: KeyCeremony, { id, output: file }: GetChoice): Promise<void> {
  const { output, deps } = context;
  const raw = file === null && !output.json;
  if (raw && deps.descriptors.isTerminal(STDOUT)) {
    throw new UnlockdError('ERR_CLI_USAGE', 'a blob is bytes, not for a terminal: give -o FILE, --json, or a pipe');
  }
  const owner = ownerOf(id);
  const blob = await withKey(ceremony, (key) => getBlob(key, owner));
  if (raw) deps.descriptors.write(STDOUT, blob);
  else if (file === null) output.result({ base64: Buffer.from(blob).toString('base64'), bytes: blob.length }, () => []);
  else {
    // It is not known what is in it: for its owner alone.
    writeBytes(file, blob, PRIVATE);
    output.result({ file, bytes: blob.length }, () => [`${bytesOf(blob.length)} are in ${file}.`]);
  }
}

export async function blobsCommand(work: KeyWork, ceremony: KeyCeremony, choice: BlobChoice): Promise<void> {
  const { context } = work;
  const { output } = context;
  switch (choice.name) {
    case 'key blobs list': {
      const blobs = await withKey(ceremony, listBlobs);
      const plain = blobs.map(({ account, ...sizes }) => ({
        ...sizes,
        account: account === null ? null : plainAccount(account),
      }));
      output.result({ blobs: plain }, () =>
        blobs.length === 0 ? ['The security key keeps no large blob.'] : blobs.map(line),
      );
      return;
    }
    case 'key blobs get':
      return get(work, ceremony, choice);
    case 'key blobs set': {
      const [owner, blob] = [ownerOf(choice.id), readBytes(choice.file)];
      const account = await withKey(ceremony, (key) => setBlob(key, owner, blob));
      output.result({ bytes: blob.length, account: plainOwner(account) }, () => [
        `${bytesOf(blob.length)} are stored for ${whose(account)}.`,
      ]);
      return;
    }
    case 'key blobs delete': {
      const owner = ownerOf(choice.id);
      const account = await withKey(ceremony, (key) =>
        deleteBlob(key, owner, async (found) => {
          if (choice.yes) return;
          await requireTypedWord(context, `This deletes what the security key keeps for ${whose(found)}.`, 'DELETE');
        }),
      );
      output.result({ deleted: plainOwner(account) }, () => [`The blob of ${whose(account)} is deleted.`]);
      return;
    }
  }
}
