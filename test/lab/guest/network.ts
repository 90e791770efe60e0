/**
 * The networks of the guest: the real NetworkManager, with udev as it wants it. What is beyond the machine (the other end of
 * the cable, access points, DHCP) is in a network namespace of its own, so that everything really crosses the wire or the air.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { HandedOut } from '../../../drivers/hal/operator.ts';
import { until } from '../../radio/guest/world.ts';
import { ask, Service } from './programs.ts';

export const BEYOND = 'beyond';
export const WIRED = 'eth0';
const SERVED = 'served';
const PROFILES = '/etc/NetworkManager/system-connections';
const PROFILE = 'cable';
const READY_SECONDS = 120;

const NM_SETTINGS = `[main]
plugins=keyfile
dhcp=internal
auth-polkit=false
no-auto-default=*
[device]
wifi.scan-rand-mac-address=no
[device-${WIRED}]
match-device=interface-name:${WIRED}
managed=1
[connectivity]
enabled=false
`;

const CABLE_PROFILE = `[connection]
id=${PROFILE}
uuid=3f0b7f6e-6e1a-4c36-9f4c-0d6a5a1f2c01
type=ethernet
interface-name=${WIRED}
autoconnect=true
[ipv4]
method=auto
[ipv6]
method=disabled
`;

/** In the namespace. */
export const beyond = (...command: readonly string[]): Promise<string> =>
  ask('ip', 'netns', 'exec', BEYOND, ...command);
export const beyondCommand = (...command: readonly string[]): readonly string[] => [
  ...['ip', 'netns', 'exec', BEYOND],
  ...command,
];

/** A profile as NetworkManager reads it: root's own, and nobody else's to see. */
export function writeProfile(name: string, text: string): void {
  writeFileSync(`${PROFILES}/${name}.nmconnection`, text, { mode: 0o600 });
}

export const nmcli = (...args: readonly string[]): Promise<string> => ask('nmcli', '--terse', ...args);

export class Network implements AsyncDisposable {
  readonly #networks: Map<string, HandedOut>;
  readonly #manager = new Service('NetworkManager', ['NetworkManager', '--no-daemon']);
  readonly #udev = new Service('udevd', ['/lib/systemd/systemd-udevd']);
  #dhcp: Service | null = null;
  #cable: string | null = null;

  constructor(networks: Readonly<Record<string, HandedOut>>) {
    this.#networks = new Map(Object.entries(networks));
  }

  /** Whether the machine has a wired interface. */
  get hasCable(): boolean {
    return this.#networks.size > 0;
  }

  /** Devices first: `before` makes those of others. */
  async start(before: () => Promise<void>): Promise<void> {
    this.#udev.start();
    await until('udev', 30, () => existsSync('/run/udev/control'));
    await ask('ip', 'netns', 'add', BEYOND);
    await beyond('ip', 'link', 'set', 'lo', 'up');
    mkdirSync('/etc/NetworkManager/conf.d', { recursive: true });
    mkdirSync(PROFILES, { recursive: true, mode: 0o700 });
    writeFileSync('/etc/NetworkManager/conf.d/lab.conf', NM_SETTINGS);
    if (this.#networks.size > 0) {
      await ask('modprobe', 'veth');
      await ask('ip', 'link', 'add', WIRED, 'type', 'veth', 'peer', 'name', SERVED, 'netns', BEYOND);
      writeProfile(PROFILE, CABLE_PROFILE);
    }
    await before();
    await ask('udevadm', 'trigger', '--action=add', '--subsystem-match=net', '--subsystem-match=rfkill');
    await ask('udevadm', 'settle', '--timeout=15');
    await this.#startManager();
  }

  async #startManager(): Promise<void> {
    this.#manager.start();
    await until(
      'NetworkManager',
      READY_SECONDS,
      async () => (await nmcli('--fields', 'RUNNING', 'general')).trim() === 'running',
    );
  }

  async restart(): Promise<void> {
    await this.#manager.end();
    await this.#startManager();
  }

  /** Puts the cable of a network in, or pulls it out. */
  async plug(network: string | null): Promise<void> {
    if (this.#cable !== null) {
      await beyond('ip', 'link', 'set', SERVED, 'down');
      await this.#dhcp?.end();
      this.#dhcp = null;
    }
    this.#cable = network;
    if (network === null) return;
    await this.#serve(network);
    await beyond('ip', 'link', 'set', SERVED, 'up');
    await ask('ip', 'link', 'set', WIRED, 'up');
  }

  /** A machine that is on that network asks it anew. */
  async renumber(network: string, to: HandedOut): Promise<void> {
    this.#networks.set(network, to);
    if (this.#cable !== network) return;
    await this.#dhcp?.end();
    await this.#serve(network);
    await beyond('ip', 'link', 'set', SERVED, 'up');
    await nmcli('--wait', '60', 'connection', 'up', PROFILE);
  }

  /** Hands out just this one address, as the server that it is to be. */
  async #serve(network: string): Promise<void> {
    const handed = this.#networks.get(network);
    if (handed === undefined) throw new Error(`there is no network ${network}`);
    const { address, gateway, dhcpServer, dnsServers } = handed;
    const [ip = '', bits = ''] = address.split('/');
    await beyond('ip', 'addr', 'flush', 'dev', SERVED);
    for (const own of new Set([dhcpServer, gateway]))
      await beyond('ip', 'addr', 'add', `${own}/${bits}`, 'dev', SERVED);
    this.#dhcp = new Service('dhcp', [
      ...beyondCommand(
        'dnsmasq',
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--port=0',
        '--no-ping',
        '--log-dhcp',
      ),
      ...['--log-facility=-', '--dhcp-leasefile=/run/dhcp.leases', '--dhcp-authoritative'],
      ...[`--interface=${SERVED}`, '--bind-dynamic', `--dhcp-range=${ip},${ip},${netmask(Number(bits))},1h`],
      ...[`--dhcp-option=option:router,${gateway}`, `--dhcp-option=option:dns-server,${dnsServers.join(',')}`],
    ]);
    this.#dhcp.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#manager.end();
    await this.#dhcp?.end();
    await this.#udev.end('SIGKILL');
  }
}

/** Dotted. */
const netmask = (bits: number): string =>
  [24, 16, 8, 0].map((shift) => ((2 ** 32 - 2 ** (32 - bits)) / 2 ** shift) & 0xff).join('.');
