/** The lab's image, and whether this machine can run it. */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Image, prepareImage } from './guest-image/image.ts';
import { LAB_RECIPE } from './recipe.ts';

/**
 * Debian 12 has two. The one that `linux-image-amd64` depends on there, 6.1, stops with a BUG in hci_chan_del when an L2CAP
 * connection fails (docs/guides/radio-test.md), so the other one is taken where there is one.
 */
export const KERNELS = ['linux-image-6.12-amd64', 'linux-image-amd64'] as const;

const DEVICES = ['isa-debug-exit', 'tpm-crb', 'virtio-blk-pci', 'virtio-rng-pci', 'virtio-9p-pci'];

/** Where images are kept. */
export const cacheFolder = (): string =>
  process.env.UNLOCKD_LAB_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'unlockd-lab');

/** What this machine lacks to run the guest, in words with the line that helps; null: nothing. */
export function missingForLab(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `the lab needs Linux on x86-64, this is ${process.platform} on ${process.arch}`;
  }
  const absent = ['qemu-system-x86_64', 'swtpm'].filter(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  );
  if (absent.length > 0) return `${absent.join(', ')} not found: apt-get install qemu-system-x86 swtpm`;
  const { stdout } = spawnSync('qemu-system-x86_64', ['-device', 'help'], { encoding: 'utf8', maxBuffer: 1 << 24 });
  const without = DEVICES.filter((device) => !stdout.includes(`name "${device}"`));
  return without.length === 0 ? null : `this QEMU lacks ${without.join(', ')}`;
}

/**
 * The image from the cache, or made now.
 * @param kernel a package of Debian; null: {@link KERNELS}
 * @throws an Error that says what is missing
 */
export function prepareLab(
  cache: string,
  options: { readonly kernel: string | null; readonly rebuild: boolean; readonly say: (line: string) => void },
): Image {
  const missing = missingForLab();
  if (missing !== null) throw new Error(missing);
  const { kernel, rebuild, say } = options;
  return prepareImage(cache, { kernels: kernel === null ? KERNELS : [kernel], recipe: LAB_RECIPE, rebuild, say });
}
