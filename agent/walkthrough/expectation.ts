/** What is expected of a step: how a ceremony ends, and what is looked at afterwards. */
import * as z from 'zod';
import { text } from './given.ts';

const EVENT =
  /^(?:prompt [a-z-]+|secret [a-z-]+|insert|touch|(?:biometric|waiting)(?: [a-z]+)?|progress|done|(?:refused|failed) ERR_[A-Z0-9_]+)$/;
export const event = z.string().regex(EVENT, 'an event is e.g. `prompt pin`, `touch`, `refused ERR_PIN_WRONG`');

/** What is looked at after a step. */
const OUTLOOK = {
  state: z.enum(['none', 'locked', 'unlocked', 'recovery-needed']).optional().describe('of the container'),
  keys: z.int().min(0).max(16).optional().describe('how many keys open the container'),
  signals: z
    .strictObject({
      bluetooth: z.enum(['proved', 'not-proved', 'unavailable']).optional().describe('a phone of the person'),
      wifi: z.enum(['associated', 'none', 'unavailable']).optional(),
      ipConfig: z
        .enum(['connected', 'none', 'unavailable'])
        .optional()
        .describe('an Ethernet interface with addresses'),
    })
    .optional()
    .describe('what the machine senses'),
  rules: z
    .record(z.string().min(1).max(80), z.enum(['hold', 'fail']))
    .optional()
    .describe('rules of the policy by name, as `unlockctl policy explain` has them'),
  dynamicLock: z
    .enum(['off', 'cannot', 'never-seen', 'near', 'away', 'locked'])
    .optional()
    .describe('what dynamic lock does for the person'),
  log: z
    .array(z.string().regex(/^[a-z][a-z-]{0,63}$/, 'an event of the audit log is e.g. `dynamic-lock`'))
    .min(1)
    .max(40)
    .optional()
    .describe('events that the audit log got since the step began, in this order; others may stand between them'),
} as const;

export const outlook = z
  .strictObject(OUTLOOK)
  .describe('what has to come of it: it is looked at until it is so, or the step is given up after `within`');

export const expectation = z
  .strictObject({
    verdict: z.enum(['granted', 'refused']).optional().describe('how it ends; left out: granted'),
    code: text(80).optional().describe('the error code that it ends with'),
    reason: text(200).optional().describe('words that stand in a reason at the end of the reason tree'),
    events: z
      .array(event)
      .min(1)
      .max(40)
      .optional()
      .describe('events that come, in this order; others may come between them'),
    ...OUTLOOK,
  })
  .describe('what has to come of it');
