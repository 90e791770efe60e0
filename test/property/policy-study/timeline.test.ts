/** The timeline says of every instant what the evaluation says of it, also just before and at the instants of change. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { type Interval, simulate } from '../../../agent/policy/study/timeline.ts';
import {
  localTimeOf,
  snapshotAt,
  type Trace,
  type TraceEntry,
  traceHeader,
} from '../../../agent/policy/study/trace.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { satisfied, USER, unsatisfied } from '../../support/policy-fixtures.ts';

const RULES = [
  { name: 'near', all: [{ type: 'bluetooth' }] },
  { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] },
];
const policies: fc.Arbitrary<UnlockPolicy> = fc
  .record({
    require: fc.constantFrom<unknown>(
      { all: ['pin', { any: ['securityKey', 'trustedSignal'] }] },
      { any: [{ all: ['pin', 'securityKey'] }, { during: 'day', need: { all: ['pin', 'network'] } }] },
    ),
    freshnessSeconds: fc.record({ pin: fc.constantFrom(2, 7.5, 60), ipConfig: fc.constantFrom(1, 60) }),
    from: fc.constantFrom('08:00', '08:01', '08:02'),
  })
  .map(({ require, freshnessSeconds, from }) =>
    policyFor(
      checkedDocument({
        version: 2,
        contexts: { unlock: { require } },
        rules: RULES,
        freshnessSeconds,
        windows: { day: { days: ['monday'], from, to: '08:03' } },
      }),
      'unlock',
    ),
  );
/** On a coarse grid, so that instants fall together. */
const time = fc.integer({ min: 0, max: 60 }).map((quarter) => quarter * 2500);
const entry: fc.Arbitrary<TraceEntry> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom('pin', 'securityKey', 'phone', 'network'), time, time)
      .map(([factor, observedAt, validFor]): TraceEntry => satisfied(factor, { observedAt, validFor })),
  },
  time.map((at): TraceEntry => unsatisfied('pin', 'wrong', at)),
  time.map((at): TraceEntry => ({ lost: 'ipConfig', at: monotonicMs(at) })),
);
const traces: fc.Arbitrary<Trace> = fc.array(entry, { minLength: 1, maxLength: 10 }).map((entries) => ({
  header: traceHeader({ monotonicMs: 0, wall: null, localTime: { day: 'monday', minute: 479 } }, USER, false),
  entries,
}));

const covers = ({ from, fromIncluded, to }: Interval, next: Interval | undefined, at: number): boolean => {
  const begun = fromIncluded ? at >= from : at > from;
  const over = next === undefined ? false : next.fromIncluded ? at >= to : at > to;
  return begun && !over;
};

describe('a timeline', () => {
  test('says at every instant what the evaluation says', () => {
    fc.assert(
      fc.property(
        policies,
        traces,
        fc.array(fc.double({ min: 0, max: 160_000, noNaN: true }), { maxLength: 10 }),
        (policy, trace, more) => {
          const { intervals, end } = simulate(policy, trace, { pinIsBound: true, until: null });
          const edges = intervals.flatMap(({ from, to }) => [from, from + 0.001, from - 0.001, to]);
          for (const at of [...more, ...edges]) {
            if (at < 0 || at > end) continue;
            const now = monotonicMs(at);
            const options = {
              machineSimulated: false,
              pinIsBound: true,
              user: USER,
              localTime: localTimeOf(trace.header, now),
            };
            const { verdict } = evaluate(policy, snapshotAt(trace, now), now, options);
            const own = intervals.filter((interval, i) => covers(interval, intervals[i + 1], at));
            expect(own.map((interval) => interval.verdict)).toEqual([verdict]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
