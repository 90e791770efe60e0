/**
 * The form of a walkthrough, version 1: what is given, then steps with what is expected of each. It is the schema that
 * checks files, and the JSON Schema of docs/reference/ is generated from it. No secret stands in a walkthrough: PINs have
 * names, and whoever runs it makes them up.
 */
import * as z from 'zod';

/** Names of keys and PINs. */
const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name is a small letter, then letters, digits and -, at most 32');
const text = (longest: number) => z.string().min(1).max(longest);

/** A PIN that nobody has set. */
export const WRONG_PIN = 'wrong';

const pins = z
  .union([name, z.array(name).min(1).max(40)])
  .describe(
    'the PINs that are typed, by name, one for each time that it is asked for; `wrong`: one that nobody has set',
  );

const touch = z
  .enum(['always', 'never', 'pull'])
  .default('always')
  .describe('what the person does when the key waits for a touch: `pull` takes it out instead');

const within = z
  .int()
  .min(1)
  .max(600)
  .default(60)
  .describe('seconds after which the step is given up: a deadline, not a measurement');

const EVENT = /^(?:prompt [a-z-]+|secret [a-z-]+|insert|touch|progress|done|(?:refused|failed) ERR_[A-Z0-9_]+)$/;

const expectation = z
  .strictObject({
    verdict: z.enum(['granted', 'refused']).optional().describe('how it ends; left out: granted'),
    code: text(80).optional().describe('the error code that it ends with'),
    reason: text(200).optional().describe('words that stand in a reason at the end of the reason tree'),
    events: z
      .array(z.string().regex(EVENT, 'an event is e.g. `prompt pin`, `touch`, `refused ERR_PIN_WRONG`'))
      .min(1)
      .max(40)
      .optional()
      .describe('events that come, in this order; others may come between them'),
    state: z
      .enum(['none', 'locked', 'unlocked', 'recovery-needed'])
      .optional()
      .describe('of the container, afterwards'),
    keys: z.int().min(0).max(16).optional().describe('how many keys open the container, afterwards'),
  })
  .describe('what has to come of it');

const ceremony = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject({ ...shape, touch });

/** What each step does: its key in the file, and what stands there. */
export const ACTIONS = {
  insert: name.describe('plug the key in'),
  remove: name.describe('pull the key out'),
  lose: name.describe('the key is gone for the rest of the walkthrough'),
  daemon: z.enum(['kill', 'start', 'restart']).describe('kill: SIGKILL; restart: told to stop, then started'),
  enrol: ceremony({ pin: name.describe('how the new PIN is called from now on') }).describe('enrol the person'),
  unlock: ceremony({ pin: pins }).describe('unlock the container'),
  lock: z.literal(true).describe('lock the container'),
  changePin: ceremony({ from: pins, to: name }).describe('change the PIN'),
  recover: ceremony({ pin: name }).describe('with the recovery sheet; a new PIN and the keys that are plugged in'),
  addKey: ceremony({ pin: pins, key: name }).describe('enrol another key, beside one that opens the container'),
  revokeKey: ceremony({ pin: pins, key: name }).describe('the key opens nothing any more'),
} as const satisfies Readonly<Record<string, z.ZodType>>;
export type ActionName = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as readonly ActionName[];

/** Steps that a person asks of the daemon; the others are done to the machine. */
export const ASKS_DAEMON: ReadonlySet<ActionName> = new Set<ActionName>([
  'enrol',
  'unlock',
  'lock',
  'changePin',
  'recover',
  'addKey',
  'revokeKey',
]);

const shared = {
  note: text(400).optional().describe('why, in words; stands in the report'),
  within,
};

const askedStep = <N extends ActionName>(action: N) =>
  z.strictObject({ [action]: ACTIONS[action], ...shared, expect: expectation.optional() });
const doneStep = <N extends ActionName>(action: N) => z.strictObject({ [action]: ACTIONS[action], ...shared });

/** The schema of the step that has this action. */
export const stepSchema = (action: ActionName): z.ZodType =>
  ASKS_DAEMON.has(action) ? askedStep(action) : doneStep(action);

const given = z
  .strictObject({
    policy: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('a policy document as in policy.schema.json; left out: the one that a machine begins with'),
    keys: z
      .record(name, z.enum(['plugged', 'unplugged']))
      .default({})
      .describe('the security keys by name, and where they are when it begins'),
    enrolled: z
      .strictObject({ pin: name.describe('how the PIN is called'), key: name.describe('the key that was plugged in') })
      .optional()
      .describe('the person is enrolled before the first step; left out: is not'),
  })
  .describe('what is there before the first step');

const MAX_STEPS = 200;

/** All but the steps themselves, which are checked one by one for the sake of their errors. */
export const outerSchema = z.strictObject({
  walkthrough: z.literal(1).describe('the version of this form'),
  name: text(80).describe('what it shows, as a heading'),
  about: text(2000).describe('whom it is useful to, and what it proves'),
  given: given.prefault({}),
  steps: z.array(z.unknown()).min(1).max(MAX_STEPS).describe('in this order; each has one action'),
});

/** The whole form as one schema. */
export const walkthroughSchema = outerSchema.extend({
  steps: z
    .array(z.union(ACTION_NAMES.map(stepSchema)))
    .min(1)
    .max(MAX_STEPS)
    .describe('in this order; each has one action'),
});

type Action = {
  readonly [N in ActionName]: { readonly action: N; readonly value: z.output<(typeof ACTIONS)[N]> };
}[ActionName];
export type Step = Action & {
  readonly note: string | null;
  readonly withinSeconds: number;
  readonly expect: z.output<typeof expectation>;
};

export interface Walkthrough extends Omit<z.output<typeof outerSchema>, 'steps' | 'walkthrough'> {
  readonly steps: readonly Step[];
}

/** PINs in the order in which they are typed. */
export const pinsOf = (value: string | readonly string[]): readonly string[] =>
  typeof value === 'string' ? [value] : value;
