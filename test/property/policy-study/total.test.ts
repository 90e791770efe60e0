/** Whatever document can be read has a report, a comparison and a timeline, and what they print is text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkedDocument, formatDocument, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseTrace } from '../../../agent/policy/forms/trace.ts';
import { CONTEXT_NAMES, type PolicyDocument, policyFor } from '../../../agent/policy/model.ts';
import { diffDocuments } from '../../../agent/policy/study/diff.ts';
import { diffWords } from '../../../agent/policy/study/diff-words.ts';
import { lint, lintWords } from '../../../agent/policy/study/lint.ts';
import { riskOf, riskWords, typicalUsers } from '../../../agent/policy/study/risk.ts';
import { changedSettings } from '../../../agent/policy/study/settings-diff.ts';
import { simulate, timelineWords } from '../../../agent/policy/study/timeline.ts';
import { timelinePage } from '../../../agent/policy/study/timeline-page.ts';
import { formatTrace, type Trace, type TraceEntry, traceHeader } from '../../../agent/policy/study/trace.ts';
import { WEEKDAYS } from '../../../agent/policy/time-window.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { WIFI_SECURITIES } from '../../../drivers/observation.ts';
import { SIGNAL_KINDS } from '../../../drivers/signal.ts';
import { satisfied, USER, unsatisfied } from '../../support/policy-fixtures.ts';

const v4 = fc.oneof(fc.ipV4(), fc.constantFrom('0.0.0.0', '255.255.255.255', '127.0.0.1', '192.0.2.1'));
const v6 = fc.oneof(fc.ipV6(), fc.constantFrom('::', '::1', 'ff02::1', 'fe80::1%2', '::ffff:192.0.2.1', '2001:DB8::1'));
const prefix = (address: fc.Arbitrary<string>, bits: number) =>
  fc
    .tuple(
      address.filter((each) => !each.includes('%')),
      fc.integer({ min: 0, max: bits }),
    )
    .map(([host, length]) => `${host}/${length}`);
const suffix = fc.oneof(fc.domain(), fc.constantFrom('example', 'EXAMPLE.', 'a.example', 'b.a.example.'));
const list = <T>(item: fc.Arbitrary<T>) =>
  fc.oneof(fc.array(item, { minLength: 1, maxLength: 3 }), fc.array(item, { minLength: 30, maxLength: 64 }));
const maybe = <T>(item: fc.Arbitrary<T>) => fc.option(item, { nil: undefined, freq: 2 });

const condition = fc.oneof(
  fc.record({
    type: fc.constant('ipConfig'),
    ipv4Prefix: maybe(prefix(v4, 32)),
    ipv4Gateway: maybe(v4),
    ipv4DnsServer: maybe(list(v4)),
    ipv6Prefix: maybe(prefix(v6, 128)),
    ipv6DhcpServer: maybe(v6),
    ipv6DnsServer: maybe(list(v6)),
    dnsSuffix: maybe(list(suffix)),
  }),
  fc.record({
    type: fc.constant('wifi'),
    ssid: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
    security: fc.constantFrom(...WIFI_SECURITIES),
    trustedRootCA: maybe(fc.constantFrom('0f'.repeat(20), '0f'.repeat(32))),
    signalQuality: maybe(fc.integer({ min: 0, max: 100 })),
  }),
  fc.record({
    type: fc.constant('bluetooth'),
    rssiMin: maybe(fc.double({ min: -20, max: 20, noNaN: true })),
    rssiMaxDelta: maybe(fc.double({ min: -20, max: 0, noNaN: true })),
    rssiFar: maybe(fc.double({ min: -128, max: -20, noNaN: true })),
  }),
);
const rules = fc
  .array(fc.array(condition, { minLength: 1, maxLength: 4 }), { maxLength: 5 })
  .map((all) => all.map((each, i) => ({ name: `r${i}`, all: each })));
const factor = fc.constantFrom(
  'pin',
  'securityKey',
  'fingerprint',
  'face',
  'phone',
  'network',
  'trustedSignal',
  'rule:r0',
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    factor,
    fc.record({ any: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }) }),
    fc.record({ all: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ atLeast: fc.integer({ min: 1, max: 3 }), of: fc.array(tie('tree'), { minLength: 3, maxLength: 4 }) }),
    fc.record({ during: fc.constantFrom('w0', 'w1'), need: tie('tree') }),
  ),
}));
const minute = fc
  .integer({ min: 0, max: 1439 })
  .map((of) => `${String(Math.floor(of / 60)).padStart(2, '0')}:${String(of % 60).padStart(2, '0')}`);
const window = fc.record({
  days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
  from: minute,
  to: fc.oneof(
    minute.filter((time) => time !== '00:00'),
    fc.constant('24:00'),
  ),
});

const documents: fc.Arbitrary<PolicyDocument> = fc
  .record({
    version: fc.constant(2),
    contexts: fc.dictionary(
      fc.constantFrom(...CONTEXT_NAMES),
      fc.record({ require: tree, acceptAsserted: fc.boolean() }),
    ),
    unlock: fc.record({ require: tree, acceptAsserted: fc.boolean() }),
    rules,
    windows: fc.record({ w0: window, w1: window }),
    matching: fc.record({
      dnsSuffix: fc.constantFrom('labels', 'substring'),
      adapters: fc.constantFrom('same', 'mixed'),
      repeated: fc.constantFrom('all', 'any'),
      phones: fc.constantFrom('enrolled', 'any-paired'),
    }),
    freshnessSeconds: fc.dictionary(fc.constantFrom(...SIGNAL_KINDS), fc.constantFrom(0.001, 1, 86_400)),
  })
  .map(({ unlock, contexts, ...rest }) => JSON.stringify({ ...rest, contexts: { ...contexts, unlock } }))
  .map((text) => {
    try {
      return parseDocument(text);
    } catch (error) {
      // What is no document is not spoken of here.
      if (isUnlockdError(error, 'ERR_POLICY_INVALID')) return null;
      throw error;
    }
  })
  .filter((document) => document !== null);

const areLines = (lines: readonly string[]) =>
  lines.every((each) => typeof each === 'string' && !each.includes('undefined'));

describe('every document that can be read', () => {
  test('has a report of lint and of risk', () => {
    fc.assert(
      fc.property(documents, fc.boolean(), (document, pinIsBound) => {
        const report = lint(document, { pinIsBound });
        expect(areLines(lintWords(report))).toBe(true);
        expect(report.weakest.map(({ context }) => context)).toContain('unlock');
        const users = typicalUsers(document, { pinIsBound });
        expect(areLines(riskWords(riskOf(document, users, { pinIsBound })))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('differs from itself in nothing, also when it was written and read again', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const again = checkedDocument(JSON.parse(formatDocument(document)));
        const diffs = diffDocuments(document, again, { pinIsBound: true });
        for (const { differences, bounds } of diffs) {
          expect(differences).toEqual([]);
          // Long lists of which any is enough have more forms than are looked at; then it says so.
          if (bounds.length > 0) expect(bounds.join()).toMatch(/more concrete forms|more than \d+/);
        }
        expect(changedSettings(document, again)).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  test('can be compared with every other one', () => {
    const limits = { nodes: 20_000, steps: 100_000 };
    fc.assert(
      fc.property(documents, documents, (a, b) => {
        const diffs = diffDocuments(a, b, { pinIsBound: true, limits, most: 20 });
        expect(areLines(diffWords(diffs, changedSettings(a, b)))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('can be played against every trace', () => {
    const time = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.double({ min: 0, max: 1e9, noNaN: true }));
    const entry: fc.Arbitrary<TraceEntry> = fc.oneof(
      fc
        .tuple(fc.constantFrom('pin', 'securityKey', 'face', 'phone', 'network'), time, time, fc.boolean())
        .map(([of, observedAt, validFor, simulated]): TraceEntry => satisfied(of, { observedAt, validFor, simulated })),
      time.map((at): TraceEntry => unsatisfied('pin', 'wrong', at)),
      fc.tuple(fc.constantFrom(...SIGNAL_KINDS), time).map(([lost, at]): TraceEntry => ({ lost, at: monotonicMs(at) })),
      fc.tuple(fc.string({ maxLength: 40, unit: 'binary' }), time).map(
        ([source, at]): TraceEntry => ({
          ...satisfied('pin', { observedAt: at }),
          source,
          validFor: milliseconds(0),
        }),
      ),
    );
    const traces: fc.Arbitrary<Trace> = fc
      .tuple(fc.array(entry, { maxLength: 12 }), fc.option(fc.integer({ min: 0, max: 1439 })))
      .map(([entries, at]) => ({
        header: traceHeader(
          { monotonicMs: 0, wall: null, localTime: at === null ? null : { day: 'sunday', minute: at } },
          USER,
          false,
        ),
        entries,
      }));
    fc.assert(
      fc.property(documents, traces, (document, trace) => {
        const timeline = simulate(policyFor(document, 'unlock'), trace, { pinIsBound: true, until: null });
        const { intervals, start, end } = timeline;
        expect([intervals[0]?.from, intervals.at(-1)?.to]).toEqual([start, end]);
        for (const [i, { to }] of intervals.entries()) expect(intervals[i + 1]?.from ?? end).toBe(to);
        expect(areLines(timelineWords(timeline))).toBe(true);
        const page = timelinePage(timeline, { context: 'unlock', policy: '', trace: '' });
        expect(page.match(/<(?:script|svg|img|iframe|object|link)\b/g)).toEqual(['<svg']);
        expect(page).not.toMatch(/NaN|undefined|Infinity/);
      }),
      { numRuns: 150 },
    );
  });

  test('any text is a trace or a typed error', () => {
    const good = formatTrace({
      header: traceHeader({ monotonicMs: 0, wall: null, localTime: null }, USER, false),
      entries: [satisfied('pin'), satisfied('network'), satisfied('phone')],
    });
    const mutated = fc
      .array(
        fc.tuple(
          fc.nat(good.length),
          fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('', '1e999', 'null', '[]', '{"', '\n')),
        ),
        { maxLength: 4 },
      )
      .map((edits) => edits.reduce((text, [at, put]) => text.slice(0, at) + put + text.slice(at + 1), good));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string(), fc.json()), (text) => {
        try {
          expect(parseTrace(text).header.format).toBe('unlockd-trace');
        } catch (error) {
          expect(isUnlockdError(error, 'ERR_POLICY_TRACE')).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
