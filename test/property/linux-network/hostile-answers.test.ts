/** Whatever a daemon or a program says: a list of interfaces that keep their bounds, or one of our own errors. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unixMs } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { HostInterface } from '../../../drivers/hal/network.ts';
import { leaseIn } from '../../../drivers/linux/network/dhclient-leases.ts';
import { kernelLinks } from '../../../drivers/linux/network/ip-json.ts';
import { MAX_JSON_LENGTH, parseJson } from '../../../drivers/linux/network/json.ts';
import { networkdLink } from '../../../drivers/linux/network/networkd-link.ts';
import { nmInterface } from '../../../drivers/linux/network/nm-interface.ts';
import { parseResolvConf } from '../../../drivers/linux/network/resolv-conf.ts';

const FACTS = { kind: 'ethernet', physical: true } as const;

/** Texts that matter, among any others. */
const text = fc.oneof(
  fc.constantFrom(
    '192.0.2.1',
    '2001:db8::1',
    'fe80::1',
    '::',
    '0.0.0.0',
    'default',
    'eth0',
    '192.0.2.0/24',
    'a.example',
  ),
  fc.constantFrom('fe80::1%eth0', '../x', 'a\u001b[2J', 'inet', 'inet6', 'configured', 'routable', 'unicast', 'DHCPv4'),
  fc.string(),
);
const scalar = fc.oneof(text, fc.integer({ min: -1, max: 300 }), fc.double(), fc.boolean(), fc.constant(null));
const bytes = fc.array(fc.integer({ min: -1, max: 256 }), { maxLength: 17 });

const shaped = (names: readonly string[], depth: number): fc.Arbitrary<unknown> =>
  depth === 0
    ? fc.oneof(scalar, bytes)
    : fc.oneof(
        { weight: 1, arbitrary: scalar },
        { weight: 1, arbitrary: bytes },
        { weight: 2, arbitrary: fc.array(shaped(names, depth - 1), { maxLength: 4 }) },
        {
          weight: 4,
          arbitrary: fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), shaped(names, depth - 1), {
            maxKeys: 8,
          }),
        },
      );

function checkInterface({ name, ipv4, ipv6, dnsSuffixes }: HostInterface): void {
  expect(name).toMatch(/^[!-.0-~]{1,15}$/);
  for (const told of [...Object.values(ipv4), ...Object.values(ipv6), dnsSuffixes]) {
    if (told === null) continue;
    expect(told.value.length).toBeLessThanOrEqual(64);
    for (const each of told.value) expect(each).toMatch(/^[!-~]{1,254}$/);
    expect(told.source).toMatch(/^[A-Za-z0-9 ,.-]{1,80}$/);
  }
}

function orOurs(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_HAL_ANSWER_INVALID')) throw error;
  }
}

const IP_NAMES = [
  ...['ifname', 'flags', 'operstate', 'addr_info', 'family', 'local', 'prefixlen', 'dynamic', 'tentative'],
  ...['dst', 'gateway', 'dev', 'nexthops', 'via', 'type', 'host'],
];
const NETWORKD_NAMES = [
  ...['Name', 'AdministrativeState', 'OperationalState', 'Addresses', 'Routes', 'DNS', 'SearchDomains', 'Family'],
  ...['Address', 'PrefixLength', 'ConfigSource', 'ConfigProvider', 'Gateway', 'Destination', 'DestinationPrefixLength'],
  ...['Table', 'TypeString', 'Domain'],
];
const NM_NAMES = ['AddressData', 'RouteData', 'Gateway', 'NameserverData', 'Nameservers', 'Domains', 'Searches'];
const NM_INNER = ['address', 'prefix', 'dest', 'next-hop', 'metric'];

const dict = (names: readonly string[], value: fc.Arbitrary<unknown>): fc.Arbitrary<ReadonlyMap<string, unknown>> =>
  fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 8 }).map((entries) => new Map(entries));
