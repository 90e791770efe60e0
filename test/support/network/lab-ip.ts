/** The product's reader of addresses, on the machine of a lab, or on a machine of which only a folder exists. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IpHal } from '../../../drivers/hal/network.ts';
import { type LinuxIpOptions, linuxIp } from '../../../drivers/linux/network/linux-ip.ts';
import type { PrivateBus } from '../session/private-bus.ts';
import { type NetworkLab, UPLINK } from './network-lab.ts';

type Files = NonNullable<LinuxIpOptions['files']>;

/** Whatever the machine of the lab has. */
export async function labIp(lab: NetworkLab, bus: PrivateBus, files: Files = {}): Promise<IpHal> {
  return linuxIp({
    bus: bus.address,
    ipPrograms: [await lab.ipProgram()],
    files: {
      sysClassNet: lab.sysClassNet,
      resolvConf: lab.file('/etc/resolv.conf'),
      hostname: '/dev/null',
      leaseFolders: [lab.file('/var/lib/dhcp')],
      networkdLinks: lab.file('/run/systemd/netif/links'),
      ...files,
    },
  });
}

/** A folder as `/sys/class/net`, in which these interfaces are Ethernet with a device behind each. */
export async function pretendDevices(folder: string, ...names: readonly string[]): Promise<string> {
  const root = join(folder, 'sys-class-net');
  for (const name of names) {
    await mkdir(join(root, name, 'device'), { recursive: true });
    await writeFile(join(root, name, 'type'), '1\n');
  }
  return root;
}

/** A machine with the physical interface `uplink`, of which only daemons can tell anything. */
export const noFiles = async (folder: string): Promise<Files> => ({
  sysClassNet: await pretendDevices(folder, UPLINK),
  resolvConf: '/dev/null',
  hostname: '/dev/null',
  leaseFolders: [],
  networkdLinks: join(folder, 'links'),
});
