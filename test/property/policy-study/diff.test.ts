import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import type { FactorName, Requirement } from '../../../agent/policy/requirement.ts';
import { type Difference, diffPolicies } from '../../../agent/policy/study/diff.ts';
import { STUDIED_USER } from '../../../agent/policy/study/elements.ts';
import { type SituationExample, verdictIn } from '../../../agent/policy/study/situation.ts';
import type { LocalTime } from '../../../agent/policy/time-window.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { BluetoothDevice, IpInterface, WifiAssociation } from '../../../drivers/observation.ts';
import type { FactorSignal, GestureKind } from '../../../drivers/signal.ts';

const PREFIXES = ['192.0.2.0/24', '192.0.2.0/25', '192.0.2.128/25', '192.0.0.0/16'];
const GATEWAYS = ['192.0.2.1', '198.51.100.1'];
const SERVERS = ['192.0.2.53', '192.0.2.54'];
const SUFFIXES = ['example', 'corp.example', 'a.corp.example', 'other.example'];
const gestures = ['pin', 'securityKey', 'face'] as const;

const sometimes = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const withoutHoles = (value: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));

const ipCondition = fc
  .record({
    ipv4Prefix: sometimes(fc.constantFrom(...PREFIXES)),
    ipv4Gateway: sometimes(fc.constantFrom(...GATEWAYS)),
    ipv4DnsServer: sometimes(fc.subarray(SERVERS, { minLength: 1 })),
    dnsSuffix: sometimes(fc.subarray(SUFFIXES, { minLength: 1, maxLength: 2 })),
  })
  .map((value) => withoutHoles({ type: 'ipConfig', ...value }))
  .filter((value) => Object.keys(value).length > 1);
const wifiCondition = fc
  .record({
    ssid: fc.constantFrom('one', 'two'),
    security: fc.constantFrom('WPA2-Personal', 'WPA2-Enterprise'),
    signalQuality: sometimes(fc.constantFrom(30, 60)),
  })
  .map((value) => withoutHoles({ type: 'wifi', ...value }));
const bluetoothCondition = fc
  .record({
    rssiMin: sometimes(fc.constantFrom(-5, -10)),
    rssiFar: sometimes(fc.constantFrom(-12, -15)),
    rssiMaxDelta: sometimes(fc.constantFrom(-3, -10)),
  })
  .map((value) => withoutHoles({ type: 'bluetooth', ...value }));
