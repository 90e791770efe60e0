/**
 * Makes the guest's kernel and root file system: Debian's own kernel, unpacked and never installed, and a small root made
 * by mmdebstrap from this host's apt sources, as a squashfs. It needs root and the network, and takes one to three minutes.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, cpioArchive } from './cpio.ts';

/** What a guest has, beyond Debian's essential packages and what {@link BASE_PACKAGES} says. */
export interface Recipe {
  readonly packages: readonly string[];
  /** Kernel modules that it may load, by name; what they need comes along. */
  readonly modules: readonly string[];
}

/** What every guest needs: to start, and to run Node. */
const BASE_PACKAGES = ['busybox-static', 'iproute2', 'kmod', 'libgcc-s1', 'libstdc++6', 'mount'];
/** What the root file system needs. */
const BOOT_MODULES = ['virtio_pci', 'virtio_blk', 'squashfs', 'overlay', '9pnet_virtio', '9p'];
export const FILES = ['vmlinuz', 'initramfs.gz', 'root.sqfs'] as const;
/** The first programs, of the initramfs and of the root file system. */
export const INIT = 'init';
export const FIRST = 'guest-init';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
export const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

function run(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status === 0) return stdout;
  const last = (stderr ?? '').trim().split('\n').slice(-5).join('\n');
  throw new Error(`${command} ${args[0] ?? ''} failed (${error?.message ?? `status ${status}`}): ${last}`);
}

/** What this host lacks to make an image, in words; null: nothing. */
export function missingForBuild(): string | null {
  if (process.arch !== 'x64') return `the guest is one for amd64, this machine is ${process.arch}`;
  if (process.getuid?.() !== 0) return 'making the image needs root';
  const programs = ['apt-get', 'dpkg-deb', 'mmdebstrap', 'mksquashfs', 'xz', 'chroot'];
  const absent = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  return absent.length === 0 ? null : `missing programs: ${absent.join(', ')}`;
}

/** Makes an image in `work`/image. @returns the exact name of its kernel */
export function makeImage(work: string, asked: string, recipe: Recipe, say: (line: string) => void): string {
  const image = join(work, 'image');
  const root = join(work, 'root');
  mkdirSync(image);
  const { name, version } = unpackKernel(work, asked, say);
  const packages = [...BASE_PACKAGES, ...recipe.packages];
  say(`root file system with ${packages.join(', ')}`);
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (codename === undefined) throw new Error('/etc/os-release names no Debian release');
  const include = `--include=${packages.join(',')}`;
  // It is thrown away when this machine stops meanwhile: nothing has to be on the disk before the next file.
  const hasty = '--dpkgopt=force-unsafe-io';
  run('mmdebstrap', ['--quiet', '--variant=essential', hasty, include, codename, root, ...aptSources()]);
  const boot = installModules(work, root, version, recipe.modules);
  writeFileSync(join(image, 'initramfs.gz'), initramfs(root, boot));
  cpSync(here(FIRST), join(root, 'usr/sbin', FIRST), { mode: 0 });
  run('chmod', ['755', join(root, 'usr/sbin', FIRST)]);
  say('squashfs');
  const without = ['boot', 'var/cache', 'var/lib/apt', 'usr/share/doc', 'usr/share/man', 'usr/share/locale'];
  const compression = ['-comp', 'zstd', '-Xcompression-level', '3'];
  const quiet = ['-noappend', '-quiet', '-no-progress'];
  run('mksquashfs', [root, join(image, 'root.sqfs'), ...compression, ...quiet, '-e', ...without]);
  renameSync(join(work, `kernel/boot/vmlinuz-${version}`), join(image, 'vmlinuz'));
  const sha256 = Object.fromEntries(FILES.map((file) => [file, digest(readFileSync(join(image, file)))]));
  writeFileSync(join(image, 'manifest.json'), JSON.stringify({ kernel: name, sha256 }, null, 2));
  return name;
}

