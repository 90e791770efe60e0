import { describe, expect, test } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseTrace } from '../../../agent/policy/forms/trace.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { type Interval, simulate, timelineWords } from '../../../agent/policy/study/timeline.ts';
import { timelinePage } from '../../../agent/policy/study/timeline-page.ts';
import {
  formatTrace,
  snapshotAt,
  type Trace,
  type TraceEntry,
  traceHeader,
} from '../../../agent/policy/study/trace.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { satisfied, USER, unsatisfied } from '../../support/policy-fixtures.ts';

const policy = (require: unknown, more: Record<string, unknown> = {}): UnlockPolicy => {
  const rules = [
    { name: 'near', all: [{ type: 'bluetooth' }] },
    { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] },
  ];
  return policyFor(checkedDocument({ version: 2, contexts: { unlock: { require } }, rules, ...more }), 'unlock');
};
const PIN_AND_KEY = policy({ all: ['pin', 'securityKey'] });
const trace = (entries: readonly TraceEntry[], localTime: Trace['header']['clock']['localTime'] = null): Trace => ({
  header: traceHeader({ monotonicMs: 0, wall: null, localTime }, USER, false),
  entries,
});
const at = (factor: FactorKind, observedAt: number, validFor = 10_000) => satisfied(factor, { observedAt, validFor });
const OPTIONS = { pinIsBound: true, until: null };
const short = (intervals: readonly Interval[]) =>
  intervals.map(({ from, fromIncluded, verdict }) => `${from}${fromIncluded ? '' : '+'} ${verdict}`);

