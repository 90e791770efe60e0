import { describe, expect, test } from 'vitest';
import { ipConfigMatcher, ipConfigView, suffixMatches } from '../../../agent/policy/match/ip-config.ts';
import { DEFAULT_MATCHING } from '../../../agent/policy/model.ts';
import { IP_SOURCED_FIELDS, type IpConfigObservation } from '../../../drivers/observation.ts';
import { elementsOf, holds, network, ruleReasons, type Seen, suffixed, whereOf, wired } from './situations.ts';

const at = (...addresses: string[]) => ({ ipConfig: network(wired({ ipv4: { addresses } })) });
const at6 = (...addresses: string[]) => ({ ipConfig: network(wired({ ipv6: { addresses } })) });
const prefix = (ipv4Prefix: string) => ({ type: 'ipConfig', ipv4Prefix });
const prefix6 = (ipv6Prefix: string) => ({ type: 'ipConfig', ipv6Prefix });

describe('ipv4Prefix', () => {
  test.each<[string, string, boolean]>([
    // Vector T8.
    ['198.51.100.0/25', '198.51.100.126/25', true],
    ['198.51.100.0/25', '198.51.100.130/25', false],
    // For a /24 the host range .1 to .254 matches.
    ['192.0.2.0/24', '192.0.2.1/24', true],
    ['192.0.2.0/24', '192.0.2.254/24', true],
    ['192.0.2.0/24', '192.0.2.0/24', false],
    ['192.0.2.0/24', '192.0.2.255/24', false],
    ['192.0.2.0/24', '192.0.3.1/24', false],
    ['192.0.2.0/24', '192.0.1.255/24', false],
    ['192.0.2.77/24', '192.0.2.5/24', true],
    // The last host of the lower half and the first of the upper.
    ['192.0.2.0/25', '192.0.2.126/25', true],
    ['192.0.2.0/25', '192.0.2.127/25', false],
    ['192.0.2.128/25', '192.0.2.128/25', false],
    ['192.0.2.128/25', '192.0.2.129/25', true],
    // Networks with neither a network nor a broadcast address.
    ['192.0.2.4/31', '192.0.2.4/31', true],
    ['192.0.2.4/31', '192.0.2.5/31', true],
    ['192.0.2.4/31', '192.0.2.6/31', false],
    ['192.0.2.5/32', '192.0.2.5/32', true],
    ['192.0.2.5/32', '192.0.2.4/32', false],
    ['192.0.2.4/30', '192.0.2.4/30', false],
    ['192.0.2.4/30', '192.0.2.5/30', true],
    ['192.0.2.4/30', '192.0.2.6/30', true],
    ['192.0.2.4/30', '192.0.2.7/30', false],
    ['0.0.0.0/0', '203.0.113.9/24', true],
    ['10.0.0.0/8', '10.255.255.254/8', true],
    ['10.0.0.0/8', '11.0.0.1/8', false],
    ['172.16.0.0/12', '172.31.0.1/12', true],
    ['172.16.0.0/12', '172.32.0.1/12', false],
    // How long the machine takes its own prefix to be says nothing.
    ['192.0.2.0/24', '192.0.2.5/8', true],
    ['192.0.2.0/24', '192.0.2.5', true],
    // What has two readings has none.
    ['192.0.2.0/24', '192.0.2.05/24', false],
    ['8.0.0.0/8', '010.0.0.1/8', false],
    ['192.0.2.0/24', '192.0.2/24', false],
    ['192.0.2.0/24', '192.0.2.5%1/24', false],
    ['192.0.2.0/24', '::ffff:192.0.2.5/120', false],
    ['0.0.0.0/0', 'nonsense', false],
    ['0.0.0.0/0', '', false],
    ['0.0.0.0/0', `1${'0'.repeat(80)}`, false],
  ])('%s and the address %s: %s', (network, address, expected) => {
    expect(holds(prefix(network), at(address))).toBe(expected);
  });

  test('any address of the interface will do, and none is not enough', () => {
    expect(holds(prefix('192.0.2.0/24'), at('10.0.0.1/8', '192.0.2.5/24'))).toBe(true);
    expect(holds(prefix('192.0.2.0/24'), at())).toBe(false);
  });
});

