/**
 * The example rules and the vectors of Windows multi-factor unlock as sentences: lists A and B by the credential providers'
 * names, rules as the document keeps them after their import.
 */
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { policyOf, satisfied, snapshotOf, USER } from '../../support/policy-fixtures.ts';
import { associated, decideOn, network, phone, ruleReasons, type Seen, suffixed, wired } from './situations.ts';

const DEFAULT_A: readonly FactorKind[] = ['pin', 'face', 'fingerprint'];
const DEFAULT_B: readonly FactorKind[] = ['phone', 'network', 'pin'];

const verdict = (a: readonly FactorKind[], b: readonly FactorKind[], ...presented: FactorKind[]): string =>
  evaluate(
    policyOf(a, b, { acceptAsserted: true }),
    snapshotOf(...presented.map((kind) => satisfied(kind))),
    monotonicMs(2000),
    {
      machineSimulated: false,
      pinIsBound: true,
      user: USER,
    },
  ).verdict;

describe('two lists', () => {
  test.each<[string, readonly FactorKind[], readonly FactorKind[], FactorKind[], string]>([
    ['T1: the defaults, PIN and again the PIN', DEFAULT_A, DEFAULT_B, ['pin'], 'denied'],
    ['T2: the defaults, PIN and a rule that holds', DEFAULT_A, DEFAULT_B, ['pin', 'network'], 'granted'],
    ['T2: the defaults, PIN and a phone that is near', DEFAULT_A, DEFAULT_B, ['pin', 'phone'], 'granted'],
    ['T3: the defaults, finger and PIN', DEFAULT_A, DEFAULT_B, ['fingerprint', 'pin'], 'granted'],
    ['the defaults, face and PIN', DEFAULT_A, DEFAULT_B, ['face', 'pin'], 'granted'],
    ['the defaults, face and a rule that holds', DEFAULT_A, DEFAULT_B, ['face', 'network'], 'granted'],
    ['the defaults, finger and face', DEFAULT_A, DEFAULT_B, ['fingerprint', 'face'], 'denied'],
    ['the defaults, a rule of the phone and one of the network', DEFAULT_A, DEFAULT_B, ['phone', 'network'], 'denied'],
    ['the defaults, nothing', DEFAULT_A, DEFAULT_B, [], 'denied'],
    [
      'T6: PIN or finger in both, finger and again finger',
      ['pin', 'fingerprint'],
      ['pin', 'fingerprint'],
      ['fingerprint'],
      'denied',
    ],
    [
      'T7: PIN or finger in both, PIN and finger',
      ['pin', 'fingerprint'],
      ['pin', 'fingerprint'],
      ['pin', 'fingerprint'],
      'granted',
    ],
    ['two biometrics across the lists', ['pin', 'fingerprint'], ['pin', 'face'], ['fingerprint', 'face'], 'granted'],
  ])('%s', (_, a, b, presented, expected) => {
    expect(verdict(a, b, ...presented)).toBe(expected);
    expect(verdict(a, b, ...presented.toReversed())).toBe(expected);
  });
});

const granted = (rules: readonly (readonly unknown[])[], seen: Seen): boolean =>
  decideOn(rules, seen).verdict === 'granted';
const heldRules = (rules: readonly (readonly unknown[])[], seen: Seen): readonly string[] =>
  ruleReasons(rules, seen).flatMap(({ ok, rule }) => (ok ? [rule] : []));

describe('the campus: either of two ranges', () => {
  const campus = [
    [{ type: 'ipConfig', ipv4Prefix: '198.51.100.0/25', ipv4Gateway: '198.51.100.1' }],
    [{ type: 'ipConfig', ipv6Prefix: '2001:db8:40::/48' }],
  ];
  const v4 = { addresses: ['198.51.100.126/25'], gateways: ['198.51.100.1'] };

  test.each<[string, Seen, boolean, string[]]>([
    ['an address of the first range and its gateway', { ipConfig: network(wired({ ipv4: v4 })) }, true, ['rule-1']],
    [
      'T9: only the second rule is true',
      { ipConfig: network(wired({ ipv6: { addresses: ['2001:db8:40:1::5/64'] } })) },
      true,
      ['rule-2'],
    ],
    [
      'both',
      { ipConfig: network(wired({ ipv4: v4, ipv6: { addresses: ['2001:db8:40::9/64'] } })) },
      true,
      ['rule-1', 'rule-2'],
    ],
    [
      'T8: an address beyond the range',
      { ipConfig: network(wired({ ipv4: { ...v4, addresses: ['198.51.100.130/25'] } })) },
      false,
      [],
    ],
    [
      'the range under another gateway',
      { ipConfig: network(wired({ ipv4: { ...v4, gateways: ['198.51.100.2'] } })) },
      false,
      [],
    ],
    [
      'the gateway on another interface',
      {
        ipConfig: network(
          wired({ ipv4: { ...v4, gateways: [] } }),
          wired({ name: 'usb0', ipv4: { gateways: ['198.51.100.1'] } }),
        ),
      },
      false,
      [],
    ],
    ['no network at all', { ipConfig: network() }, false, []],
    ['nothing known of the network', {}, false, []],
  ])('%s', (_, seen, expected, held) => {
    expect(granted(campus, seen)).toBe(expected);
    expect(heldRules(campus, seen)).toEqual(held);
  });
});