describe('a policy against a trace', () => {
  test('a grant begins with the second factor and ends exactly when the first one is too old', () => {
    const { intervals } = simulate(PIN_AND_KEY, trace([at('pin', 1000), at('securityKey', 4321)]), OPTIONS);
    expect(short(intervals)).toEqual(['0 denied', '1000 denied', '4321 granted', '11000+ denied', '14321+ denied']);
    expect(intervals[2]).toMatchObject({ to: 11_000, strength: 'bound-2', words: 'the PIN + a security key' });
    expect(intervals[3]).toMatchObject({ because: ['PIN too old (counts for 10 s)'], words: 'missing: the PIN' });
  });

  test('the policy’s own freshness holds where it is shorter', () => {
    const strict = policy({ all: ['pin', 'securityKey'] }, { freshnessSeconds: { pin: 2.5 } });
    const { intervals } = simulate(strict, trace([at('pin', 1000), at('securityKey', 2000)]), OPTIONS);
    expect(short(intervals)).toContain('3500+ denied');
  });

  test('a signal that comes again before it is too old leaves no gap', () => {
    const again = trace([at('pin', 0), at('securityKey', 0), at('securityKey', 9000), at('pin', 10_000)]);
    expect(short(simulate(PIN_AND_KEY, again, OPTIONS).intervals)).toEqual([
      '0 granted',
      '19000+ denied',
      '20000+ denied',
    ]);
  });

  test('a wrong PIN, and a signal that is lost, end a grant at once', () => {
    const wrong = trace([at('pin', 0), at('securityKey', 0), unsatisfied('pin', 'wrong', 5000)]);
    expect(simulate(PIN_AND_KEY, wrong, OPTIONS).intervals[1]).toMatchObject({
      from: 5000,
      fromIncluded: true,
      verdict: 'denied',
      because: ['PIN wrong (test pin)'],
    });
    const lost = trace([at('pin', 0), at('securityKey', 0), { lost: 'securityKey', at: monotonicMs(3000) }]);
    expect(simulate(PIN_AND_KEY, lost, OPTIONS).intervals[1]).toMatchObject({
      from: 3000,
      because: ['nothing is known of security key any more'],
    });
  });

  test('a time window opens and closes on the minute', () => {
    const windows = { day: { days: ['monday'], from: '08:00', to: '08:02' } };
    const gated = policy({ during: 'day', need: { all: ['pin', 'securityKey'] } }, { windows });
    const long = trace([at('pin', 0, 300_000), at('securityKey', 0, 300_000)], { day: 'monday', minute: 479 });
    const { intervals } = simulate(gated, long, OPTIONS);
    expect(short(intervals).slice(0, 3)).toEqual(['0 denied', '60000 granted', '180000 denied']);
    expect(intervals[1]?.because).toEqual(['a time window opens or closes']);
    const unknown = simulate(gated, trace(long.entries), OPTIONS);
    expect(unknown.intervals.every(({ verdict }) => verdict === 'denied')).toBe(true);
  });

  test('lines out of order are played in order, and what comes later does not count before', () => {
    const mixed = trace([at('securityKey', 4000), at('pin', 1000)]);
    expect(simulate(PIN_AND_KEY, mixed, OPTIONS).intervals.find(({ verdict }) => verdict === 'granted')?.from).toBe(
      4000,
    );
    expect([...snapshotAt(mixed, monotonicMs(1000)).keys()]).toEqual(['pin']);
  });

  test('simulated signals count only where the machine is simulated', () => {
    const entries = [satisfied('pin', { simulated: true, observedAt: 0 }), at('securityKey', 0)];
    const played = simulate(PIN_AND_KEY, trace(entries), OPTIONS);
    expect(played.intervals.every(({ verdict }) => verdict === 'denied')).toBe(true);
    expect(played.lanes[0]?.bars[0]?.state).toBe('simulated');
    const simulated = { ...trace(entries), header: traceHeader(trace([]).header.clock, USER, true) };
    expect(simulate(PIN_AND_KEY, simulated, OPTIONS).intervals[0]?.verdict).toBe('granted');
  });

  test('lanes show since when a signal counts, and since when it is too old', () => {
    const { lanes } = simulate(PIN_AND_KEY, trace([at('pin', 1000), at('securityKey', 4321)]), OPTIONS);
    expect(lanes.map(({ kind }) => kind)).toEqual(['pin', 'securityKey']);
    expect(lanes[0]?.bars.map(({ from, to, state }) => [from, state === 'stale' ? 'end' : to, state])).toEqual([
      [1000, 11_000, 'counts'],
      [11_000, 'end', 'stale'],
    ]);
  });

  test('an empty trace is one interval', () => {
    expect(simulate(PIN_AND_KEY, trace([]), OPTIONS).intervals).toHaveLength(1);
  });

  test('in words, each interval with what began it', () => {
    expect(timelineWords(simulate(PIN_AND_KEY, trace([at('pin', 1000), at('securityKey', 4321)]), OPTIONS))).toEqual([
      ' 0.000 s  denied: missing: the PIN + a security key',
      ' 1.000 s  denied: missing: a security key',
      '          as PIN right (test pin)',
      ' 4.321 s  granted (bound-2): the PIN + a security key',
      '          as security key right (test securityKey)',
      '11.000 s+ denied: missing: the PIN',
      '          as PIN too old (counts for 10 s)',
      '14.321 s+ denied: missing: the PIN + a security key',
      '          as security key too old (counts for 10 s)',
    ]);
  });
});

