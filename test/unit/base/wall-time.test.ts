/** What the clocks of a place show, on ordinary days and on those on which they are put forward or back. */
import { describe, expect, it } from 'vitest';
import { unixMs } from '../../../drivers/base/brand.ts';
import { systemClock, wallTime } from '../../../drivers/base/clock.ts';

const at = (iso: string) => unixMs(Date.parse(iso));
const shown = (iso: string, zone: string): string => {
  const { day, minute } = wallTime(at(iso), zone);
  return `${day} ${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
};

describe('the time on the wall', () => {
  it.each([
    ['2026-01-05T07:59:59Z', 'UTC', 'monday 07:59'],
    ['2026-01-04T23:30:00Z', 'Europe/Berlin', 'monday 00:30'],
    ['2026-01-05T00:00:00Z', 'UTC', 'monday 00:00'],
    ['2026-01-05T00:30:00Z', 'America/New_York', 'sunday 19:30'],
    ['2026-01-05T18:15:00Z', 'Asia/Kathmandu', 'tuesday 00:00'],
  ])('%s in %s is %s', (iso, zone, words) => {
    expect(shown(iso, zone)).toBe(words);
  });

  it('has no hour from two to three on the day on which clocks are put forward', () => {
    expect(shown('2026-03-29T00:59:59Z', 'Europe/Berlin')).toBe('sunday 01:59');
    expect(shown('2026-03-29T01:00:00Z', 'Europe/Berlin')).toBe('sunday 03:00');
    expect(shown('2026-03-30T00:59:59Z', 'Europe/Berlin')).toBe('monday 02:59');
  });

  it('has that hour twice on the day on which they are put back', () => {
    expect(shown('2026-10-25T00:30:00Z', 'Europe/Berlin')).toBe('sunday 02:30');
    expect(shown('2026-10-25T01:30:00Z', 'Europe/Berlin')).toBe('sunday 02:30');
    expect(shown('2026-10-25T02:00:00Z', 'Europe/Berlin')).toBe('sunday 03:00');
  });

  it('of the system is that of its own zone', () => {
    const { day, minute } = systemClock.localTime();
    const [before, now] = [wallTime(unixMs(systemClock.wall() - 60_000)), wallTime(systemClock.wall())];
    expect([before, now]).toContainEqual({ day, minute });
  });
});