const nmValue = fc.oneof(
  scalar,
  fc.array(fc.oneof(scalar, bytes, fc.array(fc.tuple(fc.constantFrom(...NM_INNER), scalar), { maxLength: 4 })), {
    maxLength: 6,
  }),
);
const lease = dict(
  ['dhcp_server_identifier', 'routers', 'ip_address', 'domain_name', 'domain_name_servers', 'domain_search'],
  scalar,
);

describe('hostile answers', () => {
  it('of ip', () => {
    fc.assert(
      fc.property(shaped(IP_NAMES, 3), shaped(IP_NAMES, 2), shaped(IP_NAMES, 2), (links, routes4, routes6) =>
        orOurs(() => {
          for (const { name, ipv4, ipv6, dynamic } of kernelLinks({ links, routes4, routes6 })) {
            const told = (value: readonly string[]) => ({ value, source: 'kernel' });
            const family = (of: typeof ipv4) => ({
              addresses: told(of.addresses),
              gateways: told(of.gateways),
              dhcpServers: told(dynamic),
              dnsServers: null,
            });
            const rest = { ...FACTS, connected: true, dnsSuffixes: null };
            checkInterface({ name, ...rest, ipv4: family(ipv4), ipv6: family(ipv6) });
          }
        }),
      ),
      { numRuns: 500 },
    );
  });

  it('of systemd-networkd', () => {
    fc.assert(
      fc.property(shaped(NETWORKD_NAMES, 3), (link) => orOurs(() => checkInterface(networkdLink(link).as(FACTS)))),
      { numRuns: 500 },
    );
  });

  it('of systemd-networkd, of a link that is well-formed but for its lists', () => {
    const list = fc.array(shaped(NETWORKD_NAMES, 1), { maxLength: 6 });
    fc.assert(
      fc.property(list, list, list, list, (Addresses, Routes, DNS, SearchDomains) => {
        const link = { Name: 'eth0', AdministrativeState: 'configured', Addresses, Routes, DNS, SearchDomains };
        checkInterface(networkdLink(link).as(FACTS));
      }),
      { numRuns: 500 },
    );
  });

  it('of NetworkManager', () => {
    const config = fc.option(dict(NM_NAMES, nmValue));
    fc.assert(
      fc.property(config, config, fc.option(lease), (ip4, ip6, options) =>
        orOurs(() => checkInterface(nmInterface('eth0', FACTS, { ip4, ip6, lease: options }))),
      ),
      { numRuns: 1000 },
    );
  });

  it('in the files of this machine', () => {
    const line = fc.oneof(
      text,
      text.map((each) => `nameserver ${each}`),
      text.map((each) => `search ${each} ${each}`),
      text.map((each) => `  fixed-address ${each};`),
      fc.constantFrom('lease {', '}', '  interface "eth0";', '  expire never;'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const all = lines.join('\n');
        const resolv = parseResolvConf(all, 'eth0');
        for (const each of [...resolv.servers4, ...resolv.servers6, ...resolv.suffixes])
          expect(each).toMatch(/^[!-~]+$/);
        const found = leaseIn(all, 'eth0', unixMs(0));
        if (found !== null) expect(found.address).toMatch(/^[0-9.]+$/);
      }),
      { numRuns: 500 },
    );
  });

  it('that are longer than any description of links are no JSON', () => {
    const long = `"${' '.repeat(MAX_JSON_LENGTH)}"`;
    expect(() => parseJson(long, 'ip')).toThrow(expect.objectContaining({ code: 'ERR_HAL_ANSWER_INVALID' }));
  });

  it('that are nested very deep are an error of ours, or nothing', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    orOurs(() => kernelLinks({ links: parseJson(deep, 'ip'), routes4: [], routes6: [] }));
  });

  it('with a hundred thousand entries end in time, with what is kept of them', () => {
    const entries = Array.from({ length: 100_000 }, (_, i) => ({
      Family: 2,
      Address: [10, (i >> 16) & 255, (i >> 8) & 255, i & 255],
      PrefixLength: 24,
    }));
    const link = { Name: 'eth0', AdministrativeState: 'configured', Addresses: entries, DNS: entries };
    checkInterface(networkdLink(link).as(FACTS));
  });
});
