/** The events that a user can bring about at will: some one by one, the rest as a number. */
import { describe, expect, it } from 'vitest';
import { EventAllowance } from '../../../agent/audit/allowance.ts';
import type { AuditDetail } from '../../../agent/audit/record.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { ManualClock } from '../../support/fido2/manual-clock.ts';

function scene() {
  const clock = new ManualClock();
  const written: { event: string; uid: number | null; detail: AuditDetail }[] = [];
  const failures: unknown[] = [];
  const disk = { full: false };
  const allowance = new EventAllowance({
    clock,
    counted: ['purpose-key', 'unlock-refused'],
    oneByOne: 3,
    span: milliseconds(60_000),
    write: async (event, uid, detail) => {
      if (disk.full) throw new Error('the disk is full');
      written.push({ event, uid, detail });
    },
    failed: (error) => failures.push(error),
  });
  const many = async (count: number, event: string, uid: number | null) => {
    for (let i = 0; i < count; i++) await allowance.write(event, uid, { i });
  };
  return { clock, written, failures, disk, allowance, many };
}

describe('the allowance of events', () => {
  it('writes three of them, and at the end of the span one line with the number of the others', async () => {
    const { clock, written, many } = scene();
    await many(1000, 'purpose-key', 1000);
    expect(written.map(({ detail }) => detail)).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
    await clock.advance(60_000);
    expect(written.slice(3)).toEqual([{ event: 'purpose-key', uid: 1000, detail: { more: 997, withinSeconds: 60 } }]);
    await many(1, 'purpose-key', 1000);
    expect(written).toHaveLength(5);
  });

  it('counts each uid and each event apart, and leaves all others alone', async () => {
    const { written, many } = scene();
    await many(5, 'purpose-key', 1000);
    await many(5, 'purpose-key', 1001);
    await many(5, 'unlock-refused', 1000);
    await many(5, 'unlocked', 1000);
    await many(5, 'purpose-key', null);
    expect(written).toHaveLength(3 + 3 + 3 + 5 + 5);
  });

  it('writes the numbers at a flush, and nothing where nothing was held back', async () => {
    const { clock, written, allowance, many } = scene();
    await many(2, 'unlock-refused', 1000);
    await many(4, 'purpose-key', 1000);
    await allowance.flush();
    expect(written.slice(5)).toEqual([{ event: 'purpose-key', uid: 1000, detail: { more: 1, withinSeconds: 60 } }]);
    expect(clock.pending).toBe(0);
    await allowance.flush();
    expect(written).toHaveLength(6);
  });

  it('tells its caller that an event could not be written, and the log that a number could not', async () => {
    const { clock, failures, disk, allowance, many } = scene();
    await many(4, 'purpose-key', 1000);
    disk.full = true;
    await expect(allowance.write('unlock-refused', 1000, {})).rejects.toThrow(/full/);
    await clock.advance(60_000);
    expect(failures).toHaveLength(1);
  });
});
