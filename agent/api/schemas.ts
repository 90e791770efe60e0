/**
 * The shapes of the API as zod schemas: what comes in is checked against them, and the OpenAPI document is generated
 * from them. They describe the types of `ports.ts`; the compiler holds both together at the end of this file.
 */
import { z } from '@hono/zod-openapi';
import {
  type AuditEvent,
  type CeremonyEvent,
  type CeremonyRequest,
  type ConfigRow,
  type PhonesView,
  type PolicyExplanation,
  type PolicyFacts,
  type PolicyView,
  type Refusal,
  SECRET_SLOTS_IN,
  SECRET_SLOTS_OUT,
  type SignalChange,
  type SignalsView,
  type Status,
  type UserLine,
} from './ports.ts';
import { PURPOSE, PURPOSE_WORDS, UNLOCK_CONTEXTS } from './purpose.ts';

const DAY_SECONDS = 86_400;
/** The largest uid; -1 as an unsigned number means "no uid" to the kernel. */
const MAX_UID = 0xffff_fffe;

const uid = z.int().min(0).max(MAX_UID);
export const uidSchema = uid;
const detail = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

export const contextSchema = z.enum(UNLOCK_CONTEXTS);

export const purposeSchema = z.string().regex(PURPOSE, { error: PURPOSE_WORDS });

/** `aa:bb:cc:dd:ee:ff` */
export const addressSchema = z.string().regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/);

export const ceremonyIdSchema = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_-]+$/);

export const ceremonyRequestSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('setup') }),
    z.strictObject({ kind: z.literal('lockout-reset') }),
    z.strictObject({ kind: z.literal('enrol'), phone: addressSchema.exactOptional() }),
    z.strictObject({
      kind: z.literal('unlock'),
      purpose: purposeSchema.nullable().default(null),
      forSeconds: z
        .int()
        .min(1)
        .max(30 * DAY_SECONDS)
        .nullable()
        .default(null),
      context: contextSchema.exactOptional(),
    }),
    z.strictObject({
      kind: z.literal('earlier-key'),
      purpose: purposeSchema,
      earlier: z.int().min(1).max(8),
      context: contextSchema.exactOptional(),
    }),
    z.strictObject({ kind: z.literal('pin-change') }),
    z.strictObject({ kind: z.literal('recover'), phone: addressSchema.exactOptional() }),
    z.strictObject({
      kind: z.literal('key-add'),
      name: z
        .string()
        .regex(/^[\p{L}\p{N}\p{P}\p{S} ]{1,64}$/u)
        .nullable()
        .default(null),
    }),
    z.strictObject({ kind: z.literal('key-revoke'), id: z.string().regex(/^[0-9a-f]{8}$/) }),
    z.strictObject({ kind: z.literal('phone-add'), address: addressSchema }),
    z.strictObject({ kind: z.enum(['biometric-add', 'biometric-remove']), modality: z.enum(['fingerprint', 'face']) }),
    z.strictObject({ kind: z.literal('unenrol'), uid: uid.nullable().default(null) }),
    z.strictObject({ kind: z.literal('policy-apply'), document: z.string().min(1).max(200_000) }),
  ])
  .openapi('CeremonyRequest');

export const refusalSchema = z
  .object({ code: z.string(), message: z.string(), cure: z.string(), detail })
  .openapi('Refusal');

const reasonSchema = z.object({ depth: z.int().min(0), ok: z.boolean(), text: z.string() });

export const ceremonyEventSchema = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('prompt'),
      slot: z.enum(SECRET_SLOTS_IN),
      text: z.string(),
      triesLeft: z.int().nullable(),
      groups: z.array(z.int().min(1)).readonly().exactOptional(),
    }),
    z.object({ type: z.literal('insert'), text: z.string() }),
    z.object({ type: z.literal('touch'), text: z.string(), device: z.string() }),
    z.object({
      type: z.literal('biometric'),
      modality: z.enum(['fingerprint', 'face']),
      text: z.string(),
      again: z.string().nullable(),
    }),
    z.object({
      type: z.literal('waiting'),
      factor: z.enum(['phone', 'network']),
      text: z.string(),
      reasons: z.array(reasonSchema).readonly(),
    }),
    z.object({ type: z.literal('progress'), step: z.string() }),
    z.object({ type: z.literal('refused'), refusal: refusalSchema }),
    z.object({ type: z.literal('secret'), slot: z.enum(SECRET_SLOTS_OUT), text: z.string() }),
    z.object({ type: z.literal('done'), result: z.record(z.string(), z.unknown()) }),
    z.object({ type: z.literal('failed'), refusal: refusalSchema, reasons: z.array(reasonSchema).readonly() }),
  ])
  .openapi('CeremonyEvent');

const containerState = z.enum(['none', 'pending-signature', 'locked', 'unlocked', 'recovery-needed']);
const strength = z.enum(['bound-2', 'bound-1', 'asserted']).nullable();

const containerStatusSchema = z
  .object({
    uid,
    user: z.string(),
    state: containerState,
    unlockedUntil: z.number().nullable().openapi({ description: 'milliseconds since 1970-01-01T00:00:00Z' }),
    policy: z.string().nullable(),
    policyPending: z.boolean(),
    strength,
    opensWith: z.string().nullable(),
    pinTriesLeft: z.int().nullable(),
    epoch: z.int().nullable(),
    keys: z.int(),
    securityKeys: z
      .array(z.object({ id: z.string(), label: z.string(), model: z.string(), userVerification: z.boolean() }))
      .readonly()
      .exactOptional(),
    contexts: z
      .array(
        z.object({
          context: contextSchema,
          unlocked: z.boolean(),
          policy: z.string(),
          strength,
          opensWith: z.string(),
        }),
      )
      .readonly()
      .exactOptional(),
  })
  .openapi('ContainerStatus');

