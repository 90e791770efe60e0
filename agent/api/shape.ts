/**
 * Checks what the daemon answered against the types of `ports.ts`. The client cannot afford zod (it would triple the
 * time of `unlockctl status`), so a shape is a small value: a type's name, an object of shapes, or a list of one.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';

type Leaf = 'string' | 'number' | 'boolean' | 'string?' | 'number?' | 'boolean?' | 'unknown';
export type Shape = Leaf | { readonly [key: string]: Shape } | readonly [Shape] | Nullable;
interface Nullable {
  readonly nullOr: Shape;
}

export const nullOr = (shape: Shape): Nullable => ({ nullOr: shape });

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNullable = (shape: object): shape is Nullable => Object.hasOwn(shape, 'nullOr');

/** Where `value` departs from `shape`; null: nowhere. Members that the shape does not name are let be. */
function departure(value: unknown, shape: Shape, at: string): string | null {
  if (typeof shape === 'string') {
    if (shape === 'unknown' || (shape.endsWith('?') && value === null)) return null;
    return typeof value === shape.replace('?', '') ? null : at;
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return at;
    const [item] = shape as readonly [Shape];
    return value.reduce<string | null>((found, each, i) => found ?? departure(each, item, `${at}[${i}]`), null);
  }
  if (isNullable(shape)) return value === null ? null : departure(value, shape.nullOr, at);
  if (!isRecord(value)) return at;
  for (const [key, inner] of Object.entries(shape as { readonly [key: string]: Shape })) {
    const found = departure(Object.hasOwn(value, key) ? value[key] : undefined, inner, `${at}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/**
 * @returns `value` as the type that `shape` stands for
 * @throws {ERR_CLI_ANSWER_INVALID} naming the member that is not as expected
 */
export function shaped<T>(value: unknown, shape: Shape, what: string): T {
  const found = departure(value, shape, what);
  if (found !== null) throw new UnlockdError('ERR_CLI_ANSWER_INVALID', `${found} is not as expected`);
  return value as T;
}

export const REFUSAL: Shape = { code: 'string', message: 'string', cure: 'string', detail: {} };

export const STATUS: Shape = {
  version: 'string',
  tpm: {
    description: 'string',
    manufacturer: 'string?',
    testDouble: 'string?',
    reachable: 'boolean',
    setUp: 'boolean',
    lockout: nullOr({
      counter: 'number',
      maxTries: 'number',
      recoverySeconds: 'number',
      lockoutAuthSet: 'boolean',
      lockedForSeconds: 'number',
      guessesPerDay: 'number?',
    }),
    problem: nullOr(REFUSAL),
  },
  own: {
    uid: 'number',
    user: 'string',
    state: 'string',
    unlockedUntil: 'number?',
    policy: 'string?',
    policyPending: 'boolean',
    strength: 'string?',
    opensWith: 'string?',
    pinTriesLeft: 'number?',
    epoch: 'number?',
    keys: 'number',
  },
};

export const USERS: Shape = [
  { uid: 'number', user: 'string', state: 'string', strength: 'string?', policyPending: 'boolean' },
];

export const POLICY: Shape = {
  document: 'unknown',
  words: 'string',
  branches: [{ factors: ['string'], strength: 'string', words: 'string' }],
  authority: 'string',
  signed: nullOr({ version: 'number', key: 'string' }),
  pending: ['string'],
  warnings: ['string'],
};

const SIGNAL: Shape = {
  kind: 'string',
  state: 'string',
  source: 'string',
  observedAt: 'number',
  validFor: 'number',
  simulated: 'boolean',
};

export const PHONES: Shape = {
  phones: [
    {
      address: 'string',
      name: 'string?',
      uid: 'number?',
      enrolledAt: 'number?',
      paired: 'boolean?',
      key: 'string?',
      pinned: 'boolean?',
    },
  ],
  problem: nullOr(REFUSAL),
};

export const SIGNALS: Shape = { now: 'number', signals: [SIGNAL], gestures: [SIGNAL] };

/** By the type of the event. */
export const SIGNAL_CHANGES: Readonly<Record<string, Shape>> = {
  signal: { now: 'number', signal: SIGNAL },
  gesture: { now: 'number', signal: SIGNAL },
  lost: { now: 'number', kind: 'string' },
};

export const FACTS: Shape = {
  pinIsBound: 'boolean',
  users: [{ user: 'string', gestures: ['string'], keys: 'number', phones: 'number' }],
  unread: ['string'],
};

export const EXPLANATION: Shape = {
  of: 'string',
  context: 'string',
  words: 'string',
  verdict: 'string',
  reasons: [{ depth: 'number', ok: 'boolean', text: 'string' }],
  missing: [['string']],
  missingWords: 'string',
};

export const CONFIGURATION: Shape = [
  { key: 'string', value: 'string', unit: 'string', default: 'string', origin: 'string' },
];

export const AUDIT: Shape = { seq: 'number', at: 'string', event: 'string', uid: 'number?', detail: {} };

/** By the type of the event. */
export const EVENTS: Readonly<Record<string, Shape>> = {
  prompt: { slot: 'string', text: 'string', triesLeft: 'number?' },
  insert: { text: 'string' },
  touch: { text: 'string', device: 'string' },
  biometric: { modality: 'string', text: 'string', again: 'string?' },
  waiting: { factor: 'string', text: 'string', reasons: [{ depth: 'number', ok: 'boolean', text: 'string' }] },
  progress: { step: 'string' },
  refused: { refusal: REFUSAL },
  secret: { slot: 'string', text: 'string' },
  done: { result: {} },
  failed: { refusal: REFUSAL, reasons: [{ depth: 'number', ok: 'boolean', text: 'string' }] },
};
