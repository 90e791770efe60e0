import { describe, expect, it } from 'vitest';
import { boundedLane, comparedLane } from '../../bench/lane.ts';
import { quantilesOf } from '../../bench/quantiles.ts';
import { jsonReport, type Machine, tableReport } from '../../bench/report.ts';

const machine: Machine = {
  cores: 2,
  cpu: 'a processor',
  memoryMb: 2048,
  arch: 'x64',
  kernel: '6.1',
  os: 'an OS',
  node: 'v20.19.0',
};
const compared = (ours: readonly number[], other: readonly number[], limit: number | null) =>
  comparedLane({ name: 'a/b', unit: 'ms', ours, other: { what: 'the other', samples: other }, limit });

describe('quantiles', () => {
  it('are the value itself for one sample', () => {
    expect(quantilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7 });
  });

  it('are interpolated between ranks, whatever the order of the samples', () => {
    const samples = [...Array(101).keys()].reverse();
    expect(quantilesOf(samples)).toEqual({ p50: 50, p95: 95, p99: 99 });
    expect(quantilesOf([3, 1, 2, 4]).p50).toBe(2.5);
  });

  it('refuse an empty series and what is no number', () => {
    expect(() => quantilesOf([])).toThrow(TypeError);
    expect(() => quantilesOf([1, Number.NaN])).toThrow(TypeError);
  });
});

describe('a compared lane', () => {
  it('has the ratio of the medians', () => {
    expect(compared([2, 2, 100], [4, 4, 1], 0.5)).toMatchObject({ ratio: 0.5, ok: true, n: 3 });
  });

  it('is not ok when the ratio is over its limit, and always ok without one', () => {
    expect(compared([3], [2], 1.25).ok).toBe(false);
    expect(compared([3], [2], null).ok).toBe(true);
  });

  it('refuses another that took no time', () => {
    expect(() => compared([1], [0], null)).toThrow(TypeError);
  });
});

describe('a bounded lane', () => {
  it('may reach its limit, unless it has to stay below', () => {
    expect(boundedLane('idle/memory', 'MB', [90], 90)).toMatchObject({ ok: true, ratio: 1, other: null });
    expect(boundedLane('idle/wakeups', '1/s', [1], 1, { below: true }).ok).toBe(false);
    expect(boundedLane('idle/memory', 'MB', [91], 90).ok).toBe(false);
  });
});

describe('the report', () => {
  const parts = comparedLane({
    name: 'unlock/parts',
    unit: 'ms',
    ours: [10.123456],
    other: { what: 'the parts', samples: [9] },
    limit: 1.25,
    parts: { 'TPM commands': [5], 'API requests': [4] },
    apart: { 'the authenticator': [3] },
  });

  it('as JSON has exactly the fields of a lane, with parts where there are some', () => {
    const report = jsonReport(machine, [compared([3], [2], null), parts]);
    expect(Object.keys(report)).toEqual(['machine', 'lanes']);
    const lanes = report.lanes as readonly Record<string, unknown>[];
    const fields = ['name', 'n', 'unit', 'ours', 'other', 'ratio', 'limit', 'ok'];
    expect(Object.keys(lanes[0] ?? {})).toEqual(fields);
    expect(Object.keys(lanes[1] ?? {})).toEqual([...fields, 'parts', 'apart']);
    expect(lanes[1]?.ours).toEqual({ p50: 10.12, p95: 10.12, p99: 10.12 });
  });

  it('as a table names what is over its limit', () => {
    const lines = tableReport(machine, [parts, compared([3], [2], 1.25)]).join('\n');
    expect(lines).toMatch(/^unlock\/parts .* ok$/m);
    expect(lines).toMatch(/^a\/b .* OVER$/m);
    expect(lines).toContain('TPM commands: 5 ms');
  });
});
