/**
 * Redaction by construction: a log line is put together from a closed set of fields with plain values. What is not in
 * the set, and what is no plain value (a buffer, a `Secret`, a request), never reaches the logger.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';

export const LOG_FIELDS = [
  'code',
  'detail',
  'uid',
  'pid',
  'user',
  'ceremony',
  'kind',
  'event',
  'state',
  'factor',
  'branch',
  'strength',
  'reason',
  'device',
  'path',
  'socket',
  'signal',
  'route',
  'status',
  'version',
  'count',
  'seq',
  'epoch',
  'triesLeft',
  'ms',
  'bytes',
  'seam',
  'direction',
  'label',
] as const;
export type LogField = (typeof LOG_FIELDS)[number];

export type PlainValue = string | number | boolean | null;
export type LogFields = Readonly<Partial<Record<LogField, PlainValue | Readonly<Record<string, PlainValue>>>>>;

const MAX_TEXT = 512;
const MAX_CAUSES = 4;

const isPlain = (value: unknown): value is PlainValue =>
  value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const cut = (value: PlainValue): PlainValue => (typeof value === 'string' ? value.slice(0, MAX_TEXT) : value);

/** The known fields with plain values, texts cut to a length. Also safe on what a cast has brought here. */
export function onlyKnown(fields: LogFields): Record<string, unknown> {
  const known: Record<string, unknown> = {};
  for (const name of LOG_FIELDS) {
    const value: unknown = fields[name];
    if (isPlain(value)) known[name] = cut(value);
    else if (name === 'detail' && typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
      const entries = Object.entries(value).filter((entry): entry is [string, PlainValue] => isPlain(entry[1]));
      known.detail = Object.fromEntries(entries.slice(0, 32).map(([key, entry]) => [key.slice(0, 64), cut(entry)]));
    }
  }
  return known;
}

/** The frames of a stack without its first line, which holds the message. */
const frames = (error: Error): string[] =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
    .map((line) => line.trim());

/**
 * An error for the log. Our own have messages that are made for it; of others the message is left out, as it may quote
 * what was being read.
 */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: 'not an error', type: typeof error };
  const cause =
    error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) };
  if (error instanceof UnlockdError) {
    return {
      code: error.code,
      message: error.message.slice(0, MAX_TEXT),
      ...onlyKnown({ detail: error.detail }),
      ...cause,
    };
  }
  const number: unknown = 'code' in error ? error.code : undefined;
  return { name: error.name, ...(isPlain(number) ? { code: cut(number) } : {}), frames: frames(error), ...cause };
}
