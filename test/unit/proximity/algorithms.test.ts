/** Each algorithm of the comparison does what it is said to do, and the score counts what it says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blueProximity, smartLock, windowsRule } from '../../proximity/others.ts';
import { ours } from '../../proximity/ours.ts';
import { Tally } from '../../proximity/score.ts';
import { type StoredTrace, storedOf, traceFrom } from '../../proximity/stored.ts';
import { notBetter, tableOf } from '../../proximity/table.ts';
import { type Trace, traceOf } from '../../proximity/trace.ts';
import { PROJECT_ROOT } from '../../support/project/source-tree.ts';

const GOLDEN = -60;

/** A reading a second: dB on the relative scale; null: no link. Somebody at the desk, with input where it says so. */
function made(seconds: number, strength: (second: number) => number | null, more: Partial<StoredTrace> = {}): Trace {
  const all = [...Array(seconds).keys()];
  return traceFrom({
    title: '',
    seed: 0,
    from: 0,
    golden: GOLDEN,
    dBm: all.map((second) => {
      const dB = strength(second);
      return dB === null ? null : GOLDEN + dB;
    }),
    place: 'd'.repeat(seconds),
    input: '-'.repeat(seconds),
    ...more,
  });
}
const seconds = (ticks: readonly number[]) => ticks.map((tick) => tick / 4);

describe('the rule of Windows', () => {
  it('locks at the first weak reading of its minute, when nobody types', () => {
    expect(seconds(windowsRule(made(300, (s) => (s < 100 ? 0 : -11))).locks)).toEqual([120]);
    expect(windowsRule(made(300, (s) => (s < 100 ? 0 : -11), { input: 'x'.repeat(300) })).locks).toEqual([]);
  });

  it('waits for thirty seconds without input', () => {
    const input = `${'x'.repeat(110)}${'-'.repeat(190)}`;
    expect(seconds(windowsRule(made(300, (s) => (s < 100 ? 0 : -11), { input })).locks)).toEqual([139.75]);
  });

  it('does not see what happens between its readings, and is armed again by a strong one', () => {
    expect(windowsRule(made(300, (s) => (s % 60 === 0 ? 0 : -30))).locks).toEqual([]);
    expect(seconds(windowsRule(made(400, (s) => (s >= 180 && s < 240 ? 0 : s < 60 ? 0 : -30))).locks)).toEqual([
      60, 240,
    ]);
  });
});

describe('BlueProximity', () => {
  it('locks at the sixth reading of 7 below, and is back at 4 below', () => {
    expect(seconds(blueProximity(made(60, (s) => (s < 10 ? -4 : -7))).locks)).toEqual([15]);
    expect(blueProximity(made(60, (s) => (s < 10 ? -4 : -6))).locks).toEqual([]);
    expect(blueProximity(made(60, (s) => (s % 6 === 0 ? -6 : -7))).locks).toEqual([]);
    const back = made(60, (s) => (s >= 30 && s < 32 ? -4 : s < 10 ? 0 : -7));
    expect(seconds(blueProximity(back).locks)).toEqual([15, 37]);
  });

  it('keeps the last reading of a link that is silent, until it is given up', () => {
    expect(seconds(blueProximity(made(60, (s) => (s < 10 ? 0 : null))).locks)).toEqual([35]);
  });
});

describe('the running mean of Chrome OS', () => {
  it('locks when it falls to -70 dBm, at once without a link', () => {
    // -50 until second 10, then -80: 0.7^n * 30 <= 10.
    expect(seconds(smartLock(made(30, (s) => (s < 10 ? 10 : -20))).locks)).toEqual([10.75]);
    expect(smartLock(made(30, () => -9)).locks).toEqual([]);
    expect(seconds(smartLock(made(30, (s) => (s < 10 ? 10 : null))).locks)).toEqual([15]);
  });
});

