/**
 * The product's own form of the policy: a JSON document, checked strictly. Unknown keys, duplicates and values out of
 * range are errors that name the element; what is left out has its default. Windows rule V2 holds here too: a phone
 * or a network may stand in `then` only, as an unlock begins with something that a person does.
 */
import * as z from 'zod';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { FACTOR_KINDS } from '../../../drivers/signal.ts';
import { DEFAULT_PIN_RULES, DEFAULT_POLICY, type UnlockPolicy } from '../model.ts';

/** Size limit of a policy document, in UTF-16 units. */
export const MAX_POLICY_LENGTH = 16_384;

const factor = z.enum(FACTOR_KINDS);

const factorList = z
  .array(factor)
  .min(1)
  .max(FACTOR_KINDS.length)
  .superRefine((list, context) => {
    for (const [i, kind] of list.entries()) {
      if (list.indexOf(kind) !== i) context.addIssue({ code: 'custom', path: [i], message: `${kind} is listed twice` });
    }
  });

const firstList = factorList.superRefine((list, context) => {
  for (const [i, kind] of list.entries()) {
    if (kind === 'phone' || kind === 'network') {
      context.addIssue({ code: 'custom', path: [i], message: `${kind} may stand in "then" only` });
    }
  }
});

const rule = z.enum(['allowed', 'required', 'disallowed']);

const pinRules = z
  .strictObject({
    minLength: z.int().min(4).max(127).default(DEFAULT_PIN_RULES.minLength),
    maxLength: z.int().min(4).max(127).default(DEFAULT_PIN_RULES.maxLength),
    digits: rule.default(DEFAULT_PIN_RULES.digits),
    lowercase: rule.default(DEFAULT_PIN_RULES.lowercase),
    uppercase: rule.default(DEFAULT_PIN_RULES.uppercase),
    special: rule.default(DEFAULT_PIN_RULES.special),
    refuseSimple: z.boolean().default(DEFAULT_PIN_RULES.refuseSimple),
    history: z.int().min(0).max(50).default(DEFAULT_PIN_RULES.history),
    expiryDays: z.int().min(0).max(730).default(DEFAULT_PIN_RULES.expiryDays),
  })
  .superRefine((pin, context) => {
    if (pin.minLength >= pin.maxLength) {
      context.addIssue({ code: 'custom', path: ['minLength'], message: 'has to be below maxLength' });
    }
    if ([pin.digits, pin.lowercase, pin.uppercase, pin.special].every((r) => r === 'disallowed')) {
      context.addIssue({ code: 'custom', path: ['digits'], message: 'one class of characters has to be left' });
    }
  });

/** Seconds; at most a day, as nothing observed says anything for longer. */
const freshness = z.partialRecord(factor, z.number().positive().max(86_400));

export const policySchema = z.strictObject({
  version: z.literal(1),
  first: firstList,
  // biome-ignore lint/suspicious/noThenProperty: list B; an array, which nothing can mistake for a promise
  then: factorList,
  acceptAsserted: z.boolean().default(DEFAULT_POLICY.acceptAsserted),
  freshnessSeconds: freshness.default({}),
  securityKey: z
    .strictObject({ userVerification: z.enum(['required', 'preferred', 'discouraged']) })
    .default(DEFAULT_POLICY.securityKey),
  pin: pinRules.default(DEFAULT_PIN_RULES),
});

const elementOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  );

const freeze = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
};

const invalid = (message: string, element: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_POLICY_INVALID', message, { detail: { element }, cause });

/**
 * Reads a policy document.
 * @param text JSON, at most {@link MAX_POLICY_LENGTH} units
 * @throws {ERR_POLICY_INVALID} with the element in `detail.element` (`then[1]`, `pin.minLength`)
 */
export function parsePolicy(text: string): UnlockPolicy {
  if (text.length > MAX_POLICY_LENGTH) {
    throw invalid(`the document is longer than ${MAX_POLICY_LENGTH} characters`, '(document)');
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalid(`the document is not JSON: ${error instanceof Error ? error.message : ''}`, '(document)', error);
  }
  const result = policySchema.safeParse(document);
  if (result.success) return freeze(result.data);
  const issue = result.error.issues[0];
  const unknownKey = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])];
  const element = elementOf(path) || '(document)';
  throw invalid(`${element}: ${unknownKey === undefined ? issue?.message : 'there is no such element'}`, element);
}

/** The document of a policy, every element written out, keys in a fixed order: equal policies have equal text. */
export function formatPolicy(policy: UnlockPolicy): string {
  return JSON.stringify(policySchema.parse(policy));
}
