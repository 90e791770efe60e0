/** One day of changes under a policy of every construct, step by step: the verdict is the expected one, and evaluate()'s. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { IncrementalEvaluator } from '../../../agent/policy/incremental.ts';
import { policyFor } from '../../../agent/policy/model.ts';
import type { LocalTime } from '../../../agent/policy/time-window.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal, SignalKind } from '../../../drivers/signal.ts';
import { satisfied, USER, unavailable } from '../../support/policy-fixtures.ts';
import { associated, network, phone, suffixed, wired } from './situations.ts';

const policy = policyFor(
  checkedDocument({
    version: 2,
    contexts: {
      unlock: {
        require: {
          any: [
            { all: [{ any: ['pin', 'securityKey'] }, 'trustedSignal'] },
            { during: 'office', need: { all: ['pin', 'fingerprint'] } },
            { all: ['securityKey', 'fingerprint', 'rule:depot'] },
          ],
        },
      },
    },
    rules: [
      { name: 'near', all: [{ type: 'bluetooth' }] },
      { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] },
      {
        name: 'ward',
        all: [
          { type: 'ipConfig', dnsSuffix: ['ward.example'] },
          { type: 'wifi', ssid: 'ward', security: 'Open' },
        ],
      },
      {
        name: 'depot',
        all: [
          { type: 'wifi', ssid: 'depot-7', security: 'WPA2-Enterprise' },
          { type: 'wifi', ssid: 'depot-7', security: 'WPA2-Enterprise', signalQuality: 50 },
        ],
      },
      { name: 'far', all: [{ type: 'ipConfig', ipv4Prefix: '198.51.100.0/24' }] },
      { name: 'farther', all: [{ type: 'ipConfig', ipv4Prefix: '203.0.113.0/24' }] },
    ],
    windows: { office: { days: ['monday'], from: '08:00', to: '17:00' } },
  }),
  'unlock',
);
const options = { machineSimulated: false, pinIsBound: true, user: USER };

const surroundings = (kind: SignalKind, observation: unknown, at = 1000, validFor = 10_000): FactorSignal =>
  ({
    kind,
    state: 'observed',
    observation,
    source: kind,
    observedAt: monotonicMs(at),
    validFor: milliseconds(validFor),
    simulated: false,
  }) as unknown as FactorSignal;
const at = (address: string, suffix: string | null = null) =>
  surroundings('ipConfig', suffixed(suffix, wired({ ipv4: { addresses: [address] } })));
const wifi = (...associations: object[]) => surroundings('wifi', { associations });
const open = associated({ ssidHex: Buffer.from('ward').toString('hex'), security: 'Open' });

class Day {
  readonly #signals = new Map<SignalKind, FactorSignal>();
  readonly #evaluator: IncrementalEvaluator;

  constructor(...signals: FactorSignal[]) {
    for (const signal of signals) this.#signals.set(signal.kind, signal);
    this.#evaluator = new IncrementalEvaluator(policy, options, new Map(this.#signals));
  }

  set(kind: SignalKind, signal: FactorSignal | undefined): this {
    if (signal === undefined) this.#signals.delete(kind);
    else this.#signals.set(kind, signal);
    this.#evaluator.set(kind, signal);
    return this;
  }

  /** `granted by network+pin`. */
  verdict(now = 2000, localTime: LocalTime | null = null): string {
    const decision = this.#evaluator.decide(monotonicMs(now), localTime);
    const pure = evaluate(policy, this.#signals, monotonicMs(now), { ...options, localTime });
    expect(JSON.stringify(decision)).toBe(JSON.stringify(pure));
    return decision.verdict === 'granted' ? `granted by ${decision.branch.factors.join('+')}` : 'denied';
  }
}

