/** What two observations have in common never satisfies a rule that one of them does not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ipConfigMatcher, ipConfigView } from '../../../agent/policy/match/ip-config.ts';
import { DEFAULT_MATCHING, type Matching } from '../../../agent/policy/model.ts';
import type { IpConfigCondition } from '../../../agent/policy/rules.ts';
import { commonObservation, isEmptyObservation, isSameObservation } from '../../../drivers/network/ip-observation.ts';
import { INTERFACE_KINDS, type InterfaceKind, type IpConfigObservation } from '../../../drivers/observation.ts';

// Few of each, so that they meet.
const host4 = fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1');
const host6 = fc.constantFrom('2001:db8::1', 'fe80::1%eth0', 'fe80::1%eth1');
const suffix = fc.constantFrom('ward.clinic.example', 'clinic.example', 'example');
const mostly = <T>(usual: T, any: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: any });
const list = (item: fc.Arbitrary<string>) =>
  fc.option(fc.uniqueArray(item, { minLength: 1, maxLength: 3 }), { freq: 8 });
const family = (host: fc.Arbitrary<string>, bits: number) =>
  fc.record({
    addresses: list(host.map((each) => `${each}/${bits}`)),
    gateways: list(host),
    dhcpServers: list(host),
    dnsServers: list(host),
  });
const face = fc.record({
  name: fc.constantFrom('eth0', 'eth1'),
  kind: mostly<InterfaceKind>('ethernet', fc.constantFrom(...INTERFACE_KINDS)),
  connected: mostly(true, fc.boolean()),
  ipv4: family(host4, 24),
  ipv6: family(host6, 64),
});
const observation: fc.Arbitrary<IpConfigObservation> = fc.record({
  primaryDnsSuffix: fc.option(suffix),
  interfaces: fc.uniqueArray(face, { minLength: 1, maxLength: 2, selector: ({ name }) => name }),
});
const condition = fc
  .record(
    {
      ipv4Prefix: fc.constantFrom('192.0.2.0/24', '198.51.100.0/24'),
      ipv4Gateway: host4,
      ipv4DhcpServer: host4,
      ipv4DnsServer: fc.array(host4, { minLength: 1, maxLength: 2 }),
      ipv6Prefix: fc.constant('2001:db8::/64'),
      ipv6Gateway: host6,
      dnsSuffix: fc.array(suffix, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  )
  .chain((elements) =>
    fc.subarray(Object.entries(elements), { minLength: 0, maxLength: Math.min(3, Object.keys(elements).length) }),
  )
  .map((elements) => ({ type: 'ipConfig', ...Object.fromEntries(elements) }) as IpConfigCondition);
const matching: fc.Arbitrary<Matching> = fc
  .record({
    dnsSuffix: fc.constantFrom('labels', 'substring'),
    adapters: fc.constantFrom(DEFAULT_MATCHING.adapters, 'mixed'),
    repeated: fc.constantFrom('all', 'any'),
  })
  .map((loose) => ({ ...DEFAULT_MATCHING, ...loose }) as Matching);

describe('what two observations have in common', () => {
  it('holds for a rule only if each of them does', () => {
    let held = 0;
    fc.assert(
      fc.property(observation, observation, condition, matching, (before, now, asked, how) => {
        const { holds } = ipConfigMatcher(asked, how);
        const on = (each: IpConfigObservation) => holds(ipConfigView(each, how));
        if (!on(commonObservation(before, now))) return;
        held++;
        expect([on(before), on(now)]).toEqual([true, true]);
      }),
      { numRuns: 5000 },
    );
    // Else it says nothing.
    expect(held).toBeGreaterThan(20);
  });

  it('of one with itself is the same', () => {
    fc.assert(fc.property(observation, (one) => isSameObservation(commonObservation(one, one), one)));
  });

  it('is the same whichever comes first, but for the order of lists', () => {
    fc.assert(
      fc.property(observation, observation, (one, other) =>
        isSameObservation(commonObservation(one, other), commonObservation(other, one)),
      ),
    );
  });

  it('satisfies no rule when it is called empty', () => {
    fc.assert(
      fc.property(observation, condition, matching, (one, asked, how) => {
        fc.pre(isEmptyObservation(one));
        return !ipConfigMatcher(asked, how).holds(ipConfigView(one, how));
      }),
    );
  });
});
