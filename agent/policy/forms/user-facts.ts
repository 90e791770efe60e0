/** Reads what users have enrolled, as JSON that an administrator wrote: strict, bounded, errors with the element. */
import * as z from 'zod';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { GESTURE_KINDS } from '../../../drivers/signal.ts';
import type { UserFacts } from '../study/risk.ts';

const MAX_USERS = 10_000;
/** UTF-16 units of a file. */
const MAX_LENGTH = 4 * 1024 * 1024;

const user = z
  .strictObject({
    user: z.string().min(1).max(256),
    gestures: z.array(z.enum(GESTURE_KINDS)).max(GESTURE_KINDS.length),
    keys: z.int().min(0).max(64).optional(),
    phones: z.int().min(0).max(64).default(0),
  })
  .transform(({ keys, ...rest }) => ({ ...rest, keys: keys ?? (rest.gestures.includes('securityKey') ? 1 : 0) }))
  .refine(({ gestures, keys }) => gestures.includes('securityKey') === keys > 0, {
    path: ['keys'],
    message: 'is to be above 0 just where securityKey is among the gestures',
  });

const facts = z.array(user).max(MAX_USERS);

const invalid = (message: string, element: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_POLICY_USER_FACTS', message, { detail: { element }, cause });

/**
 * @param text a JSON array of `{"user": "alice", "gestures": ["pin", "securityKey"], "keys": 2, "phones": 1}`
 * @throws {ERR_POLICY_USER_FACTS} with the element in `detail.element`
 */
export function parseUserFacts(text: string): readonly UserFacts[] {
  if (text.length > MAX_LENGTH) throw invalid(`longer than ${MAX_LENGTH} characters`, '(document)');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid('this is not JSON', '(document)', cause);
  }
  const result = facts.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const element = issue === undefined || issue.path.length === 0 ? '(document)' : issue.path.join('.');
  throw invalid(`${element}: ${issue?.message ?? 'is not well-formed'}`, element, result.error);
}
