import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AuditDisk, AuditLog, type AuditLogOptions } from '../../../agent/audit/log.ts';
import {
  type AuditRecord,
  formatLine,
  GENESIS,
  hashLine,
  MAX_LINE_BYTES,
  parseLine,
} from '../../../agent/audit/record.ts';
import { unixMs } from '../../../drivers/base/brand.ts';
import { type Clock, systemClock } from '../../../drivers/base/clock.ts';

const clock: Clock = { ...systemClock, wall: () => unixMs(Date.UTC(2030, 0, 2, 3, 4, 5)) };
let parent: string;
let folder: string;
let current: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'unlockd-audit-'));
  folder = join(parent, 'audit');
  current = join(folder, 'audit.log');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const open = (more: Partial<AuditLogOptions> = {}) =>
  AuditLog.open({ folder, clock, maxBytes: 65_536, keepFiles: 3, ...more });
const lines = (path = current): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);
const event = (n: number, uid: number | null = 1000) => ({ event: 'test.happened', uid, detail: { n } });
const numbers = (records: readonly AuditRecord[]) => records.map(({ seq }) => seq);
const collect = async (records: AsyncIterable<AuditRecord>) => {
  const all: AuditRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
};
const write = async (log: AuditLog, count: number) => {
  for (let n = 0; n < count; n++) await log.append(event(n));
};

