import { describe, expect, it } from 'vitest';
import { networkdLink } from '../../../drivers/linux/network/networkd-link.ts';

const FACTS = { kind: 'ethernet', physical: true } as const;
const address = (text: string) =>
  text.includes('.') ? text.split('.').map(Number) : [...Buffer.from(text.replaceAll(':', ''), 'hex')];
const ROUTER = 'fe80:0000:0000:0000:1480:81ff:fec0:d285';

/** What systemd 252 describes, cut to what is read; as it was seen behind dnsmasq. */
const LINK = {
  Index: 2,
  Name: 'eth0',
  AdministrativeState: 'configured',
  OperationalState: 'routable',
  DNS: [
    { Family: 2, Address: address('192.0.2.53'), ConfigSource: 'DHCPv4', ConfigProvider: address('192.0.2.1') },
    { Family: 10, Address: address('20010db8000100000000000000000053'), ConfigSource: 'NDisc' },
  ],
  SearchDomains: [{ Domain: 'ward.clinic.example', ConfigSource: 'DHCPv4' }],
  Addresses: [
    { Family: 10, Address: address('fe80000000000000ecde4afffe416521'), PrefixLength: 64, ConfigSource: 'foreign' },
    {
      Family: 2,
      Address: address('192.0.2.60'),
      PrefixLength: 24,
      ConfigSource: 'DHCPv4',
      ConfigProvider: address('192.0.2.1'),
    },
    {
      Family: 10,
      Address: address('20010db8000100000000000000000167'),
      PrefixLength: 128,
      ConfigSource: 'DHCPv6',
      ConfigProvider: address(ROUTER),
    },
  ],
  Routes: [
    {
      Family: 10,
      Destination: address('0'.repeat(32)),
      DestinationPrefixLength: 0,
      Gateway: address(ROUTER),
      Table: 254,
    },
    { Family: 10, Destination: address(`20010db80001${'0'.repeat(20)}`), DestinationPrefixLength: 64, Table: 254 },
    { Family: 2, Destination: [0, 0, 0, 0], DestinationPrefixLength: 0, Gateway: address('192.0.2.1'), Table: 254 },
  ].map((route) => ({ ...route, TypeString: 'unicast', ConfigSource: 'NDisc' })),
};

describe('what systemd-networkd says of a link', () => {
  it('is read, with who said each part of it', () => {
    expect(networkdLink(LINK).as(FACTS)).toEqual({
      name: 'eth0',
      ...FACTS,
      connected: true,
      ipv4: {
        addresses: { value: ['192.0.2.60/24'], source: 'DHCPv4 via systemd-networkd' },
        gateways: { value: ['192.0.2.1'], source: 'NDisc via systemd-networkd' },
        dhcpServers: { value: ['192.0.2.1'], source: 'DHCPv4 via systemd-networkd' },
        dnsServers: { value: ['192.0.2.53'], source: 'DHCPv4 via systemd-networkd' },
      },
      ipv6: {
        addresses: {
          value: ['fe80::ecde:4aff:fe41:6521%eth0/64', '2001:db8:1::167/64'],
          source: 'DHCPv6 via systemd-networkd',
        },
        gateways: { value: ['fe80::1480:81ff:fec0:d285%eth0'], source: 'NDisc via systemd-networkd' },
        dhcpServers: { value: ['fe80::1480:81ff:fec0:d285%eth0'], source: 'DHCPv6 via systemd-networkd' },
        dnsServers: { value: ['2001:db8:1::53'], source: 'NDisc via systemd-networkd' },
      },
      dnsSuffixes: { value: ['ward.clinic.example'], source: 'DHCPv4 via systemd-networkd' },
    });
  });

  const STATES: readonly (readonly [string, string, boolean])[] = [
    ['configured', 'routable', true],
    ['configured', 'degraded', true],
    ['configured', 'carrier', false],
    ['configured', 'no-carrier', false],
    ['configured', 'off', false],
    ['configuring', 'routable', false],
    ['pending', 'routable', false],
    ['failed', 'routable', false],
    ['linger', 'routable', false],
  ];
  for (const [AdministrativeState, OperationalState, connected] of STATES) {
    it(`${AdministrativeState} and ${OperationalState} is ${connected ? '' : 'not '}connected`, () => {
      const link = { ...LINK, AdministrativeState, OperationalState };
      expect(networkdLink(link).as(FACTS).connected).toBe(connected);
    });
  }

  it('counts from before systemd 250 too, where a field has another name', () => {
    const { AdministrativeState: SetupState, ...link } = LINK;
    expect(networkdLink({ ...link, SetupState }).as(FACTS).connected).toBe(true);
  });

  it('is none of its own when it leaves the link alone', () => {
    expect(networkdLink({ ...LINK, AdministrativeState: 'unmanaged' }).managed).toBe(false);
    expect(networkdLink(LINK).managed).toBe(true);
  });

  it('of a route in another table, or that leads nowhere, is no gateway and no prefix', () => {
    for (const other of [{ Table: 255 }, { TypeString: 'unreachable' }]) {
      const link = { ...LINK, Routes: LINK.Routes.map((route) => ({ ...route, ...other })) };
      const { ipv4, ipv6 } = networkdLink(link).as(FACTS);
      expect([ipv4.gateways?.value, ipv6.gateways?.value]).toEqual([[], []]);
      expect(ipv6.addresses?.value).toContain('2001:db8:1::167/128');
    }
  });
});