describe('ipv6Prefix', () => {
  test.each<[string, string, boolean]>([
    ['2001:db8:40::/48', '2001:db8:40::1/64', true],
    ['2001:db8:40::/48', '2001:DB8:0040:0:0:0:0:1/64', true],
    ['2001:db8:40::/48', '2001:db8:41::1/64', false],
    ['2001:db8:40::/49', '2001:db8:40:7fff::1/64', true],
    ['2001:db8:40::/49', '2001:db8:40:8000::1/64', false],
    // IPv6 has no broadcast address.
    ['2001:db8:40::/64', '2001:db8:40::/64', true],
    ['2001:db8:40::/64', '2001:db8:40::ffff:ffff:ffff:ffff/64', true],
    ['2001:db8::7/128', '2001:db8::7/64', true],
    ['2001:db8::7/128', '2001:db8::8/64', false],
    ['fe80::/10', 'fe80::1%eth0.5/64', true],
    ['::/0', '2001:db8::1', true],
    ['::ffff:192.0.2.0/120', '::ffff:192.0.2.9/120', true],
    ['::ffff:192.0.2.0/120', '::192.0.2.9/120', false],
    ['::/0', '::ffff:192.0.2.300', false],
    ['::/0', '192.0.2.5/24', false],
    ['::/0', '1::2::3', false],
    ['2001::/16', '2001::/16', true],
    ['2001::/16', '2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff/16', true],
  ])('%s and the address %s: %s', (network, address, expected) => {
    expect(holds(prefix6(network), at6(address))).toBe(expected);
  });

  test('says nothing of IPv4 addresses, nor ipv4Prefix of IPv6 ones', () => {
    expect(holds(prefix6('::/0'), at('192.0.2.5/24'))).toBe(false);
    expect(holds(prefix('0.0.0.0/0'), at6('2001:db8::1/64'))).toBe(false);
  });
});

describe('servers and gateways', () => {
  const fields = [
    ['Gateway', 'gateways', false],
    ['DhcpServer', 'dhcpServers', false],
    ['DnsServer', 'dnsServers', true],
  ] as const;
  const families = [
    ['ipv4', '192.0.2.1', '192.0.2.2'],
    ['ipv6', '2001:db8::1', '2001:db8::2'],
  ] as const;
  test.each(
    families.flatMap(([family, own, other]) =>
      fields.map(([element, field, isList]) => [family, element, field, isList, own, other] as const),
    ),
  )('%s%s is the same address in the same list, and nowhere else', (family, element, field, isList, own, other) => {
    const condition = { type: 'ipConfig', [`${family}${element}`]: isList ? [own] : own };
    expect(holds(condition, { ipConfig: network(wired({ [family]: { [field]: [other, own] } })) })).toBe(true);
    expect(holds(condition, { ipConfig: network(wired({ [family]: { [field]: [other] } })) })).toBe(false);
    expect(holds(condition, { ipConfig: network(wired({ [family]: { [field]: [] } })) })).toBe(false);
    expect(holds(condition, { ipConfig: network(wired({ [family]: { [field]: null } })) })).toBe(false);
    const elsewhere = { addresses: [own], gateways: [own], dhcpServers: [own], dnsServers: [own], [field]: null };
    expect(holds(condition, { ipConfig: network(wired({ [family]: elsewhere })) })).toBe(false);
  });

  test.each<[string, string, boolean]>([
    ['fe80::1', 'fe80::1', true],
    ['fe80::1', 'fe80::1%eth0', true],
    ['fe80::1', 'fe80::1%br-lan.7', true],
    ['fe80::1%2', 'fe80::1%2', true],
    ['fe80::1%2', 'fe80::1%3', false],
    ['fe80::1%2', 'fe80::1', false],
    ['fe80::1%2', 'fe80::2%2', false],
    ['FE80:0::1', 'fe80::1', true],
    ['fe80::1', 'fe80::1%', false],
    ['fe80::1', 'fe80::1%a%b', false],
  ])('the gateway %s is found as %s: %s', (wanted, found, expected) => {
    const condition = { type: 'ipConfig', ipv6Gateway: wanted };
    expect(holds(condition, { ipConfig: network(wired({ ipv6: { gateways: [found] } })) })).toBe(expected);
  });

  test('a server with a length is none', () => {
    const condition = { type: 'ipConfig', ipv4Gateway: '192.0.2.1' };
    expect(holds(condition, { ipConfig: network(wired({ ipv4: { gateways: ['192.0.2.1/24'] } })) })).toBe(false);
  });
});

