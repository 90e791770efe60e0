/**
 * Runs the guest once: QEMU without KVM, Debian's kernel as bzImage (booted as vmlinux it has no ACPI and one CPU), the
 * checkout and this Node shared read-only over 9p, and one folder that the guest writes its results into.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import type { Image } from './image.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface MachineOptions {
  readonly image: Image;
  /** Root of the checkout, with `dist` and `node_modules`; or an image of it, which is faster by far. */
  readonly project: string;
  /** Shell lines that the guest runs; they see `/project`, `/node/node` and `/out`. */
  readonly command: (paths: { readonly node: string }) => string;
  /** Of the guest. */
  readonly memoryMiB: number;
  readonly limitSeconds: number;
  /** Begins the name of the folder that it writes into. */
  readonly name: string;
  /** Files for the guest, by their names in `/out`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Further arguments of QEMU: devices. */
  readonly devices?: readonly string[];
}

export interface MachineRun extends Disposable {
  readonly verdict: Verdict;
  /** What the program printed. */
  readonly console: string;
  /** What the guest's kernel and its first programs printed. */
  readonly serial: string;
  /** A file that the guest left in `/out`; null: it did not. */
  readonly file: (name: string) => string | null;
  readonly folder: string;
}

export async function runMachine(options: MachineOptions): Promise<MachineRun> {
  const { image, project, memoryMiB, limitSeconds, devices = [], files = {} } = options;
  const out = mkdtempSync(join(tmpdir(), `unlockd-${options.name}-`));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, name), content);
  }
  const nonce = randomBytes(16).toString('hex');
  const node = realpathSync(process.execPath);
  writeFileSync(join(out, 'nonce'), nonce);
  writeFileSync(join(out, 'command'), options.command({ node: `/node/${basename(node)}` }));
  chmodSync(out, 0o755);
  const share = (tag: string, path: string, access: string) => [
    '-virtfs',
    `local,path=${path},mount_tag=${tag},security_model=none${access}`,
  ];
  const drive = (id: string, file: string) => ['-drive', `if=none,id=${id},file=${file},format=raw,readonly=on`];
  const arguments_ = [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-M', 'q35', '-smp', '2', '-m', String(memoryMiB)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-kernel', join(image.folder, 'vmlinuz'), '-initrd', join(image.folder, 'initramfs.gz')],
    ...[
      '-append',
      'console=ttyS0 quiet loglevel=3 panic=-1 oops=panic mitigations=off random.trust_cpu=on tsc=unstable clocksource=hpet',
    ],
    ...['-chardev', `file,id=serial,path=${join(out, 'serial.log')}`, '-serial', 'chardev:serial'],
    ...drive('root', join(image.folder, 'root.sqfs')),
    ...['-device', 'virtio-blk-pci,drive=root', '-device', 'virtio-rng-pci'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
    ...(statSync(project).isFile()
      ? [...drive('project', project), '-device', 'virtio-blk-pci,drive=project']
      : share('project', project, ',readonly=on,multidevs=remap')),
    ...share('node', dirname(node), ',readonly=on,multidevs=remap'),
    ...share('out', out, ''),
    ...devices,
  ];
  const { status, timedOut, words } = await ended(arguments_, limitSeconds);
  const file = (name: string): string | null => {
    const path = join(out, name);
    return existsSync(path) && statSync(path).isFile() ? readFileSync(path, 'utf8') : null;
  };
  const verdict = verdictOf({ qemuStatus: status, timedOut, statusFile: file('status'), nonce });
  return {
    verdict,
    console: `${words}${file('console.log') ?? ''}`,
    serial: file('serial.log') ?? '',
    file,
    folder: out,
    [Symbol.dispose]: () => rmSync(out, { recursive: true, force: true }),
  };
}

function ended(
  arguments_: readonly string[],
  limitSeconds: number,
): Promise<{ status: number | null; timedOut: boolean; words: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('qemu-system-x86_64', arguments_, { stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        words = (words + text).slice(-10_000);
      });
    }
    const end = () => child.kill('SIGKILL');
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, limitSeconds * 1000);
    process.once('exit', end);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status) => {
      clearTimeout(timer);
      process.removeListener('exit', end);
      resolve({ status, timedOut, words });
    });
  });
}
