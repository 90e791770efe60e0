/** What the system itself tells of its hardware, and the one program that stops and starts its daemons. Linux. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Surface } from './hardware-options.ts';

const SYSTEMCTL_MS = 60_000;

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Where the kernel shows them: https://www.kernel.org/doc/Documentation/ABI/ (sysfs-class-bluetooth, sysfs-class-net).
 * @param root another place for `/dev` and `/sys`
 */
export function surfaceOfThisMachine(root = '/'): Surface {
  if (process.platform !== 'linux') return { tpm: null, bluetooth: null, wifi: null, ethernet: null };
  const net = join(root, 'sys/class/net');
  const isDevice = (name: string): boolean => existsSync(join(net, name, 'device'));
  const isWifi = (name: string): boolean => existsSync(join(net, name, 'phy80211'));
  return {
    tpm: existsSync(join(root, 'dev/tpmrm0')),
    bluetooth: entriesOf(join(root, 'sys/class/bluetooth')).length > 0,
    wifi: entriesOf(net).some(isWifi),
    // Loopback, bridges and the like have no device behind them.
    ethernet: entriesOf(net).some((name) => isDevice(name) && !isWifi(name)),
  };
}

/** @returns null when it did it, or why not */
export const systemctl = (args: readonly string[], { signal }: { signal: AbortSignal }): Promise<string | null> =>
  new Promise((resolve) => {
    execFile('systemctl', args, { timeout: SYSTEMCTL_MS, signal }, (error, _stdout, stderr) => {
      if (error === null) resolve(null);
      else if (error.code === 'ENOENT') resolve('there is no systemctl here');
      else resolve(stderr.trim().split('\n')[0] || error.message);
    });
  });
