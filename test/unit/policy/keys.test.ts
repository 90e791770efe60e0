/** What a condition cannot hold without: which keys, which of them are there, and which rules are found by them. */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { keysIn, keysOf, prefixLengthsIn } from '../../../agent/policy/match/keys.ts';
import { DEFAULT_MATCHING, type Matching, policyFor } from '../../../agent/policy/model.ts';
import { prepare } from '../../../agent/policy/prepare.ts';
import { RuleIndex } from '../../../agent/policy/rule-index.ts';
import type { SignalCondition } from '../../../agent/policy/rules.ts';
import { Surroundings } from '../../../agent/policy/surroundings.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorSignal, SignalKind, SurroundingKind } from '../../../drivers/signal.ts';
import { satisfied, snapshotOf, USER } from '../../support/policy-fixtures.ts';
import { associated, network, phone, type Seen, suffixed, wired } from './situations.ts';

const keys = (condition: object, more: Partial<Matching> = {}) =>
  keysOf({ type: 'ipConfig', ...condition } as SignalCondition, { ...DEFAULT_MATCHING, ...more });

const viewsOf = (seen: Seen, more: Partial<Matching> = {}): Surroundings => {
  const signals = new Map(
    Object.entries(seen).map(([kind, observation]) => [kind, { kind, state: 'observed', observation }] as const),
  ) as unknown as Map<SignalKind, FactorSignal>;
  return new Surroundings(signals, { matching: { ...DEFAULT_MATCHING, ...more }, user: USER });
};

describe('the keys of a condition', () => {
  test.each<[object, readonly string[]]>([
    [{ ipv4Gateway: '192.0.2.1', ipv4Prefix: '192.0.2.0/24' }, ['ipv4Gateway 192.0.2.1']],
    [{ ipv4Prefix: '192.0.2.77/25', ipv4DhcpServer: '192.0.2.2' }, ['prefix/25 192.0.2.0']],
    [{ ipv4Prefix: '192.0.2.255/25' }, ['prefix/25 192.0.2.128']],
    [{ ipv4Prefix: '10.255.3.4/12' }, ['prefix/12 10.240.0.0']],
    [{ ipv4Prefix: '10.1.2.3/0' }, ['prefix/0 0.0.0.0']],
    [{ ipv4Prefix: '10.1.2.3/32' }, ['prefix/32 10.1.2.3']],
    [{ ipv4DhcpServer: '192.0.2.2', ipv4DnsServer: ['192.0.2.3'] }, ['ipv4DhcpServer 192.0.2.2']],
    [{ ipv4DnsServer: ['192.0.2.3', '192.0.2.4'], ipv6Gateway: 'fe80::1' }, ['ipv4DnsServer 192.0.2.3']],
    [{ ipv6Gateway: 'FE80:0::1%2', dnsSuffix: ['corp.example'] }, ['ipv6Gateway fe80::1']],
    [{ ipv6Prefix: '2001:db8::/32' }, [`prefix/32 32.1.13.184.${Array(12).fill(0).join('.')}`]],
    [{ ipv6DhcpServer: 'fe80::2' }, ['ipv6DhcpServer fe80::2']],
    [{ ipv6DnsServer: ['fe80::3'] }, ['ipv6DnsServer fe80::3']],
    [{ dnsSuffix: ['Corp.Example.', 'other.example'] }, ['dnsSuffix corp.example']],
  ])('%j: %j', (condition, expected) => {
    expect(keys(condition)).toEqual(expected);
  });

  test('where any of several is enough, are all of them', () => {
    const any = { repeated: 'any' } as const;
    expect(keys({ ipv4DnsServer: ['192.0.2.3', '192.0.2.4'] }, any)).toEqual([
      'ipv4DnsServer 192.0.2.3',
      'ipv4DnsServer 192.0.2.4',
    ]);
    expect(keys({ dnsSuffix: ['a.example', 'b.example'] }, any)).toEqual([
      'dnsSuffix a.example',
      'dnsSuffix b.example',
    ]);
    expect(keys({ ipv4DnsServer: ['192.0.2.3', 'x'] }, any)).toBeNull();
  });

  test('are none where a condition may hold anywhere', () => {
    expect(keysOf({ type: 'bluetooth' }, DEFAULT_MATCHING)).toBeNull();
    expect(keys({ dnsSuffix: ['corp.example'] }, { dnsSuffix: 'substring' })).toBeNull();
    expect(keys({})).toBeNull();
    expect(keys({ ipv4Gateway: 'x' })).toBeNull();
    expect(keys({ ipv4Prefix: 'x' })).toBeNull();
    const [longest, longer] = [253, 254].map((length) => 'a'.repeat(length));
    expect(keys({ dnsSuffix: [longest] })).toEqual([`dnsSuffix ${longest}`]);
    expect(keys({ dnsSuffix: [longer] })).toBeNull();
    expect(keys({ dnsSuffix: ['a.example', longer] }, { repeated: 'any' })).toBeNull();
  });

  test('of a wifi condition are the bytes of its SSID', () => {
    expect(keysOf({ type: 'wifi', ssid: 'Büro', security: 'Open' }, DEFAULT_MATCHING)).toEqual(['ssid 42c3bc726f']);
  });
});

test('the lengths of the prefixes among keys, each once', () => {
  expect(
    prefixLengthsIn(['prefix/24 1.2.3.0', 'ssid ff', 'prefix/8 1.0.0.0', 'prefix/24 1.2.4.0', 'ipv4Gateway 1.2.3.4']),
  ).toEqual([24, 8]);
  expect(prefixLengthsIn([])).toEqual([]);
});

