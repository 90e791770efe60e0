/** What stands where people read: words for every id that a signal may carry, and each network written out once. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { explain } from '../../../agent/policy/explain.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor } from '../../../agent/policy/model.ts';
import { kindWords, reasonWords, stateWords } from '../../../agent/policy/signal-words.ts';
import { simulate, timelineWords } from '../../../agent/policy/study/timeline.ts';
import { timelinePage } from '../../../agent/policy/study/timeline-page.ts';
import { traceHeader } from '../../../agent/policy/study/trace.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import { type FactorSignal, SIGNAL_KINDS } from '../../../drivers/signal.ts';
import { officeNetwork, satisfied, USER } from '../../support/policy-fixtures.ts';

const IDS = ['no-device', 'no-permission', 'no-driver', 'locked-out', 'not-presented', 'not-enrolled', 'wrong-device'];
const OPTIONS = { machineSimulated: false, pinIsBound: true, user: USER, localTime: null };
const base = { source: 'a test', observedAt: monotonicMs(0), validFor: milliseconds(60_000), simulated: false };

describe('signals in words', () => {
  test('every id has words of its own, and what is unknown stands as it is', () => {
    for (const id of [...IDS, 'not-verified', 'timed-out']) expect(reasonWords(id)).not.toContain('-');
    for (const id of ['wrong', 'cancelled', 'expired', 'unsupported', 'failed']) expect(reasonWords(id)).not.toBe('');
    expect(['toString', '__proto__', 'tired'].map(reasonWords)).toEqual(['toString', '__proto__', 'tired']);
    for (const kind of SIGNAL_KINDS) expect(kindWords(kind)).not.toMatch(/[a-z][A-Z]/);
    expect(kindWords('constructor')).toBe('constructor');
    expect(stateWords({ state: 'unavailable', reason: 'no-device' })).toBe('unavailable: no device');
    expect(stateWords({ state: 'unsatisfied', reason: 'timed-out' })).toBe('not presented in time');
    expect(stateWords({ state: 'observed' })).toBe('observed');
  });

  test('a timeline and its page have no id in them', () => {
    const entries = IDS.slice(0, 4).flatMap((reason, i): FactorSignal[] => [
      { ...base, observedAt: monotonicMs(i * 1000), kind: 'securityKey', state: 'unavailable', reason } as FactorSignal,
    ]);
    const policy = policyFor(
      checkedDocument({ version: 2, contexts: { unlock: { require: { all: ['pin', 'securityKey'] } } } }),
      'unlock',
    );
    const trace = { header: traceHeader({ monotonicMs: 0, wall: null, localTime: null }, USER, false), entries };
    const timeline = simulate(policy, trace, { pinIsBound: true, until: null });
    const page = timelinePage(timeline, { context: 'unlock', policy: 'two factors', trace: 'a trace' });
    for (const text of [timelineWords(timeline).join('\n'), page]) {
      for (const id of [...IDS, 'securityKey']) expect(text).not.toContain(id);
    }
    expect(page).toContain('unavailable: no device');
  });
});

describe('a network that several ways ask for', () => {
  const rules = [
    { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24', ipv4DnsServer: ['192.0.2.53'] }] },
  ];
  const require = { all: [{ any: ['pin', 'face', 'fingerprint'] }, 'network'] };
  const policy = policyFor(
    checkedDocument({ version: 2, contexts: { unlock: { require, acceptAsserted: true } }, rules }),
    'unlock',
  );
  const elsewhere: FactorSignal = {
    ...base,
    kind: 'ipConfig',
    state: 'observed',
    observation: officeNetwork('198.51.100.7/24'),
  };

  test('is written out once, and referred to where it comes again', () => {
    const lines = explain(evaluate(policy, new Map([['ipConfig', elsewhere]]), monotonicMs(1000), OPTIONS));
    const texts = lines.map(({ text }) => text);
    expect(texts.filter((text) => text.startsWith('rule office'))).toHaveLength(1);
    expect(texts.filter((text) => text.startsWith('ipv4Prefix'))).toHaveLength(1);
    const references = lines.filter(({ text }) => text.endsWith(': the rules as above'));
    expect(references.map(({ depth, ok }) => [depth, ok])).toEqual([
      [2, false],
      [2, false],
    ]);
    const first = texts.findIndex((text) => text.startsWith('rule office'));
    expect(texts.findIndex((text) => text.endsWith('as above'))).toBeGreaterThan(first);
  });

  test('is written out for each way whose rules are others', () => {
    const two = policyFor(
      checkedDocument({
        version: 2,
        contexts: {
          unlock: { require: { any: [{ all: ['pin', 'rule:office'] }, { all: ['securityKey', 'rule:lab'] }] } },
        },
        rules: [...rules, { name: 'lab', all: [{ type: 'ipConfig', ipv4Prefix: '203.0.113.0/24' }] }],
      }),
      'unlock',
    );
    const snapshot = new Map([['ipConfig', elsewhere] as const, ['pin', satisfied('pin')] as const]);
    const texts = explain(evaluate(two, snapshot, monotonicMs(1000), OPTIONS)).map(({ text }) => text);
    expect(texts.filter((text) => /^rule (office|lab)/.test(text))).toHaveLength(2);
    expect(texts.join('\n')).not.toContain('as above');
  });
});
