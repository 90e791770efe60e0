/**
 * A machine and a network that exist only in namespaces: `uplink` of the machine is a veth pair's end, the other end is a
 * router with dnsmasq behind it (DHCPv4, DHCPv6, router advertisements). Made by the test, gone with its processes: each
 * of them dies with the process that started it. Needs root.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingCommand } from '../umockdev/bridge.ts';

export const UPLINK = 'uplink';

/** What is missing on this machine, for the title of what is skipped; null: nothing. */
export function missingForLab(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'network namespaces need root: run it as root';
  }
  return missingCommand('dnsmasq', 'dnsmasq-base') ?? missingCommand('ip', 'iproute2');
}

/** What the network serves; those of {@link WARD} if not said. */
export interface Served {
  readonly router4: string;
  readonly router6: string;
  readonly range4: string;
  readonly range6: string;
  readonly dns4: string;
  readonly dns6: string;
  readonly domain: string;
}

export const WARD: Served = {
  router4: '192.0.2.1',
  router6: '2001:db8:1::1',
  range4: '192.0.2.50,192.0.2.50,255.255.255.0,2m',
  range6: '2001:db8:1::100,2001:db8:1::100,64,2m',
  dns4: '192.0.2.53',
  dns6: '2001:db8:1::53',
  domain: 'ward.clinic.example',
};

/**
 * Runs a program until it ends, or until nobody holds the other end of this shell's standard input: whatever happens to
 * the test, nothing of it stays behind. (PR_SET_PDEATHSIG would not do: a daemon that gives up root loses it.)
 */
const KEEPER =
  'exec 3<&0; "$@" 3<&- & child=$!; { cat >/dev/null; kill -9 $child; } <&3 2>/dev/null & exec 3<&-; wait $child';

/** A program that was started and goes on by itself. */
export class Started {
  readonly #keeper: ChildProcess;
  readonly #gone: Promise<unknown>;
  /** What it has printed, both ways; the newest part. */
  said = '';

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#keeper = spawn('sh', ['-c', KEEPER, 'sh', ...argv], { env: { ...process.env, ...env } });
    this.#gone = once(this.#keeper, 'exit');
    for (const stream of [this.#keeper.stdout, this.#keeper.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.said = `${this.said}${chunk.toString()}`.slice(-4000);
        this.#onSaid();
      });
    }
    this.#keeper.stdin?.on('error', () => undefined);
  }

  #onSaid: () => void = () => undefined;

  /** Waits until it has said so. */
  async until(text: string): Promise<void> {
    let ended = false;
    while (!this.said.includes(text)) {
      if (ended) throw new Error(`it ended: ${this.said}`);
      const more = new Promise<void>((resolve) => {
        this.#onSaid = resolve;
      });
      await Promise.race([
        more,
        this.#gone.then(() => {
          ended = true;
        }),
      ]);
    }
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#keeper.stdin?.end();
    await this.#gone;
  }
}

/** What the machine does not share with this one: empty there. */
const OWN = ['/etc/NetworkManager', '/etc/systemd/network', '/var/lib/NetworkManager', '/var/lib/dhcp'];

export class NetworkLab implements AsyncDisposable {
  readonly folder: string;
  readonly #started: Started[] = [];
  #machine = '';
  #router = '';
  #dnsmasq: Started | null = null;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(served: Served | null = WARD): Promise<NetworkLab> {
    const lab = new NetworkLab(await mkdtemp(join(tmpdir(), 'unlockd-netlab-')));
    try {
      await lab.#makeNamespaces();
      if (served !== null) await lab.serve(served);
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #makeNamespaces(): Promise<void> {
    const own = join(this.folder, 'own');
    await mkdir(own);
    const overlay = (path: string, name: string) =>
      `mkdir ${own}/${name} ${own}/${name}-work && ` +
      `mount -t overlay -o lowerdir=${path},upperdir=${own}/${name},workdir=${own}/${name}-work own ${path}`;
    const script = [
      // What is written on top of the real folders stays in a file system that only this namespace has.
      `mount -t tmpfs -o mode=755 own ${own}`,
      overlay('/etc', 'etc'),
      overlay('/var/lib', 'lib'),
      'mount -t tmpfs -o mode=755 own /run && mkdir -p /run/systemd/netif/links',
      // systemd-networkd gives up root before it writes there.
      '{ chown -R systemd-network: /run/systemd/netif || true; } 2>/dev/null',
      ...OWN.map((path) => `mkdir -p ${path} && mount -t tmpfs -o mode=755 own ${path}`),
      // As in a container: NetworkManager does not wait for udev then.
      'mount -t sysfs -o ro sysfs /sys',
      'ip link set lo up && echo ready $$ && exec sleep 600',
    ].join(' && ');
    this.#machine = await this.#namespace(['--net', '--mount', '--propagation', 'private'], script);
    // Daemons write to these two. Were they this machine's own, a DHCP client would leave it without name servers.
    const isOwn = '[ "$(stat -f -c %T /etc /var/lib | uniq)" = overlayfs ]';
    await this.run('sh', '-c', `${isOwn} || { echo "/etc or /var/lib is that of this machine" >&2; exit 1; }`);
    this.#router = await this.#namespace(['--net'], 'ip link set lo up && echo ready $$ && exec sleep 600');
    await this.run('ip', 'link', 'add', UPLINK, 'type', 'veth', 'peer', 'name', 'served', 'netns', this.#router);
    // Nobody else is on the link, and finding that out takes seconds.
    const noDad = (name: string) => ['sh', '-c', `echo 0 > /proc/sys/net/ipv6/conf/${name}/accept_dad`];
    await this.run(...noDad(UPLINK));
    await this.runOnRouter(...noDad('served'));
  }

  /** @returns the number of a process in it */
  async #namespace(flags: readonly string[], script: string): Promise<string> {
    const holder = this.#start(['unshare', ...flags, 'sh', '-c', script]);
    await holder.until('\n');
    const [, pid] = /^ready (\d+)$/m.exec(holder.said) ?? [];
    if (pid === undefined) throw new Error(`no namespace: ${holder.said}`);
    return pid;
  }

