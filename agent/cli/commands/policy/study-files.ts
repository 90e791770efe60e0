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
import type { UsersChoice } from './study-options.ts';

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

/** Users as the policy is to be held against them, and whether a PIN is protected where they are. */
export interface Population {
  /** Null: nobody is known, people are made up. */
  readonly users: readonly UserFacts[] | null;
  readonly pinIsBound: boolean;
}

/**
 * @param pinIsBound as the line says it; of the users of this machine the daemon says it too
 * @throws {ERR_CLI_FILE | ERR_POLICY_USER_FACTS}
 */
export async function populationOf(context: Context, users: UsersChoice, pinIsBound: boolean): Promise<Population> {
  if (users === null) return { users, pinIsBound };
  if (users !== 'enrolled') return { users: named(users.file, parseUserFacts), pinIsBound };
  const { client, deps, output } = context;
  const facts = await client.policyFacts({ signal: deps.interrupted });
  for (const user of facts.unread)
    output.note(`nothing is known of ${user}: the container cannot be read`, { type: 'unread', user });
  return { users: parseUserFacts(JSON.stringify(facts.users)), pinIsBound: pinIsBound && facts.pinIsBound };
}