describe('the incremental evaluator', () => {
  test('begins with the signals that there are', () => {
    expect(new Day().verdict()).toBe('denied');
    expect(new Day(satisfied('pin'), at('192.0.2.5/24')).verdict()).toBe('granted by network+pin');
    expect(new Day(satisfied('securityKey'), satisfied('phone')).verdict()).toBe('granted by phone+securityKey');
    expect(new Day(satisfied('pin'), satisfied('securityKey')).verdict()).toBe('denied');
  });

  test('follows a network that comes, is seen again, changes and goes', () => {
    const day = new Day(satisfied('pin'));
    expect(day.verdict()).toBe('denied');
    expect(day.set('ipConfig', at('192.0.2.5/24')).verdict()).toBe('granted by network+pin');
    expect(day.set('ipConfig', at('192.0.2.5/24')).verdict()).toBe('granted by network+pin');
    expect(day.set('ipConfig', at('198.51.100.5/24')).verdict()).toBe('granted by network+pin');
    expect(day.set('ipConfig', at('10.0.0.5/24')).verdict()).toBe('denied');
    expect(day.set('ipConfig', at('203.0.113.5/24')).set('ipConfig', at('192.0.2.5/24')).verdict()).toBe(
      'granted by network+pin',
    );
    expect(day.set('ipConfig', unavailable('network', 'no-device')).verdict()).toBe('denied');
    expect(day.set('ipConfig', at('192.0.2.5/24')).verdict()).toBe('granted by network+pin');
    expect(day.set('ipConfig', surroundings('ipConfig', { interfaces: null })).verdict()).toBe('denied');
    expect(day.set('ipConfig', undefined).verdict()).toBe('denied');
  });

  test('wants every kind that a rule mentions, whichever comes last', () => {
    const day = new Day(satisfied('pin'));
    expect(day.set('wifi', wifi(open)).verdict()).toBe('denied');
    expect(day.set('ipConfig', at('10.0.0.5/8', 'ward.example')).verdict()).toBe('granted by network+pin');
    expect(day.set('wifi', wifi()).verdict()).toBe('denied');
    expect(day.set('wifi', wifi(open)).verdict()).toBe('granted by network+pin');
    expect(day.set('ipConfig', at('10.0.0.5/8', 'other.example')).verdict()).toBe('denied');
    expect(day.set('ipConfig', at('10.0.0.5/8', 'ward.example')).set('wifi', undefined).verdict()).toBe('denied');
  });

  test('wants both conditions of one kind', () => {
    const day = new Day(satisfied('pin'));
    expect(day.set('wifi', wifi(associated({ quality: 40 }))).verdict()).toBe('denied');
    expect(day.set('wifi', wifi(associated({ quality: 60 }))).verdict()).toBe('granted by network+pin');
  });

  test('holds a rule that still holds when another one of its group goes', () => {
    const day = new Day(satisfied('pin'), at('192.0.2.5/24'), wifi(associated()));
    expect(day.verdict()).toBe('granted by network+pin');
    expect(day.set('ipConfig', undefined).verdict()).toBe('granted by network+pin');
    expect(day.set('wifi', undefined).verdict()).toBe('denied');
  });

  test('follows time forth and back, without any event', () => {
    const day = new Day(
      satisfied('pin', { validFor: 100_000 }),
      surroundings('ipConfig', network(wired({ ipv4: { addresses: ['192.0.2.5/24'] } })), 5000, 1000),
    );
    expect([4999, 5000, 6000, 6001, 5500, 0, 5000].map((now) => day.verdict(now) !== 'denied')).toEqual([
      false,
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
    // A change while it does not count is taken in all the same.
    expect(day.verdict(7000)).toBe('denied');
    day.set('ipConfig', surroundings('ipConfig', network(wired()), 5000, 1000));
    expect(day.verdict(5500)).toBe('denied');
    day.set('ipConfig', at('192.0.2.5/24'));
    expect(day.verdict(5500)).toBe('granted by network+pin');
  });

  test('knows whose phone it is', () => {
    const day = new Day(satisfied('pin'));
    expect(day.set('bluetooth', surroundings('bluetooth', { devices: [phone({ users: [7] })] })).verdict()).toBe(
      'denied',
    );
    expect(day.set('bluetooth', surroundings('bluetooth', { devices: [phone()] })).verdict()).toBe(
      'granted by phone+pin',
    );
    const nobody = new IncrementalEvaluator(policy, { machineSimulated: false, pinIsBound: true });
    for (const signal of [satisfied('pin'), satisfied('phone')]) nobody.set(signal.kind, signal);
    expect(nobody.decide(monotonicMs(2000)).verdict).toBe('denied');
  });

  test('opens a window with the time of day, and shuts it without', () => {
    const day = new Day(satisfied('pin'), satisfied('fingerprint', { strength: 'gate' }));
    expect(day.verdict()).toBe('denied');
    expect(day.verdict(2000, { day: 'monday', minute: 480 })).toBe('granted by fingerprint+pin');
    expect(day.verdict(2000, { day: 'monday', minute: 1020 })).toBe('denied');
    expect(day.verdict()).toBe('denied');
  });

  test('counts no rule twice', () => {
    const evaluator = new IncrementalEvaluator(policy, options);
    evaluator.set('wifi', wifi(associated()));
    // Five rules are of the networks, two of them of Wi-Fi: few enough to be looked at each time.
    expect(evaluator.judged).toBe(2);
    evaluator.set('ipConfig', surroundings('ipConfig', null));
    expect(evaluator.judged).toBe(2);
    evaluator.set('ipConfig', undefined);
    expect(evaluator.judged).toBe(2);
    evaluator.set('pin', satisfied('pin'));
    expect(evaluator.judged).toBe(2);
  });
});
