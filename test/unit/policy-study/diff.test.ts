import { describe, expect, test } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { diffDocuments, diffPolicies, type PolicyDiff } from '../../../agent/policy/study/diff.ts';
import { changedSettings } from '../../../agent/policy/study/settings-diff.ts';
import { verdictIn } from '../../../agent/policy/study/situation.ts';

const OPTIONS = { pinIsBound: true };
const OFFICE = { name: 'office', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24' }] };

const policy = (require: unknown, rules: readonly unknown[] = [], more: Record<string, unknown> = {}): UnlockPolicy => {
  const { acceptAsserted = false, ...rest } = more;
  return policyFor(
    checkedDocument({ version: 2, contexts: { unlock: { require, acceptAsserted } }, rules, ...rest }),
    'unlock',
  );
};

const network = (...rules: unknown[]) => policy({ all: ['pin', 'network'] }, rules);
const ip = (name: string, condition: Record<string, unknown>) => ({ name, all: [{ type: 'ipConfig', ...condition }] });

/** `a: pin+network office` */
const lines = (diff: PolicyDiff) =>
  diff.differences.map(
    ({ grantedBy, way }) => `${grantedBy}: ${way.factors.join('+')}${way.rule === null ? '' : ` ${way.rule}`}`,
  );

const expectConfirmed = (a: UnlockPolicy, b: UnlockPolicy, diff: PolicyDiff) => {
  for (const { example, grantedBy } of diff.differences) {
    expect(verdictIn(a, example, OPTIONS)).toBe(grantedBy === 'a' ? 'granted' : 'denied');
    expect(verdictIn(b, example, OPTIONS)).toBe(grantedBy === 'b' ? 'granted' : 'denied');
  }
};

const compared = (a: UnlockPolicy, b: UnlockPolicy) => {
  const diff = diffPolicies(a, b, OPTIONS);
  expect(diff.bounds).toEqual([]);
  expect(diff.proof).toBe('diagram');
  expectConfirmed(a, b, diff);
  return lines(diff);
};

describe('what changes between two policies', () => {
  test('nothing changes between a policy and itself', () => {
    expect(compared(network(OFFICE), network(OFFICE))).toEqual([]);
  });

  test('nothing changes when the rules only stand in another order, or a list says the same otherwise', () => {
    const other = ip('lab', { ipv4Gateway: '198.51.100.1' });
    expect(compared(network(OFFICE, other), network(other, OFFICE))).toEqual([]);
    expect(
      compared(
        policy({ all: ['pin', { any: ['securityKey', 'face'] }] }),
        policy({ any: [{ all: ['pin', 'face'] }, { all: ['securityKey', 'pin'] }] }),
      ),
    ).toEqual([]);
  });

  test('another factor that is let in is a grant of the new policy alone', () => {
    const [a, b] = [
      policy({ all: ['pin', 'securityKey'] }),
      policy({ all: ['pin', { any: ['securityKey', 'face'] }] }),
    ];
    expect(compared(a, b)).toEqual(['b: face+pin']);
    expect(diffPolicies(a, b, OPTIONS).differences[0]?.situation).toEqual(['the PIN', 'a face']);
  });

  test('a wider prefix grants more, and a narrower one less', () => {
    const wide = ip('office', { ipv4Prefix: '192.0.0.0/16' });
    expect(compared(network(OFFICE), network(wide))).toEqual(['b: network+pin office']);
    expect(compared(network(wide), network(OFFICE))).toEqual(['a: network+pin office']);
  });

  test('a narrower prefix beside its wider one changes nothing', () => {
    const wide = ip('wide', { ipv4Prefix: '192.0.0.0/16' });
    expect(compared(network(wide), network(wide, OFFICE))).toEqual([]);
  });

  test('halves lack only what no half has: addresses of the whole that are no hosts of a half', () => {
    const halves = [ip('low', { ipv4Prefix: '192.0.2.0/25' }), ip('high', { ipv4Prefix: '192.0.2.128/25' })];
    const diff = diffPolicies(network(OFFICE), network(...halves), OPTIONS);
    expect(lines(diff)).toEqual(['a: network+pin office']);
    const signal = diff.differences[0]?.example?.signals.find(({ kind }) => kind === 'ipConfig');
    expect(JSON.stringify(signal)).toMatch(/192\.0\.2\.12[78]\/24/);
    const ipv6 = [ip('low', { ipv6Prefix: '2001:db8::/33' }), ip('high', { ipv6Prefix: '2001:db8:8000::/33' })];
    expect(compared(network(ip('whole', { ipv6Prefix: '2001:db8::/32' })), network(...ipv6))).toEqual([]);
  });

  test('one rule of two elements is not two rules of one: they may be of two interfaces', () => {
    const both = ip('both', { ipv4Gateway: '192.0.2.1', ipv4DnsServer: ['192.0.2.53'] });
    const apart = {
      name: 'apart',
      all: [
        { type: 'ipConfig', ipv4Gateway: '192.0.2.1' },
        { type: 'ipConfig', ipv4DnsServer: ['192.0.2.53'] },
      ],
    };
    const diff = diffPolicies(network(both), network(apart), OPTIONS);
    expect(lines(diff)).toEqual(['b: network+pin apart']);
    const signal = diff.differences[0]?.example?.signals.find(({ kind }) => kind === 'ipConfig');
    expect(
      signal?.state === 'observed' && 'interfaces' in signal.observation && signal.observation.interfaces.length,
    ).toBe(2);
  });

  test('the loose readings of a matching switch are differences', () => {
    const two = [ip('office', { ipv4Gateway: '192.0.2.1', ipv4DnsServer: ['192.0.2.53', '192.0.2.54'] })];
    const of = (matching: unknown) => policy({ all: ['pin', 'network'] }, two, { matching });
    expect(compared(of({}), of({ adapters: 'mixed' }))).toEqual(['b: network+pin office']);
    expect(compared(of({}), of({ repeated: 'any' }))).toEqual(['b: network+pin office']);
    expect(compared(of({}), of({ interfaceKinds: ['ethernet', 'wifi', 'vpn'] }))).toEqual(['b: network+pin office']);
    expect(compared(of({ interfaceKinds: ['ethernet'] }), of({ interfaceKinds: ['wifi'] }))).toEqual([
      'a: network+pin office',
      'b: network+pin office',
    ]);
  });

  test('a suffix: whole labels against any part, and two that no name ends in', () => {
    const of = (matching: unknown, ...dnsSuffix: string[]) =>
      policy({ all: ['pin', 'network'] }, [ip('here', { dnsSuffix })], { matching });
    expect(compared(of({}, 'corp.example'), of({ dnsSuffix: 'substring' }, 'corp.example'))).toEqual([
      'b: network+pin here',
    ]);
    expect(compared(of({}, 'corp.example'), of({}, 'a.corp.example'))).toEqual(['a: network+pin here']);
    expect(compared(of({}, 'corp.example', 'other.example'), policy({ all: ['pin', 'securityKey'] }))).toEqual([
      'b: pin+securityKey',
    ]);
  });

  test('Wi-Fi: another access point, a floor of quality, a pinned root', () => {
    const of = (more: Record<string, unknown>) =>
      network({ name: 'wifi', all: [{ type: 'wifi', ssid: 'depot-7', security: 'WPA2-Enterprise', ...more }] });
    expect(compared(of({}), of({ signalQuality: 65 }))).toEqual(['a: network+pin wifi']);
    expect(compared(of({ signalQuality: 40 }), of({ signalQuality: 65 }))).toEqual(['a: network+pin wifi']);
    expect(compared(of({ bssid: '02:00:00:00:00:0a' }), of({ bssid: '02:00:00:00:00:0b' }))).toHaveLength(2);
    expect(compared(of({ trustedRootCA: '00'.repeat(20) }), of({}))).toEqual(['b: network+pin wifi']);
  });

  test('Bluetooth: thresholds, the class, and whose phone it is', () => {
    const of = (more: Record<string, unknown>, matching: unknown = {}) =>
      policy({ all: ['pin', 'phone'] }, [{ name: 'near', all: [{ type: 'bluetooth', ...more }] }], { matching });
    expect(compared(of({}), of({ rssiMin: -20 }))).toEqual(['b: phone+pin near']);
    expect(compared(of({}), of({ rssiFar: -14 }))).toEqual(['b: phone+pin near']);
    expect(compared(of({}), of({ rssiMaxDelta: -4 }))).toEqual(['a: phone+pin near']);
    expect(compared(of({}), of({ classOfDevice: 1792 }))).toHaveLength(2);
    expect(compared(of({}), of({}, { phones: 'any-paired' }))).toEqual(['b: phone+pin near']);
  });

  test('windows: an hour more, and hours that together are the same', () => {
    const of = (...windows: readonly { days: string[]; from: string; to: string }[]) =>
      policy({ any: windows.map((_, i) => ({ during: `w${i}`, need: { all: ['pin', 'face'] } })) }, [], {
        windows: Object.fromEntries(windows.map((window, i) => [`w${i}`, window])),
      });
    const day = { days: ['monday'], from: '08:00', to: '16:00' };
    const longer = { days: ['monday'], from: '08:00', to: '17:00' };
    const diff = diffPolicies(of(day), of(longer), OPTIONS);
    expect(lines(diff)).toEqual(['b: face+pin']);
    expect(diff.differences[0]?.example?.localTime).toEqual({ day: 'monday', minute: 16 * 60 });
    const halves = [
      { days: ['monday'], from: '08:00', to: '12:00' },
      { days: ['monday'], from: '12:00', to: '16:00' },
    ];
    expect(compared(of(day), of(...halves))).toEqual([]);
  });

  test('freshness: what is too old for one policy is granted by the other', () => {
    const of = (freshnessSeconds: unknown) => policy({ all: ['pin', 'securityKey'] }, [], { freshnessSeconds });
    expect(compared(of({ pin: 30 }), of({ pin: 60 }))).toEqual(['b: pin+securityKey']);
    expect(compared(of({}), of({ pin: 60 }))).toEqual(['a: pin+securityKey']);
    const diff = diffPolicies(of({ pin: 30 }), of({ pin: 60 }), OPTIONS);
    const example = diff.differences[0]?.example;
    expect(example && example.now - (example.signals.find(({ kind }) => kind === 'pin')?.observedAt ?? 0)).toBe(45_000);
  });

  test('pairs that are refused as asserted are no grants', () => {
    const of = (acceptAsserted: boolean) => policy({ all: ['face', 'fingerprint'] }, [], { acceptAsserted });
    expect(compared(of(false), of(true))).toEqual(['b: fingerprint+face']);
  });

  test('the other way round is the same with the names exchanged', () => {
    const [a, b] = [
      network(OFFICE),
      policy({ all: ['pin', { any: ['network', 'face'] }] }, [ip('lab', { ipv4Gateway: '198.51.100.1' })]),
    ];
    const swapped = lines(diffPolicies(b, a, OPTIONS)).map((line) =>
      line.replace(/^./, (name) => (name === 'a' ? 'b' : 'a')),
    );
    expect(swapped.sort()).toEqual(compared(a, b).sort());
  });

  test('every context that one of the documents names is compared', () => {
    const of = (contexts: unknown) => checkedDocument({ version: 2, contexts });
    const unlock = { require: { all: ['pin', 'securityKey'] } };
    const diffs = diffDocuments(of({ unlock }), of({ unlock, wallet: { require: { all: ['pin', 'face'] } } }), OPTIONS);
    expect(diffs.map(({ context, differences }) => [context, differences.length])).toEqual([
      ['unlock', 0],
      ['wallet', 2],
    ]);
  });

  test('where a bound is hit it says so', () => {
    const [a, b] = [
      network(OFFICE),
      policy({ all: ['pin', { any: ['network', 'face'] }] }, [ip('lab', { ipv4Gateway: '198.51.100.1' })]),
    ];
    const small = diffPolicies(a, b, { ...OPTIONS, limits: { nodes: 6, steps: 1000 } });
    expect(small.proof).toBe('smallest-situations');
    expect(small.differences).toEqual(diffPolicies(a, b, OPTIONS).differences);
    expectConfirmed(a, b, small);
    expect(lines(small)).toEqual(['a: network+pin office', 'b: face+pin', 'b: network+pin lab']);
    const cut = diffPolicies(a, b, { ...OPTIONS, most: 1 });
    expect(cut.bounds).toEqual([
      'more than 1 differences in one direction',
      'there are combinations that change their verdict and are of no difference listed here',
    ]);
  });
});

describe('settings that are no verdict', () => {
  const base = { version: 2, contexts: { unlock: { require: { all: ['pin', 'securityKey'] } } } };

  test('are named as they are addressed, nodes of Windows in quotes', () => {
    const a = checkedDocument({ ...base, pin: { minLength: 8 }, windowsSettings: { './Device/X/Y': true } });
    const b = checkedDocument({ ...base, pin: { minLength: 6 }, windowsSettings: { './Device/X/Y': false } });
    expect(changedSettings(a, b)).toEqual([
      { element: 'pin.minLength', a: 8, b: 6 },
      { element: 'windowsSettings["./Device/X/Y"]', a: true, b: false },
    ]);
  });
});
