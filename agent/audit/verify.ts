/** Walks through everything that is kept of the audit log, oldest file first, and checks numbers and chain. */
import { readLines } from './files.ts';
import { hashLine, parseLine } from './record.ts';

export interface AuditVerification {
  readonly ok: boolean;
  readonly records: number;
  /** Number of the oldest record that is kept; null: the log is empty. */
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** Where the first thing is wrong, in words; null: nothing is. */
  readonly problem: string | null;
}

/** Errors of the file system come through as they are. */
export async function verifyFiles(options: {
  readonly folder: string;
  readonly maxBytes: number;
  readonly keepFiles: number;
}): Promise<AuditVerification> {
  let records = 0;
  let firstSeq: number | null = null;
  let last: { seq: number; hash: string } | null = null;
  let problem: string | null = null;
  for (let n = options.keepFiles; n >= 0; n--) {
    for (const line of (await readLines(options.folder, n, options.maxBytes)) ?? []) {
      const record = parseLine(line);
      const after = last === null ? 'at the beginning' : `after record ${last.seq}`;
      if (record === null) {
        problem ??= `a line ${after} is no record`;
        continue;
      }
      // What the oldest kept record is chained to may have been dropped.
      if (last !== null && record.seq !== last.seq + 1) problem ??= `record ${record.seq} follows ${last.seq}`;
      else if (last !== null && record.prev !== last.hash)
        problem ??= `record ${record.seq} is not chained to ${last.seq}`;
      records++;
      firstSeq ??= record.seq;
      last = { seq: record.seq, hash: hashLine(line) };
    }
  }
  return { ok: problem === null, records, firstSeq, lastSeq: last?.seq ?? null, problem };
}
