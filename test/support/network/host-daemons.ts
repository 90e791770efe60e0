/** The real daemons of a Linux host, on the machine of a lab and a private bus. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { missingForBus, type PrivateBus } from '../session/private-bus.ts';
import { missingCommand } from '../umockdev/bridge.ts';
import { missingForLab, type NetworkLab, type Started, UPLINK } from './network-lab.ts';

const NETWORKD = '/lib/systemd/systemd-networkd';

/** What is missing for each, for the title of what is skipped; null: nothing. */
export const missingForNetworkManager = (): string | null =>
  missingForLab() ?? missingForBus() ?? missingCommand('NetworkManager', 'network-manager');
export const missingForNetworkd = (): string | null =>
  missingForLab() ?? missingForBus() ?? missingCommand(NETWORKD, 'systemd');
export const missingForDhclient = (): string | null => missingForLab() ?? missingCommand('dhclient', 'isc-dhcp-client');

const NM_CONF = `[main]
plugins=keyfile
auth-polkit=false
dns=none
dhcp=internal
[logging]
level=WARN
`;

/** NetworkManager as Debian has it: it makes a profile for a wire by itself. */
export async function startNetworkManager(lab: NetworkLab, bus: PrivateBus): Promise<Started> {
  const conf = join(lab.folder, 'nm.conf');
  await mkdir(join(lab.folder, 'conf.d'), { recursive: true });
  await writeFile(conf, NM_CONF);
  const folders = [`--config-dir=${lab.folder}/conf.d`, `--pid-file=${lab.folder}/nm.pid`];
  return lab.startOnMachine(['NetworkManager', '--no-daemon', `--config=${conf}`, ...folders], {
    DBUS_SYSTEM_BUS_ADDRESS: bus.address,
  });
}

const NETWORK = `[Match]
Name=${UPLINK}
[Network]
DHCP=yes
IPv6AcceptRA=yes
[DHCPv4]
UseDomains=yes
[DHCPv6]
UseDomains=yes
`;

export async function startNetworkd(lab: NetworkLab, bus: PrivateBus): Promise<Started> {
  await writeFile(lab.file('/etc/systemd/network/10-uplink.network'), NETWORK);
  // It gives up root before it connects to the bus.
  await chmod(bus.folder, 0o755);
  return lab.startOnMachine([NETWORKD], {
    DBUS_SYSTEM_BUS_ADDRESS: bus.address,
    SYSTEMD_LOG_LEVEL: 'err',
  });
}

/** dhclient, and nothing that configures it further. */
export async function startDhclient(lab: NetworkLab, family: 4 | 6 = 4): Promise<Started> {
  const files = [
    '-lf',
    `/var/lib/dhcp/dhclient${family}.${UPLINK}.leases`,
    '-pf',
    join(lab.folder, `dhclient${family}`),
  ];
  await lab.run('ip', 'link', 'set', UPLINK, 'up');
  return lab.startOnMachine(['dhclient', `-${family}`, '-d', ...files, UPLINK]);
}
