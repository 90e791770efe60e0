import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuditLog } from '../../../agent/audit/log.ts';
import { formatLine, GENESIS, hashLine, parseLine } from '../../../agent/audit/record.ts';
import { systemClock } from '../../../drivers/base/clock.ts';

const chain = (count: number): string => {
  let prev = GENESIS;
  let text = '';
  for (let seq = 1; seq <= count; seq++) {
    const line = formatLine({ seq, at: '2030-01-01T00:00:00.000Z', event: 'test', uid: 1, detail: {}, prev });
    prev = hashLine(line);
    text += `${line}\n`;
  }
  return text;
};

test('a log cut at any byte opens again with every whole record before the cut, and goes on', async () => {
  const whole = chain(4);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length), async (cut) => {
      const folder = mkdtempSync(join(tmpdir(), 'unlockd-audit-'));
      try {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'audit.log'), whole.slice(0, cut));
        await using log = await AuditLog.open({ folder, clock: systemClock, maxBytes: 65_536, keepFiles: 2 });
        await log.append({ event: 'test', uid: 1 });
        const kept = whole.slice(0, cut).split('\n').length - 1;
        const records = await log.last(100);
        expect(records.slice(0, kept).every(({ event }) => event === 'test')).toBe(true);
        expect(await log.verify()).toMatchObject({ ok: true, firstSeq: 1, lastSeq: records.length });
        const torn = cut > 0 && whole[cut - 1] !== '\n';
        expect(records).toHaveLength(kept + (torn ? 2 : 1));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 120 },
  );
});

test('any bytes in the place of the log are opened, kept or cut off, and gone on with', async () => {
  const line = chain(1);
  const files = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .array(fc.oneof(fc.constant(line), fc.string({ maxLength: 10 }), fc.constant('\n')), { maxLength: 6 })
      .map((parts) => Buffer.from(parts.join(''))),
  );
  await fc.assert(
    fc.asyncProperty(files, async (bytes) => {
      const folder = mkdtempSync(join(tmpdir(), 'unlockd-audit-'));
      try {
        writeFileSync(join(folder, 'audit.log'), bytes);
        await using log = await AuditLog.open({ folder, clock: systemClock, maxBytes: 65_536, keepFiles: 2 });
        const { seq } = await log.append({ event: 'test', uid: 1 });
        expect((await log.last(1))[0]?.seq).toBe(seq);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 200 },
  );
});

test('any text is a record or null', () => {
  const [line = ''] = chain(1).split('\n');
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .tuple(fc.nat(line.length), fc.string({ maxLength: 3 }))
      .map(([at, put]) => line.slice(0, at) + put + line.slice(at + 1)),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const record = parseLine(text);
      if (record !== null) expect(record.seq).toBeGreaterThan(0);
    }),
    { numRuns: 3000 },
  );
});
