/**
 * The evidence of a run, version 1: what was run, on which lane, with which devices, what came of each step, how signals and
 * verdicts went over time, and the log of it all as a chain of hashes. It is a document of its own; the page that people look
 * at is made of it and carries it. It is read back from files of anybody, so every length is bounded. No secret stands in it.
 */
import * as z from 'zod';

export const EVIDENCE_VERSION = 1;

/** Limits of texts, in UTF-16 units, and of lists. */
export const LONGEST = { name: 200, words: 2000 } as const;
export const MOST = { steps: 500, log: 10_000, lines: 400, tracks: 64, intervals: 5000, devices: 64 } as const;

const name = z.string().max(LONGEST.name);
const words = z.string().max(LONGEST.words);
const lines = z.array(words).max(MOST.lines);
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Milliseconds after the beginning, on the monotonic clock. */
const ms = z.int().min(0);
/** Civil time, UTC. */
const instant = z.iso.datetime({ precision: 3 });

/**
 * What stands behind a device. `simulated`: a program in place of a driver; `emulated`: the real driver on a device that is a
 * program; `real`: a thing.
 */
export const NATURES = ['simulated', 'emulated', 'real'] as const;
export type Nature = (typeof NATURES)[number];

export const device = z.strictObject({
  kind: name.describe('security key, TPM, phone, Bluetooth adapter, network, …'),
  name: name.describe('as the walkthrough calls it, or as it calls itself'),
  nature: z.enum(NATURES),
  manufacturer: name.nullable(),
  model: name.nullable(),
  firmware: name.nullable(),
  /** 32 hexadecimal digits. */
  aaguid: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  /** What it is reached through: a Bluetooth adapter, `/dev/hidraw0`, `swtpm:path=…`. */
  adapter: name.nullable(),
  /** What else it says of itself. */
  says: lines,
});

const reason = z.strictObject({ depth: count.max(64), ok: z.boolean(), text: words });

/** `not here`: the lane cannot do it; `skipped`: the operator did not do it. Neither is a pass. */
export const OUTCOMES = ['passed', 'failed', 'not here', 'skipped'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const step = z.strictObject({
  /** From 1. */
  number: z.int().min(1),
  action: name,
  what: words.describe('what was done, in words'),
  note: words.nullable().describe('why, as the walkthrough says'),
  expected: lines,
  outcome: z.enum(OUTCOMES),
  why: lines.describe('what differed, why the lane cannot, why it was skipped'),
  got: words.nullable().describe('how the ceremony ended; null: the step has none'),
  code: name.nullable().describe('the error code that it ended with'),
  reasons: z.array(reason).max(MOST.lines).describe('the reason tree of the verdict'),
  events: z.array(z.strictObject({ atMs: ms, words })).max(MOST.lines),
  startMs: ms,
  endMs: ms,
});

/** What colours an interval of a track. */
export const TRACK_STATES = ['good', 'bad', 'asked', 'there', 'away', 'unavailable'] as const;
export type TrackState = (typeof TRACK_STATES)[number];
export const TRACK_GROUPS = ['verdict', 'factor', 'signal', 'device'] as const;
export type TrackGroup = (typeof TRACK_GROUPS)[number];

const track = z.strictObject({
  name,
  group: z.enum(TRACK_GROUPS),
  intervals: z.array(z.strictObject({ fromMs: ms, toMs: ms, state: z.enum(TRACK_STATES), words })).max(MOST.intervals),
});

export const LOG_KINDS = [
  'begun',
  'version',
  'device',
  'given',
  'step',
  'event',
  'outcome',
  'change',
  'finding',
  'ended',
] as const;
export type LogKind = (typeof LOG_KINDS)[number];

const scalar = z.union([words, z.number(), z.boolean(), z.null()]);
const logData = z.record(z.string().max(64), z.union([scalar, z.array(scalar).max(MOST.lines)]));

const logEntry = z.strictObject({
  /** From 0, without gaps. */
  n: count,
  atMs: ms,
  kind: z.enum(LOG_KINDS),
  data: logData,
  prev: sha256,
  hash: sha256,
});

export const evidenceSchema = z.strictObject({
  evidence: z.literal(EVIDENCE_VERSION),
  walkthrough: z.strictObject({
    name: words,
    about: words,
    file: words.nullable().describe('the name of the file; null: it came from no file'),
    digest: sha256.nullable().describe('SHA-256 of the bytes of the file'),
  }),
  lane: z.strictObject({ name, about: words.nullable(), simulated: lines.describe('what is simulated on it') }),
  started: instant,
  ended: instant,
  spanMs: ms,
  /** Whether it got to the end of its steps. */
  end: z.strictObject({ how: z.enum(['complete', 'aborted']), why: words.nullable() }),
  versions: z.array(z.strictObject({ of: name, version: name })).max(MOST.devices),
  devices: z.array(device).max(MOST.devices),
  steps: z.array(step).max(MOST.steps),
  tracks: z.array(track).max(MOST.tracks),
  findings: lines,
  log: z.array(logEntry).min(2).max(MOST.log),
});

export type Evidence = z.output<typeof evidenceSchema>;
export type EvidenceDevice = z.output<typeof device>;
export type EvidenceStep = z.output<typeof step>;
export type EvidenceTrack = z.output<typeof track>;
export type LogEntry = z.output<typeof logEntry>;
export type LogData = z.output<typeof logData>;