describe('the keys of what is there', () => {
  test('are those of every interface that counts, and of every association', () => {
    const face = wired({
      ipv4: {
        addresses: ['192.0.2.5/24', 'x'],
        gateways: ['192.0.2.1'],
        dhcpServers: ['192.0.2.2'],
        dnsServers: ['192.0.2.3'],
      },
      ipv6: { addresses: null, gateways: ['fe80::1%3'], dhcpServers: ['fe80::2'], dnsServers: ['fe80::3'] },
    });
    const seen = {
      ipConfig: suffixed('PC.Corp.Example.', face, wired({ kind: 'vpn', ipv4: { gateways: ['9.9.9.9'] } })),
      wifi: { associations: [associated(), associated({ ssidHex: 'ff' })] },
    };
    expect([...keysIn(viewsOf(seen), [24, 8, 64])].sort()).toEqual([
      'dnsSuffix corp.example',
      'dnsSuffix example',
      'dnsSuffix pc.corp.example',
      'ipv4DhcpServer 192.0.2.2',
      'ipv4DnsServer 192.0.2.3',
      'ipv4Gateway 192.0.2.1',
      'ipv6DhcpServer fe80::2',
      'ipv6DnsServer fe80::3',
      'ipv6Gateway fe80::1',
      'prefix/24 192.0.2.0',
      'prefix/8 192.0.0.0',
      'ssid 6465706f742d37',
      'ssid ff',
    ]);
  });

  test('of IPv6 addresses are masked to every length', () => {
    const seen = { ipConfig: network(wired({ ipv6: { addresses: ['2001:db8::5/64'] } })) };
    expect([...keysIn(viewsOf(seen), [128, 32])]).toEqual([
      `prefix/128 32.1.13.184.${Array(11).fill(0).join('.')}.5`,
      `prefix/32 32.1.13.184.${Array(12).fill(0).join('.')}`,
    ]);
  });

  test('of a suffix of any length are the tails that a rule can name', () => {
    const tails = (suffix: string) =>
      [...keysIn(viewsOf({ ipConfig: suffixed(suffix, wired()) }), [])].map((key) => key.slice('dnsSuffix '.length));
    expect(tails('example')).toEqual(['example']);
    expect(tails('a..b')).toEqual(['b', '.b', 'a..b']);
    expect(tails('.b')).toEqual(['b', '.b']);
    expect(tails(`${'a'.repeat(251)}.b`)).toEqual(['b', `${'a'.repeat(251)}.b`]);
    expect(tails(`${'a'.repeat(252)}.b`)).toEqual(['b']);
    expect(tails('a.'.repeat(5000)).length).toBeLessThan(200);
  });

  test('are none of what nobody can read', () => {
    expect([...keysIn(viewsOf({}), [24])]).toEqual([]);
    expect([...keysIn(viewsOf({ ipConfig: null as never, wifi: { associations: [null] } as never }), [24])]).toEqual(
      [],
    );
  });
});

describe('an index of rules', () => {
  const policyWith = (all: readonly (readonly object[])[]) =>
    policyFor(
      checkedDocument({
        version: 2,
        contexts: { unlock: { require: { all: ['pin', 'trustedSignal'] } } },
        rules: all.map((conditions, i) => ({ name: `r${i}`, all: conditions })),
      }),
      'unlock',
    );
  const site = (i: number) => ({ type: 'ipConfig', ipv4Prefix: `10.0.${i}.0/24` });
  const at = (i: number) => ({ ipConfig: network(wired({ ipv4: { addresses: [`10.0.${i}.9/24`] } })) });
  const found = (all: readonly (readonly object[])[], seen: Seen, of?: SurroundingKind) => {
    const policy = policyWith(all);
    const index = new RuleIndex([...prepare(policy).rules.values()], policy.matching, of);
    return index
      .candidates(viewsOf(seen))
      .map(({ name }) => name)
      .sort();
  };
  const many = Array.from({ length: 5 }, (_, i) => [site(i)]);

  test('finds the rules of what is there, and those that may hold anywhere', () => {
    expect(found(many, at(3))).toEqual(['r3']);
    expect(found(many, at(9))).toEqual([]);
    expect(found([...many, [{ type: 'bluetooth' }]], at(3))).toEqual(['r3', 'r5']);
    expect(found([...many, [{ type: 'bluetooth' }, site(7)]], at(3))).toEqual(['r3']);
    expect(found([...many, [{ type: 'bluetooth' }, site(7)]], at(7))).toEqual(['r5']);
    expect(found([...many, [site(3)]], at(3))).toEqual(['r3', 'r5']);
  });

  test('of few rules finds all of them', () => {
    expect(found(many.slice(0, 4), at(9))).toEqual(['r0', 'r1', 'r2', 'r3']);
  });

  test('of one kind goes by what that kind asks for', () => {
    const both = many.map(([condition], i) => [{ type: 'wifi', ssid: `s${i}`, security: 'Open' }, condition as object]);
    const seen = { wifi: { associations: [associated({ ssidHex: '7331' })] }, ...at(4) };
    expect(found(both, seen, 'wifi')).toEqual(['r1']);
    expect(found(both, seen, 'ipConfig')).toEqual(['r4']);
    expect(found(both, seen)).toEqual(['r1']);
    expect(found(both, seen, 'bluetooth')).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
  });

  test('never hides a rule that holds', () => {
    const policy = policyWith([...many, [{ type: 'bluetooth' }]]);
    const near = { ...satisfied('phone'), observation: { devices: [phone()] } } as FactorSignal;
    const options = { machineSimulated: false, pinIsBound: true, user: USER };
    expect(evaluate(policy, snapshotOf(satisfied('pin'), near), monotonicMs(2000), options).verdict).toBe('granted');
  });
});
