/**
 * The IP contract on the mock, on NetworkManager as python3-dbusmock plays it, and on the real daemons in network
 * namespaces: NetworkManager, systemd-networkd, and dhclient with nothing but the kernel.
 */
import { systemClock } from '../../../drivers/base/clock.ts';
import type { IpHal } from '../../../drivers/hal/network.ts';
import { linuxIp } from '../../../drivers/linux/network/linux-ip.ts';
import { MockIp, mockInterface } from '../../../hal-mocks/network/mock-ip.ts';
import {
  missingForDhclient,
  missingForNetworkd,
  missingForNetworkManager,
  startDhclient,
  startNetworkd,
  startNetworkManager,
} from '../../support/network/host-daemons.ts';
import { labIp, noFiles } from '../../support/network/lab-ip.ts';
import { MockIpDaemon } from '../../support/network/mock-ip-daemon.ts';
import { NetworkLab, type Started, UPLINK } from '../../support/network/network-lab.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';
import { describeIpContract, type IpWorld } from './describe-ip-contract.ts';

const skipOr = (missing: string | null, open: () => Promise<IpWorld>) => (missing === null ? open : { skip: missing });

const PLUGGED = mockInterface(UPLINK, {
  ipv4: {
    addresses: ['192.0.2.50/24'],
    gateways: ['192.0.2.1'],
    dhcpServers: ['192.0.2.1'],
    dnsServers: ['192.0.2.53'],
  },
  ipv6: {
    addresses: ['2001:db8:1::100/64'],
    gateways: [`fe80::1%${UPLINK}`],
    dhcpServers: [`fe80::1%${UPLINK}`],
    dnsServers: ['2001:db8:1::53'],
  },
  dnsSuffixes: ['ward.clinic.example'],
});

describeIpContract(
  'of the mock',
  { physical: true, kind: 'ethernet', source: /^mock$/, dhcpServer6: 'told', dnsServer6: 'told', dhcp: 'not said' },
  async (): Promise<IpWorld> => {
    const hal = new MockIp(systemClock);
    hal.put(PLUGGED);
    return {
      hal,
      cable: async (plugged) => hal.put(plugged ? PLUGGED : mockInterface(UPLINK, { connected: false })),
      daemon: { kill: async () => hal.setDown('daemon-gone'), start: async () => hal.setDown(null) },
      [Symbol.asyncDispose]: () => hal[Symbol.asyncDispose](),
    };
  },
);

async function playedWorld(): Promise<IpWorld> {
  const bus = await PrivateBus.start();
  const daemon = new MockIpDaemon(bus);
  let wire = '';
  const start = async () => {
    await daemon.start();
    wire = await daemon.addWire(UPLINK);
  };
  await start();
  const hal = linuxIp({ bus: bus.address, ipPrograms: [], files: await noFiles(bus.folder) });
  return {
    hal,
    cable: (plugged) => daemon.state(wire, plugged ? 100 : 20),
    daemon: { kill: () => daemon.stop(), start },
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await daemon.close();
      await bus[Symbol.asyncDispose]();
    },
  };
}

describeIpContract(
  'of NetworkManager as dbusmock plays it',
  {
    physical: true,
    kind: 'ethernet',
    source: /NetworkManager$/,
    dhcpServer6: 'not told',
    dnsServer6: 'told',
    dhcp: 'said',
  },
  skipOr(missingForBus(), playedWorld),
);

/** @param startDaemon null: the kernel alone, with what runs on the machine anyway */
async function realWorld(
  startDaemon: ((lab: NetworkLab, bus: PrivateBus) => Promise<Started>) | null,
  prepare: (lab: NetworkLab) => Promise<void> = async () => undefined,
): Promise<IpWorld> {
  const lab = await NetworkLab.start();
  const bus = await PrivateBus.start();
  await prepare(lab);
  let running = startDaemon === null ? null : await startDaemon(lab, bus);
  const hal: IpHal = await labIp(lab, bus);
  return {
    hal,
    cable: (plugged) => lab.cable(plugged),
    daemon:
      startDaemon === null
        ? null
        : {
            kill: async () => running?.kill(),
            start: async () => {
              running = await startDaemon(lab, bus);
            },
          },
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await lab[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

// The machine of the lab has a veth pair's end for a cable: whoever counts it as a device of its own is wrong.
const VETH = { physical: false, kind: 'virtual' } as const;

describeIpContract(
  'of the real NetworkManager',
  { ...VETH, source: /NetworkManager$/, dhcpServer6: 'not told', dnsServer6: 'told', dhcp: 'said' },
  skipOr(missingForNetworkManager(), () => realWorld(startNetworkManager)),
);

describeIpContract(
  'of the real systemd-networkd',
  { ...VETH, source: /systemd-networkd$/, dhcpServer6: 'told', dnsServer6: 'told', dhcp: 'said' },
  skipOr(missingForNetworkd(), () => realWorld(startNetworkd)),
);

describeIpContract(
  'of the kernel, dhclient and resolv.conf',
  {
    ...VETH,
    source: /^(kernel|DHCP via dhclient|resolv\.conf)$/,
    dhcpServer6: 'not told',
    dnsServer6: 'told',
    dhcp: 'said',
  },
  skipOr(missingForDhclient() ?? missingForBus(), () =>
    realWorld(null, async (lab) => {
      const four = await startDhclient(lab, 4);
      // Each writes resolv.conf anew, with its own servers alone.
      await four.until('bound to');
      await startDhclient(lab, 6);
    }),
  ),
);