describe('dnsSuffix', () => {
  const condition = (...dnsSuffix: string[]) => ({ type: 'ipConfig', dnsSuffix });
  test.each<[string, string | null, boolean, boolean]>([
    ['corp.example', 'corp.example', true, true],
    ['corp.example', 'a.corp.example', true, true],
    ['corp.example', 'CORP.Example.', true, true],
    ['Corp.Example.', 'a.corp.example', true, true],
    ['corp.example', 'evilcorp.example', false, true],
    ['corp.example', 'corp.example.evil', false, true],
    ['corp.example', 'example', false, false],
    ['a.corp.example', 'corp.example', false, false],
    ['corp.example', '', false, false],
    ['corp.example', null, false, false],
    ['example', 'a.b.c.d.e.f.g.h.example', true, true],
  ])('%s and the primary suffix %s: whole labels %s, any part %s', (wanted, own, labels, substring) => {
    const seen = { ipConfig: suffixed(own, wired()) };
    expect(holds(condition(wanted), seen)).toBe(labels);
    expect(holds(condition(wanted), { ...seen, matching: { dnsSuffix: 'substring' } })).toBe(substring);
  });

  test('counts only while the machine is connected: the suffix says nothing of where it is', () => {
    expect(holds(condition('corp.example'), { ipConfig: suffixed('corp.example') })).toBe(false);
    const unplugged = suffixed('corp.example', wired({ connected: false }));
    expect(holds(condition('corp.example'), { ipConfig: unplugged })).toBe(false);
  });
});

describe('several elements', () => {
  const office = {
    type: 'ipConfig',
    ipv4Prefix: '192.0.2.0/24',
    ipv4Gateway: '192.0.2.1',
    ipv4DnsServer: ['192.0.2.53'],
  };
  const inOffice = { addresses: ['192.0.2.5/24'], gateways: ['192.0.2.1'], dnsServers: ['192.0.2.53'] };

  test('have to match all of them', () => {
    expect(holds(office, { ipConfig: network(wired({ ipv4: inOffice })) })).toBe(true);
    for (const field of ['addresses', 'gateways', 'dnsServers']) {
      expect(holds(office, { ipConfig: network(wired({ ipv4: { ...inOffice, [field]: ['192.0.3.9'] } })) })).toBe(
        false,
      );
    }
  });

  test('on one interface: a dongle that serves one field does not complete another one', () => {
    const home = wired({ name: 'wlan0', kind: 'wifi', ipv4: { ...inOffice, dnsServers: ['10.0.0.1'] } });
    const dongle = wired({ name: 'usb0', ipv4: { dnsServers: ['192.0.2.53'] } });
    const seen = { ipConfig: network(home, dongle) };
    expect(holds(office, seen)).toBe(false);
    expect(holds(office, { ...seen, matching: { adapters: 'mixed' } })).toBe(true);
  });

  test('of mixed interfaces, those that are not connected or of another kind count as little as ever', () => {
    const home = wired({ ipv4: { ...inOffice, dnsServers: [] } });
    const others = [
      wired({ name: 'eth1', connected: false, ipv4: { dnsServers: ['192.0.2.53'] } }),
      wired({ name: 'tun0', kind: 'vpn', ipv4: { dnsServers: ['192.0.2.53'] } }),
    ];
    for (const other of others) {
      expect(holds(office, { ipConfig: network(home, other), matching: { adapters: 'mixed' } })).toBe(false);
    }
    expect(holds(office, { ipConfig: network(), matching: { adapters: 'mixed' } })).toBe(false);
  });

  test.each(['vpn', 'virtual', 'cellular', 'other'] as const)(
    'on a %s interface count only if the policy names its kind',
    (kind) => {
      const seen = { ipConfig: network(wired({ kind, ipv4: inOffice })) };
      expect(holds(office, seen)).toBe(false);
      expect(holds(office, { ...seen, matching: { interfaceKinds: [kind] } })).toBe(true);
    },
  );

  test('on an interface that is not connected do not count', () => {
    expect(holds(office, { ipConfig: network(wired({ connected: false, ipv4: inOffice })) })).toBe(false);
  });

  test('of one name have to match all, unless the policy says any; different names all the same', () => {
    const two = { type: 'ipConfig', ipv4DnsServer: ['192.0.2.53', '192.0.2.54'], dnsSuffix: ['corp.example'] };
    const with1 = { ipConfig: suffixed('corp.example', wired({ ipv4: { dnsServers: ['192.0.2.54'] } })) };
    const with2 = { ipConfig: suffixed('corp.example', wired({ ipv4: { dnsServers: ['192.0.2.54', '192.0.2.53'] } })) };
    expect([holds(two, with1), holds(two, with2)]).toEqual([false, true]);
    expect(holds(two, { ...with1, matching: { repeated: 'any' } })).toBe(true);
    const elsewhere = { ipConfig: { ...with1.ipConfig, primaryDnsSuffix: 'home.example' } };
    expect(holds(two, { ...elsewhere, matching: { repeated: 'any' } })).toBe(false);
    const suffixes = { type: 'ipConfig', dnsSuffix: ['corp.example', 'other.example'] };
    expect(holds(suffixes, with1)).toBe(false);
    expect(holds(suffixes, { ...with1, matching: { repeated: 'any' } })).toBe(true);
  });
});

