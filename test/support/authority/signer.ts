/**
 * The policy authority of managed machines, as a program of its own that alone holds the private key: a signing request
 * on standard input, an approval on standard output. It stands for whatever an administrator keeps the key in.
 *
 *   signer.js --key FILE [--policy FILE]
 *
 * What was signed is remembered in FILE.signed. With `--policy` it signs for no other policy document than that one. A
 * refusal is one line of JSON on standard error and exit status 1.
 */
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { approveRequest } from '../../../agent/container/authority/signing-approval.ts';
import { parseRequest } from '../../../agent/container/authority/signing-request.ts';
import { formatDocument, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import { MemoryFile } from './memory-file.ts';

const refuse = (reason: string): UnlockdError =>
  new UnlockdError('ERR_AUTHORITY_REFUSED', `the policy authority refuses to sign: ${reason}`);

/** The key, if nobody but its owner can read it. */
function privateKey(path: string): string {
  const { mode } = statSync(path);
  if ((mode & 0o077) !== 0) throw new TypeError(`${path} may be read by others: chmod 600`);
  return readFileSync(path, 'utf8');
}

/** What this signer is told to sign; that a request says what its document says is a rule of the product. */
function judge(request: string, allowed: string | null): void {
  const { document, wants } = parseRequest(request);
  if (wants === 'first-write' || allowed === null) return;
  if (formatDocument(parseDocument(document)) !== formatDocument(parseDocument(allowed)))
    throw refuse('it is not the policy that is to be signed');
}

const { values } = parseArgs({ options: { key: { type: 'string' }, policy: { type: 'string' } } });
try {
  const key = privateKey(values.key ?? '');
  const request = readFileSync(0, 'utf8');
  judge(request, values.policy === undefined ? null : readFileSync(values.policy, 'utf8'));
  await using memory = await MemoryFile.open(`${values.key}.signed`);
  process.stdout.write(`${await approveRequest(request, key, memory)}\n`);
} catch (error) {
  const code = isUnlockdError(error) ? error.code : 'failed';
  process.stderr.write(
    `${JSON.stringify({ code, message: error instanceof Error ? error.message : String(error) })}\n`,
  );
  process.exitCode = 1;
}
