/**
 * NetworkManager as python3-dbusmock plays it, with what its template lacks for addresses: `IP4Config`, `IP6Config` and
 * `DHCP4Config`. Each says its own, so a test can have them emptied step by step as the real one does.
 */
import type { PrivateBus } from '../session/private-bus.ts';
import { MockService, type TypedProperties } from '../wifi/mock-service.ts';

const NM = 'org.freedesktop.NetworkManager';
const ROOT = '/org/freedesktop/NetworkManager';
const MOCK = 'org.freedesktop.DBus.Mock';
export const NM_DEVICE = `${NM}.Device`;
export const NM_IP4 = `${NM}.IP4Config`;

const address = (text: string, prefix: number) => [
  ['address', ['s', text]],
  ['prefix', ['u', prefix]],
];
const route = (dest: string, prefix: number, via?: string) => [
  ['dest', ['s', dest]],
  ['prefix', ['u', prefix]],
  ...(via === undefined ? [] : [['next-hop', ['s', via]]]),
];

/** What the network of the tests gives, as NetworkManager 1.42 says it. */
export const PLAYED = {
  ip4: {
    AddressData: ['aa{sv}', [address('192.0.2.50', 24)]],
    Gateway: ['s', '192.0.2.1'],
    RouteData: ['aa{sv}', [route('192.0.2.0', 24), route('0.0.0.0', 0, '192.0.2.1')]],
    NameserverData: ['aa{sv}', [[['address', ['s', '192.0.2.53']]]]],
    Domains: ['as', ['ward.clinic.example']],
    Searches: ['as', []],
  },
  ip6: {
    AddressData: ['aa{sv}', [address('2001:db8:1::100', 128), address('fe80::5', 64)]],
    Gateway: ['s', 'fe80::1'],
    RouteData: [
      'aa{sv}',
      [route('2001:db8:1::', 64), route('::', 0, 'fe80::1'), route('2001:db8:1::100', 128), route('fe80::', 64)],
    ],
    Nameservers: ['aay', [Buffer.from('20010db8000100000000000000000053', 'hex')]],
    Domains: ['as', []],
    Searches: ['as', []],
  },
  lease: {
    Options: [
      'a{sv}',
      [
        ['dhcp_server_identifier', ['s', '192.0.2.1']],
        ['domain_name', ['s', 'ward.clinic.example']],
        ['domain_name_servers', ['s', '192.0.2.53']],
        ['ip_address', ['s', '192.0.2.50']],
        ['routers', ['s', '192.0.2.1']],
      ],
    ],
  },
} as const satisfies Record<string, TypedProperties>;

export class MockIpDaemon extends MockService {
  #made = 0;

  constructor(bus: PrivateBus) {
    super(bus, NM, ['--template', 'networkmanager']);
  }

  override async start(): Promise<void> {
    await super.start();
    for (let tries = 0; ; tries++) {
      try {
        await this.call(ROOT, NM, 'GetDevices');
        return;
      } catch (error) {
        if (tries > 400) throw error;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  /** A wire that is fully up. @returns the path of the device */
  async addWire(name: string, managed = true, played: Partial<Record<keyof typeof PLAYED, TypedProperties>> = {}) {
    const number = this.#made++;
    const path = String(await this.call(ROOT, MOCK, 'AddEthernetDevice', 'ssi', [`wire${number}`, name, 30]));
    const objects = [
      ['Ip4Config', `${NM}.IP4Config`, `${ROOT}/IP4Config/${number}`, played.ip4 ?? PLAYED.ip4],
      ['Ip6Config', `${NM}.IP6Config`, `${ROOT}/IP6Config/${number}`, played.ip6 ?? PLAYED.ip6],
      ['Dhcp4Config', `${NM}.DHCP4Config`, `${ROOT}/DHCP4Config/${number}`, played.lease ?? PLAYED.lease],
    ] as const;
    for (const [property, iface, object, properties] of objects) {
      await this.addObject(object, iface, properties);
      await this.addProperty(path, NM_DEVICE, property, ['o', object]);
    }
    await this.update(path, NM_DEVICE, { Managed: ['b', managed], IpInterface: ['s', name] });
    await this.state(path, 100);
    return path;
  }

  ip4ConfigOf(path: string): string {
    return `${ROOT}/IP4Config/${path.replace(/^.*wire/, '')}`;
  }

  async state(path: string, state: number): Promise<void> {
    await this.update(path, NM_DEVICE, { State: ['u', state] });
  }
}