test('where any of equals will do, the interface that matches goes before one that has more of them', () => {
  const condition = {
    type: 'ipConfig',
    ipv4Gateway: '192.0.2.1',
    ipv4DnsServer: ['192.0.2.2', '192.0.2.3', '192.0.2.4'],
  };
  const more = wired({ name: 'eth0', ipv4: { dnsServers: ['192.0.2.2', '192.0.2.3', '192.0.2.4'] } });
  const right = wired({ name: 'eth1', ipv4: { gateways: ['192.0.2.1'], dnsServers: ['192.0.2.2'] } });
  expect(whereOf(condition, { ipConfig: network(more, right), matching: { repeated: 'any' } })).toBe('eth1');
});

test('without a connection the suffix of the machine says nothing of where it is, however interfaces are read', () => {
  for (const adapters of ['same', 'mixed'] as const) {
    const where = (...faces: Parameters<typeof network>) =>
      holds(
        { type: 'ipConfig', dnsSuffix: ['corp.example'] },
        { ipConfig: suffixed('corp.example', ...faces), matching: { adapters } },
      );
    expect([where(), where(wired({ connected: false })), where(wired())]).toEqual([false, false, true]);
  }
});

test('an empty suffix is the end of nothing', () => {
  for (const mode of ['labels', 'substring'] as const) {
    expect(suffixMatches('', 'corp.example', mode)).toBe(false);
    expect(suffixMatches('.', 'corp.example', mode)).toBe(false);
    expect(suffixMatches('', '', mode)).toBe(false);
  }
});

test('what a rule asks for in a form that cannot be read is nowhere', () => {
  for (const condition of [{ ipv4Prefix: 'x' }, { ipv4Gateway: 'x' }, { ipv4DnsServer: ['x'] }]) {
    const { holds: matches } = ipConfigMatcher({ type: 'ipConfig', ...condition }, DEFAULT_MATCHING);
    for (const [addresses, others] of [
      [['x'], ['x']],
      [['192.0.2.5/24'], ['192.0.2.1']],
    ]) {
      const face = wired({ ipv4: { addresses, gateways: others, dnsServers: others } } as Parameters<typeof wired>[0]);
      expect(matches(ipConfigView(network(face), DEFAULT_MATCHING))).toBe(false);
    }
  }
  const { holds: matches } = ipConfigMatcher({ type: 'ipConfig' }, DEFAULT_MATCHING);
  expect(matches(ipConfigView(network(wired()), DEFAULT_MATCHING))).toBe(false);
  expect(matches(ipConfigView(network(wired()), { ...DEFAULT_MATCHING, repeated: 'any' }))).toBe(false);
});

