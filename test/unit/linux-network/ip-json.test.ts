import { describe, expect, it } from 'vitest';
import { kernelLinks } from '../../../drivers/linux/network/ip-json.ts';

/** As iproute2 6.1 prints it, cut to what is read. */
const LINKS = [
  { ifname: 'lo', flags: ['LOOPBACK', 'UP', 'LOWER_UP'], operstate: 'UNKNOWN', addr_info: [] },
  {
    ifname: 'eth0',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    operstate: 'UP',
    addr_info: [
      { family: 'inet', local: '192.0.2.60', prefixlen: 24, scope: 'global', dynamic: true },
      { family: 'inet', local: '192.0.2.61', prefixlen: 24, scope: 'global' },
      { family: 'inet6', local: '2001:db8:1::167', prefixlen: 128, scope: 'global' },
      { family: 'inet6', local: 'fe80::5', prefixlen: 64, scope: 'link' },
    ],
  },
];
const ROUTES4 = [
  { dst: 'default', gateway: '192.0.2.1', dev: 'eth0', flags: [] },
  { dst: '192.0.2.0/24', dev: 'eth0', scope: 'link', flags: [] },
];
const ROUTES6 = [
  { dst: '2001:db8:1::/64', dev: 'eth0', protocol: 'kernel', flags: [] },
  { dst: 'default', gateway: 'fe80::1', dev: 'eth0', protocol: 'ra', flags: [] },
];

const read = (change: (link: (typeof LINKS)[number]) => unknown = (link) => link, routes4: unknown = ROUTES4) =>
  kernelLinks({ links: LINKS.map(change), routes4, routes6: ROUTES6 })[0];

describe('what ip prints', () => {
  it('is read, without the loopback', () => {
    expect(kernelLinks({ links: LINKS, routes4: ROUTES4, routes6: ROUTES6 })).toEqual([
      {
        name: 'eth0',
        up: true,
        ipv4: { addresses: ['192.0.2.60/24', '192.0.2.61/24'], gateways: ['192.0.2.1'] },
        ipv6: { addresses: ['2001:db8:1::167/64', 'fe80::5%eth0/64'], gateways: ['fe80::1%eth0'] },
        dynamic: ['192.0.2.60'],
      },
    ]);
  });

  for (const flag of ['tentative', 'dadfailed']) {
    it(`leaves an address out that is ${flag}`, () => {
      const marked = read((link) => ({
        ...link,
        addr_info: link.addr_info.map((each) => ({ ...each, [flag]: true })),
      }));
      expect([marked?.ipv4.addresses, marked?.ipv6.addresses, marked?.dynamic]).toEqual([[], [], []]);
    });
  }

  it('is not up without a carrier, when it is shut, or before the login of a radio', () => {
    expect(read((link) => ({ ...link, flags: ['UP'] }))?.up).toBe(false);
    expect(read((link) => ({ ...link, flags: ['LOWER_UP'] }))?.up).toBe(false);
    expect(read((link) => ({ ...link, operstate: 'DORMANT' }))?.up).toBe(false);
  });

  it('has the gateways of a route of several hops, each at its own interface', () => {
    const nexthops = [
      { gateway: '192.0.2.1', dev: 'eth0', weight: 1 },
      { gateway: '192.0.2.2', dev: 'eth0', weight: 1 },
      { gateway: '198.51.100.1', dev: 'eth1', weight: 1 },
    ];
    expect(read(undefined, [{ dst: 'default', nexthops }])?.ipv4.gateways).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('has no gateway of the other family, and takes no route by one for a link', () => {
    const routes = [{ dst: 'default', via: { family: 'inet6', host: 'fe80::1' }, dev: 'eth0' }];
    expect(read(undefined, routes)?.ipv4.gateways).toEqual([]);
  });

  it('has no gateway of a route that refuses', () => {
    expect(
      read(undefined, [{ type: 'unreachable', dst: 'default', dev: 'eth0', gateway: '192.0.2.1' }])?.ipv4.gateways,
    ).toEqual([]);
  });

  it('that is no list is an error of ours', () => {
    const code = expect.objectContaining({ code: 'ERR_HAL_ANSWER_INVALID' });
    expect(() => kernelLinks({ links: {}, routes4: [], routes6: [] })).toThrow(code);
    expect(() => kernelLinks({ links: [], routes4: null, routes6: [] })).toThrow(code);
  });
});