  #start(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
    const started = new Started(argv, env);
    this.#started.push(started);
    return started;
  }

  #in(namespace: string): readonly string[] {
    // Its root too: where the test itself runs in a chroot, the root of the mount namespace is that of the host.
    return ['nsenter', '-t', namespace, '-n', ...(namespace === this.#machine ? ['-m', '-r', '-w'] : [])];
  }

  /** The network interfaces of the machine, as its kernel tells. */
  get sysClassNet(): string {
    return `/proc/${this.#machine}/root/sys/class/net`;
  }

  /** A file of the machine. */
  file(path: string): string {
    return `/proc/${this.#machine}/root${path}`;
  }

  /** A program `ip` that asks the machine's kernel. */
  async ipProgram(): Promise<string> {
    const path = join(this.folder, 'ip');
    await writeFile(path, `#!/bin/sh\nexec /usr/bin/nsenter -t ${this.#machine} -n /bin/ip "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }

  /** Starts a daemon on the machine. */
  startOnMachine(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
    return this.#start([...this.#in(this.#machine), ...argv], env);
  }

  /** Runs a command on the machine until it ends. */
  run(...argv: readonly string[]): Promise<void> {
    return finished([...this.#in(this.#machine), ...argv]);
  }

  runOnRouter(...argv: readonly string[]): Promise<void> {
    return finished([...this.#in(this.#router), ...argv]);
  }

  /** Plugs the cable into a router that serves this, instead of what was served before. */
  async serve(served: Served): Promise<void> {
    await this.#dnsmasq?.kill();
    for (const each of [
      ['ip', 'addr', 'flush', 'dev', 'served'],
      ['ip', 'addr', 'add', `${served.router4}/24`, 'dev', 'served'],
      ['ip', '-6', 'addr', 'add', `${served.router6}/64`, 'dev', 'served', 'nodad'],
      ['ip', 'link', 'set', 'served', 'up'],
    ]) {
      await this.runOnRouter(...each);
    }
    this.#dnsmasq = this.#start([
      ...this.#in(this.#router),
      ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-hosts', '--no-resolv', '--port=0'],
      ...['--interface=served', '--bind-interfaces', '--user=root', '--pid-file=', '--dhcp-authoritative', '--no-ping'],
      ...['--enable-ra', '--ra-param=served,4,60', `--dhcp-leasefile=${join(this.folder, 'leases')}`],
      ...[`--dhcp-range=${served.range4}`, `--dhcp-range=${served.range6}`, '--log-facility=-'],
      ...[`--dhcp-option=option:dns-server,${served.dns4}`, `--dhcp-option=option6:dns-server,[${served.dns6}]`],
      ...[`--dhcp-option=option:domain-name,${served.domain}`, `--domain=${served.domain}`],
    ]);
    await this.#dnsmasq.until('router advertisement on');
  }

  /** Pulls the cable at the other end, or plugs it in again. */
  cable(plugged: boolean): Promise<void> {
    return this.runOnRouter('ip', 'link', 'set', 'served', plugged ? 'up' : 'down');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const started of this.#started.toReversed()) await started.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function finished(argv: readonly string[]): Promise<void> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${said}`);
}