describe('dynamic lock', () => {
  it('locks after two weak probes, the second of them out of its turn, and the delay', () => {
    // Probes at 0, 20, 40: weak at 40, again at 43; thirty seconds without input are long over.
    expect(seconds(ours()(made(120, (s) => (s < 30 ? 0 : -20))).locks)).toEqual([48]);
  });

  it('locks nobody who types, and does when they stop', () => {
    const weak = (s: number) => (s < 30 ? 0 : -20);
    expect(ours()(made(200, weak, { input: 'x'.repeat(200) })).locks).toEqual([]);
    const input = `${'x'.repeat(100)}${'-'.repeat(100)}`;
    const [lock] = seconds(ours()(made(200, weak, { input })).locks);
    expect(lock).toBeGreaterThanOrEqual(129.75);
    expect(lock).toBeLessThan(131);
  });
});

const piece = (file: string): StoredTrace =>
  JSON.parse(readFileSync(join(PROJECT_ROOT, 'test/vectors/proximity', `${file}.json`), 'utf8'));

describe('stored pieces of traces', () => {
  it.each(['leaves', 'turns', 'visits'])('%s is what its seed makes, to a decibel', (file) => {
    const stored = piece(file);
    const again = storedOf(traceOf(stored.seed), stored.title, stored.from, stored.from + stored.dBm.length);
    expect({ ...again, dBm: [] }).toEqual({ ...stored, dBm: [] });
    for (const [second, value] of stored.dBm.entries()) {
      expect(Math.abs((again.dBm[second] ?? -128) - (value ?? -128))).toBeLessThanOrEqual(1);
    }
  });

  it('somebody who leaves is locked once, on the way', () => {
    const trace = traceFrom(piece('leaves'));
    const { locks } = ours()(trace);
    const [departure] = trace.departures;
    expect(locks).toHaveLength(1);
    expect((locks[0] ?? 0) - (departure?.left ?? 0)).toBeGreaterThan(0);
    expect(((locks[0] ?? 0) - (departure?.left ?? 0)) / 4).toBeLessThan(60);
  });

  it('somebody who turns and hides the phone is not locked, where BlueProximity does', () => {
    const trace = traceFrom(piece('turns'));
    expect(new Set(trace.place)).toEqual(new Set([0]));
    expect(ours()(trace).locks).toEqual([]);
    expect(blueProximity(trace).locks.length).toBeGreaterThan(0);
  });

  it('somebody at the other end of the room for a minute is not locked', () => {
    expect(ours()(traceFrom(piece('visits'))).locks).toEqual([]);
  });
});

describe('the score', () => {
  const day = made(3600, () => 0, { place: `${'d'.repeat(1800)}${'g'.repeat(600)}${'d'.repeat(1200)}` });
  const of = (locks: readonly number[]) => {
    const tally = new Tally(() => ({ locks: locks.map((second) => second * 4), readings: 100 }));
    tally.add(day);
    return tally.figures;
  };

  it('counts locks at the desk, departures without one, and the time to the first', () => {
    expect(of([600, 1830, 2000])).toMatchObject({
      departures: 1,
      falseLocksAnHour: { value: 1 / (3000 / 3600) },
      missed: { value: 0 },
      median: 30,
      readingsAnHour: 100,
    });
    expect(() => of([600])).toThrow(TypeError);
  });

  it('has intervals around what was counted', () => {
    const { falseLocksAnHour, missed } = of([600, 1830]);
    for (const { value, low, high } of [falseLocksAnHour, missed]) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  it('says in what one is not better than another', () => {
    expect(notBetter(of([1830]), of([600, 1900]))).toEqual(['missed departures']);
    expect(notBetter(of([600, 1900]), of([1830]))).toEqual(['false locks', 'missed departures', 'time to lock']);
  });

  it('is a row of a table', () => {
    expect(tableOf([{ name: 'it', figures: of([1830]) }]).at(-1)).toMatch(
      /^\| it \| 0\.000 \(0\.000–\d\.\d{3}\) \| 0\.0 /,
    );
  });
});
