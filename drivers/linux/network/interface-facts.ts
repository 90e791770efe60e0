/**
 * What the kernel says an interface is (sysfs, Documentation/ABI/testing/sysfs-class-net). The daemons are not asked for
 * it: only the kernel knows whether there is a device behind it.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LinkKind } from '../../hal/network.ts';
import { isInterfaceName } from './host-text.ts';

export interface InterfaceFacts {
  readonly kind: LinkKind;
  /** `/sys/class/net/X/device` is there: a device of a bus is behind it. */
  readonly physical: boolean;
}

export const SYS_CLASS_NET = '/sys/class/net';

/** ARPHRD_*: linux/if_arp.h. */
const ETHER = 1;
const LOOPBACK = 772;
/** PPP, tunnels of IP over IP, SIT, GRE, and NONE (tun, WireGuard). */
const TUNNELS = [512, 768, 769, 776, 778, 823, 65534];

const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const textIn = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** What cannot be read is not physical. */
export async function factsOf(name: string, folder: string): Promise<InterfaceFacts> {
  const path = join(folder, name);
  const [physical, wireless, uevent, type, tun] = await Promise.all([
    there(join(path, 'device')),
    there(join(path, 'phy80211')),
    textIn(join(path, 'uevent')),
    textIn(join(path, 'type')),
    textIn(join(path, 'tun_flags')),
  ]);
  const devtype = /^DEVTYPE=(.*)$/m.exec(uevent)?.[1];
  return { physical, kind: kindOf({ physical, wireless, devtype, type: Number.parseInt(type, 10), tun }) };
}

function kindOf(facts: {
  readonly physical: boolean;
  readonly wireless: boolean;
  readonly devtype: string | undefined;
  readonly type: number;
  readonly tun: string;
}): LinkKind {
  const { physical, wireless, devtype, type, tun } = facts;
  if (wireless || devtype === 'wlan') return 'wifi';
  if (devtype === 'wwan') return 'cellular';
  if (!physical) {
    // A tap carries frames, as for a VM; a tun carries packets, as for a VPN.
    if (tun !== '') return type === ETHER ? 'virtual' : 'vpn';
    if (devtype === 'wireguard' || TUNNELS.includes(type)) return 'vpn';
    return type === ETHER || type === LOOPBACK ? 'virtual' : 'other';
  }
  return type === ETHER && (devtype === undefined || devtype === '') ? 'ethernet' : 'other';
}

/** Every interface but the loopback. */
export async function interfaceNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => isInterfaceName(name) && name !== 'lo');
}