describe('the clinic: the right network and a phone close by', () => {
  const clinic = [
    [
      { type: 'ipConfig', dnsSuffix: ['ward.clinic.example'], ipv4DhcpServer: '192.0.2.67' },
      { type: 'bluetooth', classOfDevice: 512 },
    ],
  ];
  const ward = suffixed('ward.clinic.example', wired({ ipv4: { dhcpServers: ['192.0.2.67'] } }));
  const near = { devices: [phone()] };

  test.each<[string, Seen, boolean]>([
    ['both', { ipConfig: ward, bluetooth: near }, true],
    ['T10: the network without the phone', { ipConfig: ward, bluetooth: { devices: [] } }, false],
    ['the phone without the network', { ipConfig: network(), bluetooth: near }, false],
    ['the network, and nothing known of phones', { ipConfig: ward }, false],
    ['the phone of somebody else', { ipConfig: ward, bluetooth: { devices: [phone({ users: [7] })] } }, false],
    [
      'the ward of another clinic',
      { ipConfig: { ...ward, primaryDnsSuffix: 'ward.other.example' }, bluetooth: near },
      false,
    ],
    [
      'the whole clinic, not the ward',
      { ipConfig: { ...ward, primaryDnsSuffix: 'clinic.example' }, bluetooth: near },
      false,
    ],
    [
      'a machine of the ward',
      { ipConfig: { ...ward, primaryDnsSuffix: 'pc-7.ward.clinic.example' }, bluetooth: near },
      true,
    ],
  ])('%s', (_, seen, expected) => {
    expect(granted(clinic, seen)).toBe(expected);
  });
});

describe('the depot: Wi-Fi with a strength floor and a pinned root', () => {
  const root = '0f1e2d3c4b5a69788796a5b4c3d2e1f001122334';
  const depot = [
    [{ type: 'wifi', ssid: 'depot-7', security: 'WPA2-Enterprise', trustedRootCA: root, signalQuality: 65 }],
  ];
  const own = associated({ quality: 65, rootThumbprints: [root] });

  test.each<[string, Partial<ReturnType<typeof associated>>, boolean]>([
    ['all of it', {}, true],
    ['T11: one short of the floor', { quality: 64 }, false],
    ['an evil twin under another root', { rootThumbprints: ['ab'.repeat(20)] }, false],
    ['an evil twin that shows no certificate', { rootThumbprints: [] }, false],
    ['an open network of that name', { security: 'Open', rootThumbprints: null }, false],
    ['the same with WPA3', { security: 'WPA3-Enterprise' }, false],
    ['another depot', { ssidHex: '6465706f742d38' }, false],
  ])('%s', (_, change, expected) => {
    expect(granted(depot, { wifi: { associations: [{ ...own, ...change }] } })).toBe(expected);
  });
});

describe('the wearable: stricter radio', () => {
  const wearable = [[{ type: 'bluetooth', classOfDevice: 1792, rssiMin: -5, rssiMaxDelta: -8 }]];
  const watch = (value: number, rssiBest: number | null, more = {}) => ({
    bluetooth: { devices: [phone({ classOfDevice: 0x000704, rssi: { scale: 'relative', value }, rssiBest, ...more })] },
  });

  test.each<[string, Seen, boolean]>([
    ['at the threshold', watch(-5, null), true],
    ['beyond it', watch(-6, null), false],
    ['weaker by all that is allowed', watch(-5, 3), true],
    ['weaker by more', watch(-5, 4), false],
    ['T12: a phone is no wearable', watch(0, null, { classOfDevice: 0x5a020c }), false],
  ])('%s', (_, seen, expected) => {
    expect(granted(wearable, seen)).toBe(expected);
  });
});