describe('the audit log', () => {
  test('writes one chained line an event into a file that only its owner reads', async () => {
    await using log = await open();
    const record = await log.append({ event: 'pin.changed', uid: 1000, detail: { epoch: 4 } });
    await log.append({ event: 'machine.started', uid: null });
    expect(record).toEqual({
      seq: 1,
      at: '2030-01-02T03:04:05.000Z',
      event: 'pin.changed',
      uid: 1000,
      detail: { epoch: 4 },
    });
    const [first = '', second = ''] = lines();
    expect(JSON.parse(first)).toMatchObject({ v: 1, seq: 1, prev: GENESIS });
    expect(JSON.parse(second)).toMatchObject({ v: 1, seq: 2, prev: hashLine(first), detail: {} });
    expect(statSync(current).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('goes on with number and chain after a restart', async () => {
    for (const count of [3, 2]) {
      await using log = await open();
      await write(log, count);
    }
    await using log = await open();
    expect(await log.verify()).toEqual({ ok: true, records: 5, firstSeq: 1, lastSeq: 5, problem: null });
  });

  test('many at once come in order and share writes', async () => {
    let writes = 0;
    const disk: AuditDisk = {
      write: (file, bytes) => {
        writes++;
        return file.appendFile(bytes);
      },
      sync: (file) => file.datasync(),
    };
    await using log = await open({ disk });
    const records = await Promise.all(Array.from({ length: 200 }, (_, n) => log.append(event(n))));
    expect(numbers(records)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(writes).toBeLessThan(10);
    expect((await log.verify()).ok).toBe(true);
  });

  test('is synced before an append resolves', async () => {
    const order: string[] = [];
    const disk: AuditDisk = {
      write: (file, bytes) => {
        order.push('write');
        return file.appendFile(bytes);
      },
      sync: async (file) => {
        await file.datasync();
        order.push('sync');
      },
    };
    await using log = await open({ disk });
    await log.append(event(1)).then(() => order.push('resolved'));
    expect(order).toEqual(['write', 'sync', 'resolved']);
  });

  test('begins a new file at its size and keeps so many older ones', async () => {
    await using log = await open({ maxBytes: 1000 });
    await write(log, 40);
    expect(readdirSync(folder).sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2', 'audit.log.3']);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(1000);
    const verified = await log.verify();
    expect(verified).toMatchObject({ ok: true, lastSeq: 40 });
    expect(verified.firstSeq).toBeGreaterThan(1);
  });

  test('goes on with the number when the newest file is gone', async () => {
    const log = await open({ maxBytes: 1000 });
    await write(log, 10);
    await log.close();
    const older = lines(join(folder, 'audit.log.1'));
    rmSync(current);
    await using again = await open({ maxBytes: 1000 });
    const { seq } = await again.append(event(1));
    expect(seq).toBe((parseLine(older.at(-1) ?? '')?.seq ?? 0) + 1);
  });

  test('gives the newest records, over several files, filtered', async () => {
    await using log = await open({ maxBytes: 1000 });
    for (let n = 1; n <= 12; n++) await log.append(event(n, n % 2));
    expect(numbers(await log.last(8))).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(numbers(await log.last(3, ({ uid }) => uid === 1))).toEqual([7, 9, 11]);
    expect(await log.last(0)).toEqual([]);
    expect(await log.last(Number.NaN)).toEqual([]);
  });
});

describe('after a crash', () => {
  test.each([1, 20, 100])('%i bytes of a cut line are cut off, and said', async (length) => {
    const log = await open();
    await write(log, 2);
    await log.close();
    appendFileSync(current, (lines()[0] ?? '').slice(0, length));
    await using again = await open();
    expect(await again.last(1)).toEqual([
      expect.objectContaining({ seq: 3, event: 'audit.recovered', detail: { tornBytes: length, keptAside: null } }),
    ]);
    expect(await again.verify()).toMatchObject({ ok: true, records: 3 });
  });

  test('a file whose end is no record is kept aside, and the chain goes on', async () => {
    const log = await open();
    await write(log, 2);
    await log.close();
    const before = readFileSync(current);
    appendFileSync(current, `${'\0'.repeat(50)}\n`);
    await using again = await open();
    expect(numbers(await again.last(9))).toEqual([3]);
    expect(readFileSync(join(folder, 'audit.damaged-1.log')).subarray(0, before.length)).toEqual(before);
  });

  test('a large file without any line is kept aside as it is', async () => {
    const log = await open();
    await log.close();
    writeFileSync(current, Buffer.alloc(3_000_000, 'x'));
    await using again = await open();
    expect(numbers(await again.last(9))).toEqual([1]);
    expect(statSync(join(folder, 'audit.damaged-1.log')).size).toBe(3_000_000);
  });

  test('a rotation that a crash has left half done loses nothing', async () => {
    const log = await open({ maxBytes: 1000 });
    await write(log, 10);
    await log.close();
    renameSync(join(folder, 'audit.log.1'), join(folder, 'audit.log.2'));
    await using again = await open({ maxBytes: 1000 });
    expect(numbers(await again.last(100))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('verification', () => {
  test.each<[string, (all: string[]) => string[], string]>([
    [
      'a changed line',
      (all) => all.map((line, i) => (i === 1 ? line.replace('1000', '1001') : line)),
      'record 3 is not chained to 2',
    ],
    ['a line left out', (all) => all.filter((_, i) => i !== 1), 'record 3 follows 1'],
    ['two lines in another order', ([a = '', b = '', ...rest]) => [b, a, ...rest], 'record 1 follows 2'],
    ['a line that is none', ([a = '', ...rest]) => [a, 'hello', ...rest], 'a line after record 1 is no record'],
  ])('finds %s', async (_, change, problem) => {
    const log = await open();
    await write(log, 4);
    await log.close();
    writeFileSync(current, `${change(lines()).join('\n')}\n`);
    await using again = await open();
    expect(await again.verify()).toMatchObject({ ok: false, problem });
  });
});

describe('following', () => {
  test('gives what is there and then what comes, nothing twice, until told to stop', async () => {
    await using log = await open();
    await write(log, 3);
    const abort = new AbortController();
    const seen: number[] = [];
    const follower = (async () => {
      for await (const { seq } of log.follow({ last: 2, signal: abort.signal })) {
        seen.push(seq);
        if (seq < 6) await log.append(event(seq));
        else abort.abort();
      }
    })();
    await follower;
    expect(seen).toEqual([2, 3, 4, 5, 6].slice(0, seen.length));
    expect(seen.at(-1)).toBe(6);
  });

  test('a slow reader gets from the files what is no longer in memory', async () => {
    await using log = await open({ maxBytes: 20_000, keepFiles: 20 });
    const abort = new AbortController();
    const reader = log.follow({ last: 0, signal: abort.signal, only: ({ detail }) => Number(detail.n) % 100 === 0 });
    const first = reader.next();
    await log.append({ event: 'test.happened', uid: null, detail: { n: 0 } });
    expect((await first).value).toMatchObject({ seq: 1 });
    await Promise.all(Array.from({ length: 1000 }, (_, n) => log.append(event(n + 1))));
    const rest: number[] = [];
    for await (const { seq } of reader) {
      rest.push(seq);
      if (rest.length === 10) abort.abort();
    }
    expect(rest).toEqual([101, 201, 301, 401, 501, 601, 701, 801, 901, 1001]);
  });

  test('ends with the log, and at once when it is told to stop while nothing comes', async () => {
    const log = await open();
    const ended = collect(log.follow({ last: 1, signal: new AbortController().signal }));
    await log.append(event(1));
    await log.close();
    expect(numbers(await ended)).toEqual([1]);
    await using again = await open();
    const abort = new AbortController();
    const stopped = again.follow({ last: 0, signal: abort.signal }).next();
    abort.abort();
    expect((await stopped).done).toBe(true);
  });
});

describe('a disk that fails', () => {
  const failing = (failAt: 'write' | 'sync', times: number): AuditDisk => {
    let left = times;
    const fails = () => left-- > 0;
    const error = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    return {
      write: async (file, bytes) => {
        if (failAt !== 'write' || !fails()) return file.appendFile(bytes);
        await file.appendFile(bytes.subarray(0, 20));
        throw error;
      },
      sync: async (file) => {
        if (failAt === 'sync' && fails()) throw error;
        await file.datasync();
      },
    };
  };
  test.each(['write', 'sync'] as const)(
    'at %s: the append is refused, and later ones leave no trace of it',
    async (at) => {
      await using log = await open({ disk: failing(at, 2) });
      for (let n = 0; n < 2; n++) {
        await expect(log.append(event(n))).rejects.toMatchObject({
          code: 'ERR_AUDIT_WRITE_FAILED',
          detail: { reason: 'ENOSPC' },
        });
      }
      expect((await log.append(event(2))).seq).toBe(1);
      expect(lines()).toHaveLength(1);
      expect((await log.verify()).ok).toBe(true);
    },
  );
});

describe('refusals', () => {
  test('a symbolic link in the place of the file is not followed', async () => {
    const log = await open();
    await log.close();
    rmSync(current);
    const target = join(parent, 'target');
    symlinkSync(target, current);
    await expect(open()).rejects.toMatchObject({ code: 'ERR_AUDIT_OPEN_FAILED' });
    expect(existsSync(target)).toBe(false);
  });

  test('a file in the place of the folder is an error', async () => {
    writeFileSync(folder, '');
    await expect(open()).rejects.toMatchObject({ code: 'ERR_AUDIT_OPEN_FAILED' });
  });

  test.each<[string, object]>([
    ['a name with spaces', { event: 'unlock granted', uid: 1 }],
    ['a negative uid', { event: 'unlock.granted', uid: -1 }],
    ['a detail that is an object', { event: 'unlock.granted', uid: 1, detail: { a: {} } }],
    ['a detail that is no number', { event: 'unlock.granted', uid: 1, detail: { a: Number.NaN } }],
    ['a detail with a strange name', { event: 'unlock.granted', uid: 1, detail: { 'a b': 1 } }],
    [
      'too many details',
      {
        event: 'unlock.granted',
        uid: 1,
        detail: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`d${i}`, i])),
      },
    ],
  ])('%s is refused, and the others of the batch are recorded', async (_, bad) => {
    await using log = await open();
    const results = await Promise.allSettled([log.append(event(1)), log.append(bad as never), log.append(event(2))]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'ERR_AUDIT_INVALID_EVENT' } });
    expect(await log.verify()).toMatchObject({ ok: true, records: 2 });
  });

  test('long texts are cut, and a line is never longer than its limit', () => {
    const line = formatLine({
      seq: 1,
      at: '',
      event: 'a',
      uid: null,
      prev: GENESIS,
      detail: { text: 'x'.repeat(9999) },
    });
    expect(parseLine(line)?.detail.text).toHaveLength(512);
    const wide = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`d${i}`, '\u0001'.repeat(512)]));
    expect(() => formatLine({ seq: 1, at: '', event: 'a', uid: null, prev: GENESIS, detail: wide })).toThrow(
      expect.objectContaining({ code: 'ERR_AUDIT_INVALID_EVENT' }),
    );
    expect(parseLine(' '.repeat(MAX_LINE_BYTES) + line)).toBeNull();
  });

  test('after close nothing is recorded, and closing twice is harmless', async () => {
    const log = await open();
    const last = log.append(event(1));
    await log.close();
    await log.close();
    expect((await last).seq).toBe(1);
    await expect(log.append(event(1))).rejects.toMatchObject({ code: 'ERR_AUDIT_CLOSED' });
  });
});
