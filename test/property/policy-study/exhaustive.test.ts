/**
 * Small policies against all there is: every set of interfaces that have or lack a gateway and a server, every suffix, every
 * set of gestures and of phones. What changes its verdict among all of them is just what the comparison says.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkedDocument } from '../../../agent/policy/forms/native-json.ts';
import { policyFor, type UnlockPolicy } from '../../../agent/policy/model.ts';
import { type Difference, diffPolicies } from '../../../agent/policy/study/diff.ts';
import { STUDIED_USER } from '../../../agent/policy/study/elements.ts';
import { type SituationExample, verdictIn } from '../../../agent/policy/study/situation.ts';
import { milliseconds, monotonicMs } from '../../../drivers/base/brand.ts';
import type { BluetoothDevice, IpInterface } from '../../../drivers/observation.ts';
import type { FactorSignal } from '../../../drivers/signal.ts';

const NOW = monotonicMs(1000);
const base = { source: 'test', observedAt: NOW, validFor: milliseconds(1000), simulated: false };
const unknown = { addresses: null, gateways: null, dhcpServers: null, dnsServers: null };

function subsets<T>(of: readonly T[]): readonly (readonly T[])[] {
  const [first, ...rest] = of;
  if (first === undefined) return [[]];
  const without = subsets(rest);
  return [...without, ...without.map((set) => [first, ...set])];
}

const faces: readonly IpInterface[] = ['none', 'gateway', 'server', 'both'].map((has, i) => ({
  name: `eth${i}`,
  kind: 'ethernet',
  connected: true,
  ipv4: {
    ...unknown,
    gateways: has === 'gateway' || has === 'both' ? ['192.0.2.1'] : [],
    dnsServers: has === 'server' || has === 'both' ? ['192.0.2.53'] : [],
  },
  ipv6: unknown,
}));
const device = (value: number): BluetoothDevice => ({
  address: '02:00:00:00:00:01',
  name: null,
  classOfDevice: 0x200,
  users: [STUDIED_USER],
  proved: true,
  rssi: { scale: 'relative', value },
  rssiBest: null,
});
const gestures = (['pin', 'securityKey', 'face'] as const).map(
  (kind): FactorSignal => ({ ...base, kind, state: 'satisfied', strength: 'bound', evidence: {} }),
);

/** All of them, for the elements that the policies below are made of. */
const SITUATIONS: readonly SituationExample[] = subsets(gestures).flatMap((gesture) =>
  subsets(faces).flatMap((interfaces) =>
    [null, 'example.test', 'corp.example.test'].flatMap((primaryDnsSuffix) =>
      [null, -12, -6].map((rssi): SituationExample => {
        const ip: FactorSignal = {
          ...base,
          kind: 'ipConfig',
          state: 'observed',
          observation: { primaryDnsSuffix, interfaces },
        };
        const devices = rssi === null ? [] : [device(rssi)];
        const phone: FactorSignal = { ...base, kind: 'bluetooth', state: 'observed', observation: { devices } };
        return { signals: [...gesture, ip, phone], now: NOW, localTime: null, user: STUDIED_USER };
      }),
    ),
  ),
);

const condition = fc.constantFrom<object>(
  { type: 'ipConfig', ipv4Gateway: '192.0.2.1' },
  { type: 'ipConfig', ipv4DnsServer: ['192.0.2.53'] },
  { type: 'ipConfig', ipv4Gateway: '192.0.2.1', ipv4DnsServer: ['192.0.2.53'] },
  { type: 'ipConfig', dnsSuffix: ['example.test'] },
  { type: 'ipConfig', dnsSuffix: ['corp.example.test'], ipv4Gateway: '192.0.2.1' },
  { type: 'bluetooth', rssiMin: -15 },
  { type: 'bluetooth', rssiMin: -10 },
);
const policies: fc.Arbitrary<UnlockPolicy> = fc
  .record({
    require: fc.constantFrom<unknown>(
      { all: ['pin', { any: ['securityKey', 'trustedSignal'] }] },
      { all: ['pin', { any: ['face', 'trustedSignal'] }] },
      { atLeast: 2, of: ['pin', 'securityKey', 'face', 'trustedSignal'] },
      { any: [{ all: ['pin', 'rule:r0'] }, { all: ['securityKey', 'trustedSignal'] }] },
      { all: ['pin', 'securityKey', 'trustedSignal'] },
    ),
    acceptAsserted: fc.boolean(),
    rules: fc
      .array(fc.array(condition, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 })
      .map((all) => all.map((each, i) => ({ name: `r${i}`, all: each }))),
    adapters: fc.constantFrom('same', 'mixed'),
  })
  .map(({ require, acceptAsserted, rules, adapters }) =>
    policyFor(
      checkedDocument({ version: 2, contexts: { unlock: { require, acceptAsserted } }, rules, matching: { adapters } }),
      'unlock',
    ),
  );

describe('small policies, exhaustively', () => {
  test('there is a difference in a direction just where some situation of all changes its verdict that way', () => {
    expect(SITUATIONS).toHaveLength(8 * 16 * 3 * 3);
    const options = { pinIsBound: true };
    let [different, same] = [0, 0];
    fc.assert(
      fc.property(policies, policies, fc.nat(3), (a, other, turn) => {
        // One in four: the same rules in another order.
        const b = turn === 0 ? Object.freeze({ ...a, rules: a.rules.toReversed() }) : other;
        const found = new Set<Difference['grantedBy']>();
        for (const situation of SITUATIONS) {
          const [inA, inB] = [verdictIn(a, situation, options), verdictIn(b, situation, options)];
          if (inA !== inB) found.add(inA === 'granted' ? 'a' : 'b');
        }
        const diff = diffPolicies(a, b, options);
        expect(diff).toMatchObject({ complete: true, proof: 'diagram' });
        expect(new Set(diff.differences.map(({ grantedBy }) => grantedBy))).toEqual(found);
        if (found.size > 0) different++;
        else same++;
      }),
      { numRuns: 120 },
    );
    // Otherwise it would say nothing.
    expect(different).toBeGreaterThan(20);
    expect(same).toBeGreaterThan(0);
  });
});
