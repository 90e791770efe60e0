/**
 * Reads a trace of signals, which anybody may have written: strict, bounded, and every error with its line. The published
 * JSON Schema of the two kinds of lines is made of the same shapes.
 */
import * as z from 'zod';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { INTERFACE_KINDS, IP_SOURCED_FIELDS, WIFI_SECURITIES } from '../../../drivers/observation.ts';
import { GESTURE_KINDS, SIGNAL_KINDS, UNAVAILABLE_REASONS, UNSATISFIED_REASONS } from '../../../drivers/signal.ts';
import { TRACE_FORMAT, TRACE_VERSION, type Trace, type TraceEntry, type TraceHeader } from '../study/trace.ts';
import { WEEKDAYS } from '../time-window.ts';

/** UTF-16 units of a file, and its lines. */
export const MAX_TRACE_LENGTH = 32 * 1024 * 1024;
export const MAX_TRACE_LINES = 50_000;
/** Ten years: farther apart no two signals of one machine's run are. */
const MAX_MS = 10 * 366 * 86_400_000;
const MAX_LIST = 256;

const text = z.string().max(512);
const list = <T>(item: z.ZodType<T>) => z.array(item).max(MAX_LIST);
const instant = z.number().min(0).max(MAX_MS).describe('milliseconds on the monotonic clock of the header');

const header = z
  .strictObject({
    format: z.literal(TRACE_FORMAT),
    version: z.literal(TRACE_VERSION),
    clock: z.strictObject({
      monotonicMs: instant,
      wall: z.iso.datetime().nullable().describe('the same instant in civil time'),
      localTime: z
        .strictObject({ day: z.enum(WEEKDAYS), minute: z.int().min(0).max(1439) })
        .nullable()
        .describe('the same instant where the machine stands, minutes after midnight; null: no time window opens'),
    }),
    user: z.int().min(0).max(0xffff_ffff).nullable().describe('numeric id of whoever unlocks; null: not known'),
    machineSimulated: z.boolean().describe('true: simulated signals count'),
  })
  .describe('The first line.');

const texts = list(text).nullable();
const family = z.strictObject({ addresses: texts, gateways: texts, dhcpServers: texts, dnsServers: texts });
const OBSERVATIONS = {
  bluetooth: z.strictObject({
    devices: list(
      z.strictObject({
        address: text,
        name: text.nullable(),
        classOfDevice: z.int().min(0).max(0xff_ffff).nullable(),
        users: list(z.int().min(0).max(0xffff_ffff)),
        proved: z.boolean(),
        rssi: z.strictObject({ scale: z.enum(['relative', 'dBm']), value: z.number() }).nullable(),
        rssiBest: z.number().nullable(),
      }),
    ),
  }),
  ipConfig: z.strictObject({
    primaryDnsSuffix: text.nullable(),
    primaryDnsSuffixSource: text.optional(),
    interfaces: list(
      z.strictObject({
        name: text,
        kind: z.enum(INTERFACE_KINDS),
        connected: z.boolean(),
        ipv4: family,
        ipv6: family,
        sources: z.partialRecord(z.enum(IP_SOURCED_FIELDS), text).optional(),
      }),
    ),
  }),
  wifi: z.strictObject({
    associations: list(
      z.strictObject({
        interface: text,
        ssidHex: z.string().regex(/^(?:[0-9a-f]{2}){0,32}$/),
        bssid: text.nullable(),
        security: z.enum(WIFI_SECURITIES).nullable(),
        quality: z.number().min(0).max(100).nullable(),
        rootThumbprints: texts,
      }),
    ),
  }),
} as const;

const base = {
  source: text,
  observedAt: instant,
  validFor: z.number().min(0).max(MAX_MS).describe('milliseconds from observedAt'),
  simulated: z.boolean(),
};
const detail = text.optional();
const unavailable = { state: z.literal('unavailable'), reason: z.enum(UNAVAILABLE_REASONS), detail };
const evidence = z.record(z.string().max(64), z.union([text, z.number(), z.boolean()]));
const gestureKind = z.enum(GESTURE_KINDS);
const observed = <K extends keyof typeof OBSERVATIONS>(kind: K) =>
  z.strictObject({ ...base, kind: z.literal(kind), state: z.literal('observed'), observation: OBSERVATIONS[kind] });

const entry = z
  .union([
    z.strictObject({
      ...base,
      kind: gestureKind,
      state: z.literal('satisfied'),
      strength: z.enum(['bound', 'gate']),
      evidence,
    }),
    z.strictObject({
      ...base,
      kind: gestureKind,
      state: z.literal('unsatisfied'),
      reason: z.enum(UNSATISFIED_REASONS),
      detail,
    }),
    z.strictObject({ ...base, kind: z.enum(SIGNAL_KINDS), ...unavailable }),
    observed('bluetooth'),
    observed('ipConfig'),
    observed('wifi'),
    z.strictObject({ lost: z.enum(SIGNAL_KINDS), at: instant }),
  ])
  .describe('Every other line: a FactorSignal, or that the signal of a kind was lost.');

const invalid = (line: number, message: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_POLICY_TRACE', `line ${line}: ${message}`, { detail: { line }, cause });

/** What is wrong, of the alternative that fits best. */
function complaint(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'is not well-formed';
  if (issue.code !== 'invalid_union') return `${issue.path.join('.') || '(line)'}: ${issue.message}`;
  const [best] = issue.errors
    .flatMap(([first, ...others]) => (first === undefined ? [] : [{ first, others: others.length }]))
    .toSorted((a, b) => a.others - b.others || b.first.path.length - a.first.path.length);
  return complaint(best?.first);
}

function readLine<T>(schema: z.ZodType<T>, source: string, line: number): T {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw invalid(line, 'this is not JSON', cause);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(line, complaint(result.error.issues[0]), result.error);
  return result.data;
}

/**
 * A line of a trace that is being written, checked as it will be when it is read.
 * @throws {ERR_POLICY_TRACE}
 */
export function checkedEntry(value: unknown): TraceEntry {
  const result = entry.safeParse(value);
  if (result.success) return result.data as TraceEntry;
  throw invalid(0, complaint(result.error.issues[0]), result.error);
}

/**
 * Reads a trace.
 * @param source at most {@link MAX_TRACE_LENGTH} units in {@link MAX_TRACE_LINES} lines; empty lines do not count
 * @throws {ERR_POLICY_TRACE} with the line in `detail.line`
 */
export function parseTrace(source: string): Trace {
  if (source.length > MAX_TRACE_LENGTH) throw invalid(1, `the trace is longer than ${MAX_TRACE_LENGTH} characters`);
  const lines = source.split('\n').flatMap((each, i) => (each.trim() === '' ? [] : [{ each, line: i + 1 }]));
  const [first, ...rest] = lines;
  if (first === undefined) throw invalid(1, 'the trace is empty');
  const head = readLine(header, first.each, first.line) as TraceHeader;
  if (rest.length > MAX_TRACE_LINES) throw invalid(MAX_TRACE_LINES + 1, `more than ${MAX_TRACE_LINES} lines`);
  return { header: head, entries: rest.map(({ each, line }) => readLine(entry, each, line) as TraceEntry) };
}

/** The published schema of a line. */
export const traceSchema = (): unknown =>
  z.toJSONSchema(z.union([header, entry]).describe('One line of a trace of signals (JSON Lines).'), { io: 'input' });