describe('the reasons', () => {
  const office = {
    type: 'ipConfig',
    ipv4Prefix: '192.0.2.0/24',
    ipv4DnsServer: ['192.0.2.53', '192.0.2.54'],
    dnsSuffix: ['corp.example'],
  };

  test('name each element, what it asks for and what was found', () => {
    const face = wired({ ipv4: { addresses: ['192.0.2.5/24', '10.0.0.1/8'], dnsServers: ['192.0.2.53'] } });
    expect(elementsOf(office, { ipConfig: suffixed('home.example', face) })).toEqual([
      'ok ipv4Prefix: 192.0.2.0/24 | 192.0.2.5/24, 10.0.0.1/8',
      'ok ipv4DnsServer: 192.0.2.53 | 192.0.2.53',
      'no ipv4DnsServer: 192.0.2.54 | 192.0.2.53',
      'no dnsSuffix: corp.example | home.example',
    ]);
    const all = {
      type: 'ipConfig',
      ipv4Gateway: '192.0.2.1',
      ipv4DhcpServer: '192.0.2.67',
      ipv6Prefix: '2001:db8::/32',
      ipv6Gateway: 'fe80::1',
      ipv6DhcpServer: 'fe80::2',
      ipv6DnsServer: ['fe80::3'],
    };
    expect(elementsOf(all, { ipConfig: network(wired({ ipv4: { gateways: [] } })) })).toEqual([
      'no ipv4Gateway: 192.0.2.1 | none',
      'no ipv4DhcpServer: 192.0.2.67 | ?',
      'no ipv6Prefix: 2001:db8::/32 | ?',
      'no ipv6Gateway: fe80::1 | ?',
      'no ipv6DhcpServer: fe80::2 | ?',
      'no ipv6DnsServer: fe80::3 | ?',
    ]);
  });

  test('name who said each of it, where somebody did and there is something', () => {
    const sources = Object.fromEntries(IP_SOURCED_FIELDS.map((field) => [field, `who said ${field}`]));
    const family = { addresses: [], gateways: [], dhcpServers: [], dnsServers: [] };
    const condition = {
      type: 'ipConfig',
      ipv4Prefix: '192.0.2.0/24',
      ipv4Gateway: '192.0.2.1',
      ipv4DhcpServer: '192.0.2.2',
      ipv4DnsServer: ['192.0.2.3'],
      ipv6Prefix: '2001:db8::/32',
      ipv6Gateway: 'fe80::1',
      ipv6DhcpServer: 'fe80::2',
      ipv6DnsServer: ['fe80::3'],
      dnsSuffix: ['corp.example'],
    };
    const sourcesOf = (ipConfig: IpConfigObservation, more: Partial<Seen> = {}) =>
      ruleReasons([[condition]], { ipConfig, ...more })[0]?.children[0]?.children.map(({ source }) => source);
    const told = { ...network(wired({ ipv4: family, ipv6: family, sources })), primaryDnsSuffixSource: 'the name' };
    expect(sourcesOf(told)).toEqual([
      'who said ipv4.addresses',
      'who said ipv4.gateways',
      'who said ipv4.dhcpServers',
      'who said ipv4.dnsServers',
      'who said ipv6.addresses',
      'who said ipv6.gateways',
      'who said ipv6.dhcpServers',
      'who said ipv6.dnsServers',
      'the name',
    ]);
    const nobody = Array(9).fill(undefined);
    expect(sourcesOf(network(wired({ sources })))).toEqual(nobody);
    expect(sourcesOf(network(wired({ ipv4: family, ipv6: family })))).toEqual(nobody);
    expect(sourcesOf(network(wired({ ipv4: family, sources: { 'ipv4.gateways': 'a' } })))?.slice(0, 3)).toEqual([
      undefined,
      'a',
      undefined,
    ]);
    // Of several interfaces in one nobody said it all.
    expect(sourcesOf(network(wired({ ipv4: family, sources })), { matching: { adapters: 'mixed' } })).toEqual(nobody);
  });

  test('are of the interface that comes closest, of equals the first', () => {
    const none = wired({ name: 'eth0', ipv4: { addresses: ['10.0.0.1/8'] } });
    const one = wired({ name: 'eth1', ipv4: { addresses: ['192.0.2.5/24'] } });
    const other = wired({ name: 'eth2', ipv4: { dnsServers: ['192.0.2.53'] } });
    expect(whereOf(office, { ipConfig: network(none, one, other) })).toBe('eth1');
    expect(whereOf(office, { ipConfig: network(none) })).toBe('eth0');
    expect(whereOf(prefix('192.0.2.0/24'), { ipConfig: network(none, one) })).toBe('eth1');
    expect(whereOf(office, { ipConfig: network(none, one), matching: { adapters: 'mixed' } })).toBe('eth0 and eth1');
    expect(whereOf(office, { ipConfig: network(wired({ connected: false })) })).toBeNull();
  });

  test('of no interface find nothing, not even the suffix', () => {
    expect(
      elementsOf(
        { type: 'ipConfig', ipv4Prefix: '192.0.2.0/24', dnsSuffix: ['corp.example'] },
        { ipConfig: suffixed('corp.example') },
      ),
    ).toEqual(['no ipv4Prefix: 192.0.2.0/24 | ?', 'no dnsSuffix: corp.example | ?']);
  });

  test('of mixed interfaces find what any of them has, and nothing where none of them says anything', () => {
    const [a, b] = [
      wired({ ipv4: { addresses: ['10.0.0.1/8'] } }),
      wired({ ipv4: { addresses: ['10.0.0.2/8'], gateways: [] } }),
    ];
    const condition = {
      type: 'ipConfig',
      ipv4Prefix: '192.0.2.0/24',
      ipv4Gateway: '10.0.0.9',
      ipv4DhcpServer: '10.0.0.9',
      ipv4DnsServer: ['10.0.0.9'],
    };
    expect(elementsOf(condition, { ipConfig: network(a, b), matching: { adapters: 'mixed' } })).toEqual([
      'no ipv4Prefix: 192.0.2.0/24 | 10.0.0.1/8, 10.0.0.2/8',
      'no ipv4Gateway: 10.0.0.9 | none',
      'no ipv4DhcpServer: 10.0.0.9 | ?',
      'no ipv4DnsServer: 10.0.0.9 | ?',
    ]);
  });
});
