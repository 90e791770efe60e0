/** What the looking commands read: a policy of a file or of the daemon, a trace, what users have enrolled. */
import { isUnlockdError, UnlockdError } from '../../../../drivers/base/errors.ts';
import { checkedDocument } from '../../../policy/forms/native-json.ts';
import { parseTrace } from '../../../policy/forms/trace.ts';
import { parseUserFacts } from '../../../policy/forms/user-facts.ts';
import type { PolicyDocument } from '../../../policy/model.ts';
import type { UserFacts } from '../../../policy/study/risk.ts';
import type { Trace } from '../../../policy/study/trace.ts';
import type { Context } from '../../context.ts';
import { readBytes } from '../../file-io.ts';
import { readPolicy } from './files.ts';

export const nameOf = (path: string): string => (path === '-' ? 'standard input' : path);

/** @param file null: the policy of this machine */
export async function documentOf(context: Context, file: string | null): Promise<PolicyDocument> {
  if (file !== null) return readPolicy([file]).document;
  return checkedDocument((await context.client.policy({ signal: context.deps.interrupted })).document);
}

/** The error with the name of the file in front. */
function named<T>(path: string, read: (text: string) => T): T {
  const text = Buffer.from(readBytes(path)).toString('utf8');
  try {
    return read(text);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    const detail = { path, ...error.detail };
    throw new UnlockdError(error.code, `${nameOf(path)}: ${error.message}`, { detail, cause: error });
  }
}

/** @throws {ERR_CLI_FILE | ERR_POLICY_TRACE} */
export const traceOf = (path: string): Trace => named(path, parseTrace);

/** @throws {ERR_CLI_FILE | ERR_POLICY_USER_FACTS} */
export const usersOf = (path: string): readonly UserFacts[] => named(path, parseUserFacts);