/** Exact names only: apt takes a part of a name for a pattern. */
const EXACT = /^linux-image-\d+\.\d+\.\d\S*-amd64$/;

/** The kernel that a package is or depends on, by its exact name; null: apt knows none. */
export function exactKernel(asked: string): string | null {
  if (EXACT.test(asked)) return asked;
  const { stdout } = spawnSync('apt-cache', ['depends', asked], { encoding: 'utf8' });
  const names = (stdout ?? '').split('\n').map((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1] ?? '');
  return names.find((name) => EXACT.test(name)) ?? null;
}

function unpackKernel(work: string, asked: string, say: (line: string) => void): { name: string; version: string } {
  const name = exactKernel(asked);
  if (name === null) throw new Error(`apt knows no kernel ${asked}`);
  say(`kernel ${name}`);
  const download = join(work, 'download');
  mkdirSync(download);
  run('apt-get', ['-o', 'APT::Sandbox::User=root', '-qq', 'download', name], download);
  const [file] = readdirSync(download);
  if (file === undefined) throw new Error(`${name} was not downloaded`);
  run('dpkg-deb', ['-x', join(download, file), join(work, 'kernel')]);
  return { name, version: name.slice('linux-image-'.length) };
}

/** The apt sources of this host, in either format. */
function aptSources(): string[] {
  const parts = '/etc/apt/sources.list.d';
  const listed = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const files = ['/etc/apt/sources.list', ...listed.map((name) => join(parts, name))];
  return files.filter((file) => existsSync(file) && statSync(file).size > 0);
}

/** Leaves in the root only the modules that the guest loads. @returns those of the boot, in their order */
function installModules(work: string, root: string, version: string, wanted: readonly string[]): string[] {
  const target = join(root, 'usr/lib/modules', version);
  mkdirSync(dirname(target), { recursive: true });
  const whole = join(work, 'kernel/lib/modules', version);
  renameSync(whole, target);
  const inRoot = (...command: string[]) => run('chroot', [root, ...command]);
  inRoot('depmod', version);
  const files = (names: readonly string[]) => {
    const lines = inRoot('modprobe', '-S', version, '-a', '--show-depends', ...names).split('\n');
    const paths = lines.map((line) => /^insmod (\S+)/.exec(line)?.[1]).filter((path) => path !== undefined);
    return [...new Set(paths)];
  };
  const boot = files(BOOT_MODULES);
  const kept = new Set([...boot, ...files(wanted)].map((path) => join(root, path.replace(/^\/lib/, '/usr/lib'))));
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && /\.ko(\.\w+)?$/.test(entry.name) && !kept.has(path)) rmSync(path);
  }
  // Unpacking them here takes a moment, in the guest seconds.
  const packed = [...kept].filter((path) => path.endsWith('.xz'));
  if (packed.length > 0) run('xz', ['--decompress', ...packed]);
  inRoot('depmod', version);
  return boot.map((path) => join(root, path.replace(/\.xz$/, '')));
}

function initramfs(root: string, modules: readonly string[]): Buffer {
  const folders = ['bin', 'modules', 'proc', 'sys', 'dev', 'lower', 'upper', 'root'];
  const file = (path: string, content: Uint8Array | string): CpioEntry => ({
    path,
    mode: 0o755,
    content: Buffer.from(content),
  });
  const entries: CpioEntry[] = folders.map((path) => ({ path, mode: 0o755, content: null }));
  entries.push(file('bin/busybox', readFileSync(join(root, 'bin/busybox'))));
  entries.push(file('init', readFileSync(here(INIT))));
  for (const path of modules) entries.push(file(`modules/${basename(path)}`, readFileSync(path)));
  entries.push(file('modules/order', `${modules.map((path) => basename(path)).join('\n')}\n`));
  return gzipSync(cpioArchive(entries), { level: 1 });
}
