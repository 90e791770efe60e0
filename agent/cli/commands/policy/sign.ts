/** `policy sign`: signs a policy document with an Ed25519 key; the machine that takes it knows the public half. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { UnlockdError } from '../../../../drivers/base/errors.ts';
import { formatDocument } from '../../../policy/forms/native-json.ts';
import { formatSignedDocument, signedBytes } from '../../../policy/forms/signed-document.ts';
import type { Context } from '../../context.ts';
import { readBytes, writeBytes } from '../../file-io.ts';
import { readPolicy } from './files.ts';
import type { PolicyFormsChoice } from './forms-options.ts';

type SignChoice = Extract<PolicyFormsChoice, { name: 'policy sign' }>;

/** @throws {ERR_CLI_FILE | ERR_CLI_USAGE} */
function privateKeyOf(path: string): KeyObject {
  const pem = readBytes(path);
  let key: KeyObject;
  try {
    key = createPrivateKey(Buffer.from(pem.buffer, pem.byteOffset, pem.length));
  } catch (cause) {
    throw new UnlockdError('ERR_CLI_USAGE', `${path} holds no private key in PEM without a passphrase`, { cause });
  } finally {
    pem.fill(0);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new UnlockdError('ERR_CLI_USAGE', `${path} is a key for ${key.asymmetricKeyType}; it has to be Ed25519`);
}

export function policySignCommand(context: Context, choice: SignChoice): void {
  const read = readPolicy([choice.file]);
  const { version } = choice;
  const document = formatDocument(read.document);
  const privateKey = privateKeyOf(choice.key);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const key = createHash('sha256').update(spki).digest('hex');
  const signature = new Uint8Array(sign(null, signedBytes({ version, document }), privateKey));
  const text = formatSignedDocument({ version, document, key, signature });
  if (choice.output !== null) writeBytes(choice.output, text);
  context.output.result(
    { version, key, ...(choice.output === null ? { signed: text } : { file: choice.output }) },
    () =>
      choice.output === null
        ? text.trimEnd().split('\n')
        : [`Version ${version}, signed by key ${key}, is in ${choice.output}.`],
  );
}
