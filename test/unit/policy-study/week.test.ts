import { describe, expect, test } from 'vitest';
import { edgesOf, localTimeAt, MINUTES_OF_WEEK, minuteOfWeek, weekPieces } from '../../../agent/policy/study/week.ts';
import { isWithin, type TimeWindow } from '../../../agent/policy/time-window.ts';

const DAY = { days: ['monday'], from: '08:00', to: '17:30' } as const;
const NIGHT = { days: ['sunday'], from: '22:00', to: '06:00' } as const;
const WHOLE = { days: ['tuesday'], from: '00:00', to: '24:00' } as const;

describe('the week in pieces', () => {
  test('a window opens and closes once on each of its days, over midnight on the day after', () => {
    expect(edgesOf([DAY])).toEqual([480, 1050]);
    expect(edgesOf([NIGHT])).toEqual([360, 6 * 1440 + 1320]);
    expect(edgesOf([WHOLE])).toEqual([1440, 2880]);
  });

  test('pieces cover the week without a gap, and within each one every window stays as it is', () => {
    for (const windows of [[], [DAY], [NIGHT], [WHOLE, DAY, NIGHT]] as readonly (readonly TimeWindow[])[]) {
      const pieces = weekPieces(windows);
      expect([pieces[0]?.from, pieces.at(-1)?.to]).toEqual([0, MINUTES_OF_WEEK]);
      for (const [i, { from, to, open }] of pieces.entries()) {
        expect(pieces[i + 1]?.from ?? MINUTES_OF_WEEK).toBe(to);
        for (let minute = from; minute < to; minute++) {
          const now = windows.flatMap((window, index) => (isWithin(window, localTimeAt(minute)) ? [index] : []));
          if (now.length !== open.size || now.some((index) => !open.has(index))) {
            expect.fail(`minute ${minute} is not as its piece says`);
          }
        }
      }
    }
  });

  test('a minute of the week is a local time and back, also beyond the week', () => {
    expect(localTimeAt(6 * 1440 + 5)).toEqual({ day: 'sunday', minute: 5 });
    expect(localTimeAt(-1)).toEqual({ day: 'sunday', minute: 1439 });
    expect(minuteOfWeek(localTimeAt(MINUTES_OF_WEEK + 1500))).toBe(1500);
  });
});
