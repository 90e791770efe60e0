/**
 * One line of the audit log: a JSON object whose `prev` is the SHA-256 of the line before it, so that a line that was
 * changed, left out or put in shows at the next one. The chain has no key: it shows damage and careless edits, not
 * those of somebody who may rewrite the whole file.
 */
import { createHash } from 'node:crypto';
import { UnlockdError } from '../../drivers/base/errors.ts';

export type AuditDetail = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditRecord {
  /** From 1, without gaps, over all files and restarts. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** `unlock.granted`, `pin.changed`. */
  readonly event: string;
  /** Whose container; null: the machine's own events. */
  readonly uid: number | null;
  /** Never a secret. */
  readonly detail: AuditDetail;
}

export type NewAuditEvent = Pick<AuditRecord, 'event' | 'uid'> & { readonly detail?: AuditDetail };

/** A record with the hash that it was chained to. */
export interface ChainedRecord extends AuditRecord {
  readonly prev: string;
}

/** What the first line ever is chained to. */
export const GENESIS = '0'.repeat(64);
export const MAX_LINE_BYTES = 8192;

const MAX_DETAILS = 32;
const MAX_DETAIL_LENGTH = 512;
const EVENT = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/;
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** The hash that the next line is chained to. `line`: without its line end. */
export const hashLine = (line: string): string => createHash('sha256').update(line, 'utf8').digest('hex');

const isUid = (uid: unknown): uid is number | null =>
  uid === null || (Number.isInteger(uid) && (uid as number) >= 0 && (uid as number) <= 0xffff_ffff);
const isDetail = (value: unknown): value is string | number | boolean | null =>
  value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);

/**
 * @throws {ERR_AUDIT_INVALID_EVENT} when the event is not well-formed or does not fit a line
 */
export function formatLine(record: ChainedRecord): string {
  const details = Object.entries(record.detail);
  const fits = details.length <= MAX_DETAILS && details.every(([name, value]) => NAME.test(name) && isDetail(value));
  if (!EVENT.test(record.event) || record.event.length > 64 || !isUid(record.uid) || !fits) {
    throw new UnlockdError(
      'ERR_AUDIT_INVALID_EVENT',
      `the audit event ${record.event.slice(0, 64)} is not well-formed`,
    );
  }
  const cut = ([name, value]: [string, string | number | boolean | null]) =>
    [name, typeof value === 'string' ? value.slice(0, MAX_DETAIL_LENGTH) : value] as const;
  const { seq, at, event, uid, prev } = record;
  const line = JSON.stringify({ v: 1, seq, at, event, uid, detail: Object.fromEntries(details.map(cut)), prev });
  if (Buffer.byteLength(line) > MAX_LINE_BYTES) {
    throw new UnlockdError('ERR_AUDIT_INVALID_EVENT', `the audit event ${event} is too long for a line`);
  }
  return line;
}

/** A line as a record, or null: it is not one. Lines come from a disk and are checked like anything from outside. */
export function parseLine(line: string): ChainedRecord | null {
  if (line.length > MAX_LINE_BYTES) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { v, seq, at, event, uid, detail, prev } = value as Record<string, unknown>;
  if (v !== 1 || !Number.isSafeInteger(seq) || (seq as number) < 1) return null;
  if (typeof at !== 'string' || typeof event !== 'string' || !EVENT.test(event) || !isUid(uid)) return null;
  if (typeof prev !== 'string' || !/^[0-9a-f]{64}$/.test(prev)) return null;
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return null;
  const details = Object.entries(detail);
  if (details.length > MAX_DETAILS || !details.every(([, entry]) => isDetail(entry))) return null;
  return Object.freeze({ seq: seq as number, at, event, uid, detail: Object.freeze(detail as AuditDetail), prev });
}

/** The record without its chain, as it is shown. */
export const toRecord = ({ seq, at, event, uid, detail }: ChainedRecord): AuditRecord => ({
  seq,
  at,
  event,
  uid,
  detail,
});