describe('the page of a timeline', () => {
  const words = { context: 'unlock', policy: 'first PIN, then security key', trace: 'monday.jsonl' };
  const page = (entries: readonly TraceEntry[]) => timelinePage(simulate(PIN_AND_KEY, trace(entries), OPTIONS), words);

  test('loads nothing: no script, no address but the name space of the picture, and a policy that forbids it', () => {
    const html = page([at('pin', 0), at('securityKey', 500)]);
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
      /https?:|url\(|@import|<script|<link|<img|href=|src=/i,
    );
    expect(html.match(/<svg/g)).toHaveLength(1);
    expect(html).toContain('granted (bound-2)');
  });

  test.each([
    '<script>alert(1)</script>',
    '"><svg onload=alert(1)>',
    "' onmouseover='x",
    '&lt;b&gt;',
    '\u202etxt\u0000\ud800',
  ])('a hostile name is text: %j', (name) => {
    const signal = at('pin', 0);
    const html = timelinePage(simulate(PIN_AND_KEY, trace([{ ...signal, source: name }]), OPTIONS), {
      ...words,
      trace: name,
      policy: name,
    });
    for (const sign of ['<script', '<svg on', "onmouseover='", '\u202e', '\u0000']) expect(html).not.toContain(sign);
    expect(html.match(/<svg/g)).toHaveLength(1);
    expect(html).not.toContain(name);
  });

  test('every bar and every tick lies within the picture', () => {
    const html = page([at('pin', 0, 1), at('securityKey', 500, 1_000_000_000), at('network', 900)]);
    for (const [, x = '', width = '0'] of html.matchAll(/<rect x="([\d.]+)"[^>]*width="([\d.]+)"/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(120);
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(1000);
    }
    expect([...html.matchAll(/class="tick"/g)].length).toBeLessThanOrEqual(13);
  });
});

describe('the file of a trace', () => {
  const whole = trace([
    at('pin', 1000),
    at('phone', 1500),
    at('network', 2000),
    { lost: 'pin', at: monotonicMs(3000) },
  ]);

  test('what was written is read again', () => {
    expect(parseTrace(formatTrace(whole))).toEqual(whole);
  });

  const lines = formatTrace(whole).trimEnd().split('\n');
  test.each([
    ['nothing at all', '', 1],
    ['no header', lines.slice(1).join('\n'), 1],
    ['another version', lines[0]?.replace('"version":1', '"version":2') ?? '', 1],
    ['no JSON', `${lines[0]}\n{`, 2],
    ['an unknown element', `${lines[0]}\n${lines[1]?.replace('{', '{"more":1,')}`, 2],
    ['a time that is no number', `${lines[0]}\n\n${lines[1]?.replace('1000', '"1000"')}`, 3],
    ['a time before the clock', `${lines[0]}\n${lines[1]?.replace('1000', '-1')}`, 2],
    ['a surrounding that is satisfied', `${lines[0]}\n${lines[1]?.replace('"kind":"pin"', '"kind":"wifi"')}`, 2],
    ['a kind that there is not', `${lines[0]}\n${lines[1]?.replace('"kind":"pin"', '"kind":"nose"')}`, 2],
  ])('%s is refused with its line', (_what, source, line) => {
    expect(() => parseTrace(source)).toThrow(expect.objectContaining({ code: 'ERR_POLICY_TRACE', detail: { line } }));
  });

  test('more than may be is refused', () => {
    const many = `${lines[0]}\n${`${lines[1]}\n`.repeat(50_001)}`;
    expect(() => parseTrace(many)).toThrow(expect.objectContaining({ code: 'ERR_POLICY_TRACE' }));
    const long = `${lines[0]}\n${lines[1]?.replace('test pin', 'x'.repeat(600))}`;
    expect(() => parseTrace(long)).toThrow(expect.objectContaining({ code: 'ERR_POLICY_TRACE', detail: { line: 2 } }));
  });
});

describe('what a denial says', () => {
  test('of a PIN that was wrong: that it was refused, not that it is missing', () => {
    const { intervals } = simulate(
      PIN_AND_KEY,
      trace([at('securityKey', 0), unsatisfied('pin', 'wrong', 100)]),
      OPTIONS,
    );
    expect(intervals[1]?.words).toBe('refused: the PIN (wrong)');
  });

  test('of a window that is closed: that no way is open', () => {
    const windows = { day: { days: ['monday'], from: '08:00', to: '09:00' } };
    const gated = policy({ during: 'day', need: { all: ['pin', 'securityKey'] } }, { windows });
    expect(simulate(gated, trace([], { day: 'sunday', minute: 0 }), OPTIONS).intervals[0]?.words).toBe(
      'no way is open now',
    );
  });
});