const rules = fc
  .array(
    fc.array(fc.oneof({ weight: 3, arbitrary: ipCondition }, wifiCondition, bluetoothCondition), {
      minLength: 1,
      maxLength: 2,
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((lists) => lists.map((all, i) => ({ name: `r${i}`, all })));

const requirement = fc.oneof(
  fc
    .tuple(
      fc.subarray([...gestures], { minLength: 1 }),
      fc.subarray([...gestures, 'trustedSignal', 'rule:r0'], { minLength: 1 }),
    )
    .map(([first, second]): unknown => ({ all: [{ any: first }, { any: second }] })),
  fc.constantFrom<unknown>(
    { atLeast: 2, of: ['pin', 'securityKey', 'trustedSignal'] },
    {
      any: [
        { during: 'day', need: { all: ['pin', 'trustedSignal'] } },
        { during: 'late', need: { all: ['pin', 'face'] } },
      ],
    },
  ),
);

const policies: fc.Arbitrary<UnlockPolicy> = fc
  .record({
    require: requirement,
    rules,
    acceptAsserted: fc.boolean(),
    matching: fc.record({
      dnsSuffix: fc.constantFrom('labels', 'substring'),
      adapters: fc.constantFrom('same', 'mixed'),
      repeated: fc.constantFrom('all', 'any'),
      phones: fc.constantFrom('enrolled', 'any-paired'),
      interfaceKinds: fc.subarray(['ethernet', 'wifi', 'vpn']),
    }),
    freshnessSeconds: fc.record({ pin: fc.constantFrom(30, 60), ipConfig: fc.constantFrom(30, 60) }),
    hour: fc.constantFrom('16:00', '18:00'),
  })
  .map(({ require, acceptAsserted, hour, ...rest }) =>
    policyFor(
      checkedDocument({
        version: 2,
        contexts: { unlock: { require, acceptAsserted } },
        windows: {
          day: { days: ['monday', 'tuesday'], from: '08:00', to: hour },
          late: { days: ['monday'], from: '17:00', to: '02:00' },
        },
        ...rest,
      }),
      'unlock',
    ),
  );

/** Situations of another hand than the product's: whatever a machine may see, not what a rule asks for. */
const NOW = 1_000_000;
const base = (ageSeconds: number) => ({
  source: 'test',
  observedAt: monotonicMs(NOW - ageSeconds * 1000),
  validFor: milliseconds(1_000_000),
  simulated: false,
});
const age = fc.constantFrom(0, 45, 90);
const unknown = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };
const face: fc.Arbitrary<IpInterface> = fc
  .record({
    kind: fc.constantFrom('ethernet' as const, 'wifi' as const, 'vpn' as const),
    connected: fc.constantFrom(true, true, true, false),
    address: sometimes(
      fc.constantFrom('192.0.2.5/24', '192.0.2.200/24', '192.0.2.127/24', '192.0.9.9/16', '203.0.113.4/24'),
    ),
    gateways: fc.subarray(GATEWAYS),
    dnsServers: fc.subarray(SERVERS),
  })
  .map(({ kind, connected, address, gateways, dnsServers }) => ({
    name: kind,
    kind,
    connected,
    ipv4: { ...unknown, addresses: address === undefined ? null : [address], gateways, dnsServers },
    ipv6: unknown,
  }));
const association: fc.Arbitrary<WifiAssociation> = fc.record({
  interface: fc.constant('wlan0'),
  ssidHex: fc.constantFrom('6f6e65', '74776f'),
  bssid: fc.constant(null),
  security: fc.constantFrom('WPA2-Personal' as const, 'WPA2-Enterprise' as const),
  quality: fc.constantFrom(null, 10, 45, 90),
  rootThumbprints: fc.constant(null),
});
const device: fc.Arbitrary<BluetoothDevice> = fc.record({
  address: fc.constant('02:00:00:00:00:01'),
  name: fc.constant(null),
  classOfDevice: fc.constantFrom(0x200, 0x700),
  users: fc.constantFrom([], [STUDIED_USER]),
  proved: fc.boolean(),
  rssi: fc.integer({ min: -20, max: 0 }).map((value) => ({ scale: 'relative' as const, value })),
  rssiBest: sometimes(fc.integer({ min: -10, max: 0 })).map((best) => best ?? null),
});
const suffix = fc.constantFrom(
  null,
  'corp.example',
  'b.a.corp.example',
  'evilcorp.example',
  'other.example',
  'other.example.corp.example.test',
);
const gesture = (kind: GestureKind): fc.Arbitrary<FactorSignal> =>
  fc
    .tuple(age, fc.constantFrom('bound' as const, 'bound' as const, 'gate' as const))
    .map(
      ([seconds, strength]): FactorSignal => ({ ...base(seconds), kind, state: 'satisfied', strength, evidence: {} }),
    );
const surrounding = (kind: 'ipConfig' | 'wifi' | 'bluetooth'): fc.Arbitrary<FactorSignal> => {
  if (kind === 'ipConfig') {
    return fc.tuple(age, suffix, fc.array(face, { maxLength: 3 })).map(
      ([seconds, primaryDnsSuffix, interfaces]): FactorSignal => ({
        ...base(seconds),
        kind,
        state: 'observed',
        observation: { primaryDnsSuffix, interfaces },
      }),
    );
  }
  if (kind === 'wifi') {
    return fc
      .array(association, { maxLength: 2 })
      .map((associations): FactorSignal => ({ ...base(0), kind, state: 'observed', observation: { associations } }));
  }
  return fc
    .array(device, { maxLength: 2 })
    .map((devices): FactorSignal => ({ ...base(0), kind, state: 'observed', observation: { devices } }));
};
const localTime: fc.Arbitrary<LocalTime | null> = fc.constantFrom(
  null,
  { day: 'monday', minute: 9 * 60 } as const,
  { day: 'monday', minute: 17 * 60 + 30 } as const,
  { day: 'tuesday', minute: 60 } as const,
  { day: 'sunday', minute: 0 } as const,
);
const situations: fc.Arbitrary<SituationExample> = fc
  .tuple(
    localTime,
    ...gestures.map((kind) => sometimes(gesture(kind))),
    ...(['ipConfig', 'wifi', 'bluetooth'] as const).map((kind) => sometimes(surrounding(kind))),
  )
  .map(([time, ...signals]) => ({
    now: monotonicMs(NOW),
    user: STUDIED_USER,
    localTime: time,
    signals: signals.filter((signal) => signal !== undefined),
  }));

const bothVerdicts = (a: UnlockPolicy, b: UnlockPolicy, situation: SituationExample, pinIsBound: boolean) =>
  ([a, b] as const).map((policy) => verdictIn(policy, situation, { pinIsBound }));

/** Only the factors, the rule and the windows of the way: what a situation has to satisfy to be one of the difference. */
const wayKey = ({ grantedBy, way }: Difference) =>
  `${grantedBy} ${way.factors.join()} ${way.rule} ${way.during.join()}`;

/** The policy with that one way and no other. */
function onlyWay(policy: UnlockPolicy, { way }: Difference): UnlockPolicy {
  const parts = way.factors.map(
    (factor): FactorName =>
      (factor === 'phone' || factor === 'network') && way.rule !== null ? `rule:${way.rule}` : (factor as FactorName),
  );
  const require = way.during.reduce<Requirement>((need, during) => ({ during, need }), { all: parts });
  return { ...policy, require };
}

describe('the comparison of policies', () => {
  test('every example has the two verdicts that it is given for, and the diagram of all combinations finds nothing else', () => {
    fc.assert(
      fc.property(policies, policies, fc.boolean(), (a, b, pinIsBound) => {
        const diff = diffPolicies(a, b, { pinIsBound });
        expect(diff.bounds).toEqual([]);
        expect(diff.proof).toBe('diagram');
        for (const { example, grantedBy } of diff.differences) {
          expect(bothVerdicts(a, b, example, pinIsBound)).toEqual(
            grantedBy === 'a' ? ['granted', 'denied'] : ['denied', 'granted'],
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  test('every situation that changes its verdict is one of a difference that was found', () => {
    fc.assert(
      fc.property(
        policies,
        policies,
        fc.boolean(),
        fc.array(situations, { minLength: 40, maxLength: 40 }),
        (a, b, pinIsBound, tried) => {
          const diff = diffPolicies(a, b, { pinIsBound });
          for (const situation of tried) {
            const [inA, inB] = bothVerdicts(a, b, situation, pinIsBound);
            if (inA === inB) continue;
            const [grantedBy, own] = inA === 'granted' ? (['a', a] as const) : (['b', b] as const);
            const ways = diff.differences.filter((each) => each.grantedBy === grantedBy);
            const holds = ways.some((each) => verdictIn(onlyWay(own, each), situation, { pinIsBound }) === 'granted');
            expect(holds).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a policy and itself never differ, and exchanging the two exchanges the names and nothing else', () => {
    fc.assert(
      fc.property(policies, policies, (a, b) => {
        expect(diffPolicies(a, a, { pinIsBound: true }).differences).toEqual([]);
        const keys = (of: readonly Difference[]) => of.map(wayKey).sort();
        const there = diffPolicies(a, b, { pinIsBound: true }).differences;
        const back = diffPolicies(b, a, { pinIsBound: true }).differences;
        const exchanged = back.map((each): Difference => ({ ...each, grantedBy: each.grantedBy === 'a' ? 'b' : 'a' }));
        expect(keys(exchanged)).toEqual(keys(there));
      }),
      { numRuns: 100 },
    );
  });
});
