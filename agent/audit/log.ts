/**
 * The audit log: append-only, chained, durable. `append` resolves when the line is on the disk (fdatasync); appends
 * that come while one is being written share the next write. Files are bounded in size and number, numbers go on over
 * restarts, and readers can follow from any point without the log keeping more than a short memory.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../drivers/base/clock.ts';
import { type ErrorCode, UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';
import { openForAppend, readNewest, shiftFiles, syncFolder } from './files.ts';
import {
  type AuditRecord,
  type ChainedRecord,
  formatLine,
  hashLine,
  type NewAuditEvent,
  parseLine,
  toRecord,
} from './record.ts';
import { openAndRecover } from './recover.ts';
import { type AuditVerification, verifyFiles } from './verify.ts';

export interface AuditLogOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Size at which a new file is begun. */
  readonly maxBytes: number;
  /** Number of older files that are kept, at least 1. */
  readonly keepFiles: number;
  /** How bytes reach the disk; replaced where a failing disk is wanted. */
  readonly disk?: AuditDisk;
}

export interface AuditDisk {
  write(file: FileHandle, bytes: Uint8Array): Promise<void>;
  /** Data and size on the disk. */
  sync(file: FileHandle): Promise<void>;
}

const realDisk: AuditDisk = {
  write: (file, bytes) => file.appendFile(bytes),
  sync: (file) => file.datasync(),
};

interface Pending {
  readonly event: NewAuditEvent;
  readonly done: (record: AuditRecord) => void;
  readonly failed: (error: unknown) => void;
}

/** Records kept in memory for those who follow; who is further behind reads the files. */
const MEMORY = 256;
/** The most that one write holds. */
const MAX_BATCH_BYTES = 65_536;
/** The most that one call of `last` gives. */
export const MAX_LAST = 10_000;

const wrapped = (code: ErrorCode, folder: string, error: unknown): UnlockdError => {
  const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : 'unknown';
  return new UnlockdError(code, `${folder}: ${reason}`, { detail: { folder, reason }, cause: error });
};

export class AuditLog implements AsyncDisposable {
  readonly #options: AuditLogOptions;
  readonly #disk: AuditDisk;
  readonly #queue = new SerialQueue();
  readonly #waiting = new Set<() => void>();
  readonly #recent: AuditRecord[] = [];
  readonly #pending: Pending[] = [];
  #file: FileHandle | null;
  #size: number;
  #seq: number;
  #prev: string;
  /** A write failed, so there may be bytes after `#size` that are none of ours. */
  #unclean = false;
  #closed = false;

  private constructor(options: AuditLogOptions, opened: Awaited<ReturnType<typeof openAndRecover>>) {
    this.#options = options;
    this.#disk = options.disk ?? realDisk;
    this.#file = opened.file;
    this.#size = opened.size;
    this.#seq = opened.seq;
    this.#prev = opened.prev;
  }