const tpmStatusSchema = z
  .object({
    description: z.string(),
    manufacturer: z.string().nullable(),
    testDouble: z.string().nullable(),
    reachable: z.boolean(),
    setUp: z.boolean(),
    lockout: z
      .object({
        counter: z.int(),
        maxTries: z.int(),
        recoverySeconds: z.number(),
        lockoutAuthSet: z.boolean(),
        lockedForSeconds: z.number(),
        guessesPerDay: z.number().nullable(),
      })
      .nullable(),
    problem: refusalSchema.nullable(),
  })
  .openapi('TpmStatus');

export const statusSchema = z
  .object({
    version: z.string(),
    tpm: tpmStatusSchema,
    own: containerStatusSchema,
    dynamicLock: z
      .object({ state: z.enum(['off', 'cannot', 'never-seen', 'near', 'away', 'locked']), text: z.string() })
      .exactOptional(),
  })
  .openapi('Status');

export const userLineSchema = z
  .object({ uid, user: z.string(), state: containerState, strength, policyPending: z.boolean() })
  .openapi('UserLine');

export const policyViewSchema = z
  .object({
    document: z.unknown(),
    words: z.string(),
    branches: z
      .array(z.object({ factors: z.array(z.string()).readonly(), strength: z.string(), words: z.string() }))
      .readonly(),
    authority: z.enum(['this-machine', 'managed']),
    signed: z.object({ version: z.int(), key: z.string() }).nullable(),
    pending: z.array(z.string()).readonly(),
    warnings: z.array(z.string()).readonly(),
  })
  .openapi('PolicyView');

const sensedSignalSchema = z
  .object({
    kind: z.string(),
    state: z.string(),
    source: z.string(),
    observedAt: z.number().openapi({ description: 'milliseconds on the monotonic clock of the daemon' }),
    validFor: z.number().openapi({ description: 'milliseconds from observedAt' }),
    simulated: z.boolean(),
    observation: z.unknown().exactOptional(),
    reason: z.string().exactOptional(),
    detail: z.string().exactOptional(),
    strength: z.string().exactOptional(),
    evidence: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).exactOptional(),
  })
  .openapi('SensedSignal');

export const phonesViewSchema = z
  .object({
    phones: z
      .array(
        z.object({
          address: z.string(),
          name: z.string().nullable(),
          uid: uid.nullable(),
          enrolledAt: z.number().nullable().openapi({ description: 'milliseconds since 1970-01-01T00:00:00Z' }),
          paired: z.boolean().nullable(),
          key: z.string().nullable(),
          pinned: z.boolean().nullable(),
        }),
      )
      .readonly(),
    problem: refusalSchema.nullable(),
  })
  .openapi('Phones');

export const signalsViewSchema = z
  .object({
    now: z.number(),
    signals: z.array(sensedSignalSchema).readonly(),
    gestures: z.array(sensedSignalSchema).readonly(),
  })
  .openapi('Signals');

export const signalChangeSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('signal'), now: z.number(), signal: sensedSignalSchema }),
    z.object({ type: z.literal('gesture'), now: z.number(), signal: sensedSignalSchema }),
    z.object({ type: z.literal('lost'), now: z.number(), kind: z.string() }),
  ])
  .openapi('SignalChange');

export const policyFactsSchema = z
  .object({
    pinIsBound: z.boolean(),
    users: z
      .array(z.object({ user: z.string(), gestures: z.array(z.string()).readonly(), keys: z.int(), phones: z.int() }))
      .readonly(),
    unread: z.array(z.string()).readonly(),
  })
  .openapi('PolicyFacts');

export const policyExplanationSchema = z
  .object({
    of: z.enum(['container', 'machine']),
    context: contextSchema,
    words: z.string(),
    verdict: z.enum(['granted', 'denied']),
    reasons: z.array(reasonSchema).readonly(),
    missing: z.array(z.array(z.string()).readonly()).readonly(),
    missingWords: z.string(),
  })
  .openapi('PolicyExplanation');

export const configRowSchema = z
  .object({ key: z.string(), value: z.string(), unit: z.string(), default: z.string(), origin: z.string() })
  .openapi('ConfigRow');

export const auditEventSchema = z
  .object({ seq: z.int(), at: z.string(), event: z.string(), uid: uid.nullable(), detail })
  .openapi('AuditEvent');

/**
 * Fails to compile when a schema and its type part ways.
 * @public nobody uses it: being compiled is its use
 */
export type Agreement = [
  Same<z.output<typeof ceremonyRequestSchema>, CeremonyRequest>,
  Same<z.output<typeof refusalSchema>, Refusal>,
  Same<z.output<typeof ceremonyEventSchema>, CeremonyEvent>,
  Same<z.output<typeof statusSchema>, Status>,
  Same<z.output<typeof userLineSchema>, UserLine>,
  Same<z.output<typeof policyViewSchema>, PolicyView>,
  Same<z.output<typeof policyFactsSchema>, PolicyFacts>,
  Same<z.output<typeof phonesViewSchema>, PhonesView>,
  Same<z.output<typeof signalsViewSchema>, SignalsView>,
  Same<z.output<typeof signalChangeSchema>, SignalChange>,
  Same<z.output<typeof policyExplanationSchema>, PolicyExplanation>,
  Same<z.output<typeof configRowSchema>, ConfigRow>,
  Same<z.output<typeof auditEventSchema>, AuditEvent>,
];
type Same<A extends B, B> = A;
