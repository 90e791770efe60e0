/**
 * Version 1 of the native document, two lists without rules. It is read as version 2; its phone and network have no
 * rules and so never hold.
 */
import * as z from 'zod';
import { FACTOR_KINDS, type FactorKind } from '../../../drivers/signal.ts';
import { DEFAULT_PIN_RULES } from '../model.ts';
import { pinRules, seconds, securityKey } from './native-schema.ts';

const factors = z
  .array(z.enum(FACTOR_KINDS))
  .min(1)
  .max(FACTOR_KINDS.length)
  .superRefine((list, context) => {
    for (const [i, kind] of list.entries()) {
      if (list.indexOf(kind) !== i) context.addIssue({ code: 'custom', path: [i], message: `${kind} is listed twice` });
    }
  });

const firstFactors = factors.superRefine((list, context) => {
  for (const [i, kind] of list.entries()) {
    if (kind === 'phone' || kind === 'network') {
      context.addIssue({ code: 'custom', path: [i], message: `${kind} may stand in "then" only` });
    }
  }
});

const SIGNALS_OF: Partial<Record<FactorKind, readonly string[]>> = {
  phone: ['bluetooth'],
  network: ['ipConfig', 'wifi'],
};

export const documentV1 = z
  .strictObject({
    version: z.literal(1),
    first: firstFactors,
    // biome-ignore lint/suspicious/noThenProperty: list B; an array, which nothing can mistake for a promise
    then: factors,
    acceptAsserted: z.boolean().default(false),
    freshnessSeconds: z.partialRecord(z.enum(FACTOR_KINDS), seconds).default({}),
    securityKey,
    pin: pinRules.default(DEFAULT_PIN_RULES),
  })
  .transform(({ first, then: second, acceptAsserted, freshnessSeconds, securityKey: key, pin }) => ({
    version: 2,
    contexts: { unlock: { require: { all: [{ any: first }, { any: second }] }, acceptAsserted } },
    freshnessSeconds: Object.fromEntries(
      Object.entries(freshnessSeconds).flatMap(([factor, limit]) =>
        (SIGNALS_OF[factor as FactorKind] ?? [factor]).map((kind) => [kind, limit]),
      ),
    ),
    securityKey: key,
    pin,
  }));