  /**
   * Opens or makes the log, and repairs what a crash has left; a repair is an event of its own (`audit.recovered`).
   * @throws {ERR_AUDIT_OPEN_FAILED} {ERR_AUDIT_WRITE_FAILED}
   */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    let opened: Awaited<ReturnType<typeof openAndRecover>>;
    try {
      opened = await openAndRecover(options.folder, options.maxBytes, options.keepFiles);
    } catch (error) {
      throw wrapped('ERR_AUDIT_OPEN_FAILED', options.folder, error);
    }
    const log = new AuditLog(options, opened);
    if (opened.repair !== null) {
      try {
        await log.append({ event: 'audit.recovered', uid: null, detail: { ...opened.repair } });
      } catch (error) {
        await log.close();
        throw error;
      }
    }
    return log;
  }

  /**
   * Records an event; resolves when it is durable.
   * @throws {ERR_AUDIT_WRITE_FAILED} nothing was recorded {ERR_AUDIT_INVALID_EVENT} {ERR_AUDIT_CLOSED}
   */
  async append(event: NewAuditEvent): Promise<AuditRecord> {
    this.#requireOpen();
    return await new Promise<AuditRecord>((done, failed) => {
      this.#pending.push({ event, done, failed });
      void this.#queue.run(() => this.#flush());
    });
  }

  /**
   * The newest `count` records (at most {@link MAX_LAST}) that `only` accepts, oldest first.
   * @throws {ERR_AUDIT_READ_FAILED}
   */
  async last(count: number, only: (record: AuditRecord) => boolean = () => true): Promise<readonly AuditRecord[]> {
    this.#requireOpen();
    return await this.#queue.run(() => this.#read(count, only));
  }

  /**
   * First the newest `last` records, then, until `signal` aborts or the log is closed, what comes; nothing twice,
   * and nothing left out unless a reader is {@link MAX_LAST} records behind.
   */
  async *follow(options: {
    readonly last: number;
    readonly signal: AbortSignal;
    readonly only?: (record: AuditRecord) => boolean;
  }): AsyncGenerator<AuditRecord, void> {
    const { signal, only = () => true } = options;
    this.#requireOpen();
    const first = await this.#queue.run(async () => ({
      seq: this.#seq,
      records: await this.#read(options.last, only),
    }));
    yield* first.records;
    let seen = first.seq;
    while (!signal.aborted && !this.#closed) {
      if (this.#seq === seen) await this.#change(signal);
      const known = this.#seq;
      for (const record of await this.#after(seen)) {
        if (signal.aborted) return;
        seen = record.seq;
        if (only(record)) yield record;
      }
      // Also where a record could not be read back: it would be waited for without end.
      seen = Math.max(seen, known);
    }
  }

  /** Reads everything that is kept and checks the chain. @throws {ERR_AUDIT_READ_FAILED} */
  async verify(): Promise<AuditVerification> {
    this.#requireOpen();
    return await this.#queue.run(() => this.#reading(() => verifyFiles(this.#options)));
  }

  /** Writes what is pending and closes. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.run(async () => {
      const file = this.#file;
      this.#file = null;
      await file?.close();
    });
    this.#wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new UnlockdError('ERR_AUDIT_CLOSED', 'the audit log is closed');
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) await this.#writeBatch();
  }

  /** Formats as many pending events as one write may hold; those that are bad are refused. */
  #nextBatch(): { readonly lines: string[]; readonly accepted: Pending[]; readonly prev: string } {
    const limit = Math.min(MAX_BATCH_BYTES, this.#options.maxBytes);
    const lines: string[] = [];
    const accepted: Pending[] = [];
    let prev = this.#prev;
    let bytes = 0;
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      const { event, uid, detail = {} } = next.event;
      try {
        const at = new Date(this.#options.clock.wall()).toISOString();
        const line = formatLine({ seq: this.#seq + lines.length + 1, at, event, uid, detail, prev });
        bytes += Buffer.byteLength(line) + 1;
        if (lines.length > 0 && bytes > limit) break;
        prev = hashLine(line);
        lines.push(line);
        accepted.push(next);
      } catch (error) {
        next.failed(error);
      }
      this.#pending.shift();
    }
    return { lines, accepted, prev };
  }

  async #writeBatch(): Promise<void> {
    const { lines, accepted, prev } = this.#nextBatch();
    if (lines.length === 0) return;
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    try {
      await this.#writeDurably(bytes);
    } catch (error) {
      const failure = wrapped('ERR_AUDIT_WRITE_FAILED', this.#options.folder, error);
      for (const { failed } of accepted) failed(failure);
      return;
    }
    this.#size += bytes.length;
    this.#seq += lines.length;
    this.#prev = prev;
    for (const [i, line] of lines.entries()) {
      const record = toRecord(parseLine(line) as ChainedRecord);
      this.#recent.push(record);
      accepted[i]?.done(record);
    }
    this.#recent.splice(0, this.#recent.length - MEMORY);
    this.#wake();
  }

  async #writeDurably(bytes: Uint8Array): Promise<void> {
    const { folder, maxBytes, keepFiles } = this.#options;
    if (this.#file !== null && this.#unclean) {
      await this.#file.truncate(this.#size);
      this.#unclean = false;
    }
    if (this.#file !== null && this.#size > 0 && this.#size + bytes.length > maxBytes) {
      const full = this.#file;
      this.#file = null;
      await full.close();
      await shiftFiles(folder, keepFiles);
    }
    if (this.#file === null) {
      this.#file = await openForAppend(folder);
      this.#size = (await this.#file.stat()).size;
      await syncFolder(folder);
    }
    this.#unclean = true;
    await this.#disk.write(this.#file, bytes);
    await this.#disk.sync(this.#file);
    this.#unclean = false;
  }

  async #read(count: number, only: (record: AuditRecord) => boolean): Promise<readonly AuditRecord[]> {
    const wanted = Math.max(0, Math.min(MAX_LAST, Math.trunc(count) || 0));
    const records = await this.#reading(() =>
      readNewest(this.#options.folder, { ...this.#options, count: wanted }, only),
    );
    return records.filter(({ seq }) => seq <= this.#seq).map(toRecord);
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw wrapped('ERR_AUDIT_READ_FAILED', this.#options.folder, error);
    }
  }

  async #after(seq: number): Promise<readonly AuditRecord[]> {
    const oldest = this.#recent[0]?.seq ?? this.#seq + 1;
    if (oldest <= seq + 1) return this.#recent.filter((record) => record.seq > seq);
    return await this.#queue.run(() => this.#read(this.#seq - seq, (record) => record.seq > seq));
  }

  /** Resolves at the next record, at the end of the log, or when `signal` aborts. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted || this.#closed) wake();
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
