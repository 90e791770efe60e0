/**
 * The form of a walkthrough, version 1: what is given, then steps with what is expected of each. It is the schema that
 * checks files, and the JSON Schema of docs/reference/ is generated from it. No secret stands in a walkthrough: PINs have
 * names, and whoever runs it makes them up.
 */
import * as z from 'zod';
import { event, expectation, outlook } from './expectation.ts';
import { given, handedOut, name, phoneState, policy, text } from './given.ts';

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

const finger = z
  .enum(['own', 'other', 'none'])
  .default('own')
  .describe('the finger that is put on the reader when it waits for one: `other` is one that it does not know');

const killAt = event
  .optional()
  .describe('the daemon is killed (SIGKILL) as soon as this event has come: the ceremony ends without a result');

const ceremony = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject({ ...shape, touch, finger, killAt });

/** One named thing and what becomes of it: `pocket: away`. */
const one = <T extends z.ZodType>(value: T) =>
  z
    .record(name, value)
    .refine((entries) => Object.keys(entries).length === 1, 'names one thing: make a step of each')
    .meta({ minProperties: 1, maxProperties: 1 });

/** What each step does: its key in the file, and what stands there. */
export const ACTIONS = {
  insert: name.describe('plug the key in'),
  remove: name.describe('pull the key out'),
  lose: name.describe('the key is gone for the rest of the walkthrough'),
  daemon: z.enum(['kill', 'start', 'restart']).describe('kill: SIGKILL; restart: told to stop, then started'),
  phone: one(phoneState).describe('where the phone is from now on'),
  join: name.describe('join this Wi-Fi'),
  leave: name.describe('leave the Wi-Fi that was joined'),
  accessPoint: one(z.enum(['on', 'off'])).describe('switch an access point'),
  cable: name.describe('put the cable of this network in; `out`: pull it out'),
  renumber: one(handedOut).describe('the network hands out these addresses from now on'),
  keyboard: z.enum(['idle', 'active']).describe('whether anybody uses keyboard and mouse'),
  wait: z.int().min(1).max(600).describe('seconds that pass, to show that nothing happens in them'),
  suspend: z.literal(true).describe('the machine sleeps and is woken'),
  tpm: z.literal('replace').describe('another TPM, which knows nothing'),
  restart: z.enum(['bluetoothd', 'NetworkManager']).describe('a daemon of the system is stopped and started'),
  setUp: z.literal(true).describe('root sets the machine up, as after another TPM was put in'),
  setPolicy: policy.describe('root sets another policy: a document as in policy.schema.json'),
  enrol: ceremony({
    pin: name.describe('how the new PIN is called from now on'),
    phone: name.optional().describe('a phone that is enrolled with it'),
  }).describe('enrol the person'),
  unlock: ceremony({
    pin: pins.optional().describe('left out: no PIN is known, and the person gives up where one is asked for'),
  }).describe('unlock the container'),
  lock: z.literal(true).describe('lock the container'),
  changePin: ceremony({ from: pins, to: name }).describe('change the PIN'),
  recover: ceremony({ pin: name }).describe('with the recovery sheet; a new PIN and the keys that are plugged in'),
  addKey: ceremony({ pin: pins, key: name }).describe('enrol another key, beside one that opens the container'),
  revokeKey: ceremony({ pin: pins, key: name }).describe('the key opens nothing any more'),
  addPhone: ceremony({ pin: pins, phone: name }).describe('enrol a phone that is paired, for the person'),
  removePhone: name.describe('the phone counts for nobody any more'),
  addFinger: ceremony({ pin: pins }).describe('what the reader recognises counts for the container from now on'),
} as const satisfies Readonly<Record<string, z.ZodType>>;
export type ActionName = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as readonly ActionName[];

/** `cable: out` */
export const NO_CABLE = 'out';

/** Steps that are asked of the daemon; the others are done to the machine. */
export const ASKS_DAEMON: ReadonlySet<ActionName> = new Set<ActionName>([
  'setUp',
  'setPolicy',
  'enrol',
  'unlock',
  'lock',
  'changePin',
  'recover',
  'addKey',
  'revokeKey',
  'addPhone',
  'removePhone',
  'addFinger',
]);

const shared = {
  note: text(400).optional().describe('why, in words; stands in the report'),
  within,
};

const askedStep = <N extends ActionName>(action: N) =>
  z.strictObject({ [action]: ACTIONS[action], ...shared, expect: expectation.optional() });
const doneStep = <N extends ActionName>(action: N) =>
  z.strictObject({ [action]: ACTIONS[action], ...shared, expect: outlook.optional() });

/** The schema of the step that has this action. */
export const stepSchema = (action: ActionName): z.ZodType =>
  ASKS_DAEMON.has(action) ? askedStep(action) : doneStep(action);

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

export type CeremonyStep = Extract<Step, { readonly value: { readonly touch: unknown } }>;

/** Whether a person takes part in it. */
export const isCeremony = (step: Step): step is CeremonyStep =>
  typeof step.value === 'object' && Object.hasOwn(step.value, 'touch') && step.action !== 'setPolicy';

/** PINs in the order in which they are typed. */
export const pinsOf = (value: string | readonly string[] = []): readonly string[] =>
  typeof value === 'string' ? [value] : value;

/** The one entry of `pocket: away`. */
export function entryOf<V>(value: Readonly<Record<string, V>>): readonly [name: string, value: V] {
  const [entry] = Object.entries(value);
  if (entry === undefined) throw new TypeError('the schema lets no empty entry in');
  return entry;
}
