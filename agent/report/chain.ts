/**
 * The chain of hashes of a run's log. Each entry's hash covers the entry and the hash before it, over canonical JSON (RFC 8785);
 * the last entry has the hash of all the rest of the document, so that its own hash stands for the whole evidence. There is
 * no key: the chain shows damage and careless edits. Who keeps the last hash elsewhere also notices a rewritten file.
 */
import { createHash } from 'node:crypto';
import type { Evidence, LogData, LogEntry, LogKind } from './schema.ts';

const ENTRY_DOMAIN = 'unlockd evidence log entry v1\0';
const SUMMARY_DOMAIN = 'unlockd evidence summary v1\0';
/** What the first entry is chained to. */
export const GENESIS = '0'.repeat(64);

/**
 * Canonical JSON of RFC 8785: members by the UTF-16 units of their names, no white space, numbers and strings as ECMAScript
 * writes them. @throws {TypeError} for what JSON has not
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  const text = typeof value === 'number' && !Number.isFinite(value) ? undefined : JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
  return text;
}

const sha256 = (domain: string, value: unknown): string =>
  createHash('sha256').update(domain, 'utf8').update(canonicalJson(value), 'utf8').digest('hex');

const hashEntry = ({ n, atMs, kind, data, prev }: Omit<LogEntry, 'hash'>): string =>
  sha256(ENTRY_DOMAIN, { n, atMs, kind, data, prev });

/** The entry that comes after `last`; null: the first one. */
export function chained(last: LogEntry | null, atMs: number, kind: LogKind, data: LogData): LogEntry {
  const entry = { n: last === null ? 0 : last.n + 1, atMs, kind, data, prev: last?.hash ?? GENESIS };
  return { ...entry, hash: hashEntry(entry) };
}

/** The hash that stands in the last entry: of the evidence without its log. */
export function summaryHash({ log: _log, ...summary }: Evidence): string {
  return sha256(SUMMARY_DOMAIN, summary);
}

/** The hash of the last entry; it stands for the whole evidence. */
export const headOf = ({ log }: Evidence): string => log.at(-1)?.hash ?? GENESIS;

/** The first thing that is wrong with the chain, in words; null: nothing is. */
export function chainFault(evidence: Evidence): string | null {
  let last: LogEntry | null = null;
  for (const entry of evidence.log) {
    const before: LogEntry | null = last;
    if (entry.n !== (before === null ? 0 : before.n + 1)) return `entry ${entry.n} stands where another one belongs`;
    if (entry.prev !== (before?.hash ?? GENESIS)) return `entry ${entry.n} is not chained to the one before it`;
    if (entry.hash !== hashEntry(entry)) return `entry ${entry.n} was changed`;
    if (before !== null && entry.atMs < before.atMs) return `entry ${entry.n} is older than the one before it`;
    if (before?.kind === 'ended') return `entry ${entry.n} stands after the end`;
    last = entry;
  }
  if (evidence.log[0]?.kind !== 'begun') return 'the beginning of the log is missing';
  if (last?.kind !== 'ended') return 'the end of the log is missing';
  if (last.data.summary !== summaryHash(evidence))
    return 'steps, devices or tracks are not those that the log ended with';
  return null;
}
