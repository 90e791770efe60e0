/**
 * The addresses of a Linux host. Each interface is asked of whoever configures it: NetworkManager, systemd-networkd, or
 * else the kernel itself, and never of two. Which that is, is found out anew at every reading, so a daemon that goes or
 * comes takes its word with it.
 */
import { readFile } from 'node:fs/promises';
import { type Milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { Doorbell } from '../../base/doorbell.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import type { FieldSource, HostInterface, IpHal, IpSnapshot, NetworkEvent, Sourced } from '../../hal/network.ts';
import { SYSTEM_BUS } from '../dbus/address.ts';
import type { BackendEvent, IpBackend, ReadOptions } from './backend.ts';
import { LEASE_FOLDERS } from './dhclient-leases.ts';
import { FileEvents } from './file-events.ts';
import { domainText, sourced } from './host-text.ts';
import { factsOf, type InterfaceFacts, interfaceNames, SYS_CLASS_NET } from './interface-facts.ts';
import { IP_PROGRAMS } from './ip-program.ts';
import { KERNEL_SOURCE, KernelBackend, RESOLV_SOURCE, resolvText } from './kernel-backend.ts';
import { KernelEvents } from './kernel-events.ts';
import { networkdBackend } from './networkd-backend.ts';
import { networkManagerBackend } from './nm-backend.ts';
import { parseResolvConf } from './resolv-conf.ts';

export interface LinuxIpOptions {
  /** Address of the bus; the system bus. */
  readonly bus?: string;
  readonly clock?: Clock;
  /** Longest time of one call to a daemon. */
  readonly within?: Milliseconds;
  /** Absolute paths where the program `ip` may be. */
  readonly ipPrograms?: readonly string[];
  /** Where the host keeps what is read from files; left out: where Linux has it. */
  readonly files?: Partial<HostFiles>;
}

export interface HostFiles {
  readonly sysClassNet: string;
  readonly resolvConf: string;
  /** The name of the machine. */
  readonly hostname: string;
  readonly leaseFolders: readonly string[];
  /** networkd rewrites a file of a link whenever its DNS servers change, which it tells in no signal. */
  readonly networkdLinks: string;
}

const FILES: HostFiles = {
  sysClassNet: SYS_CLASS_NET,
  resolvConf: '/etc/resolv.conf',
  hostname: '/proc/sys/kernel/hostname',
  leaseFolders: LEASE_FOLDERS,
  networkdLinks: '/run/systemd/netif/links',
};

const WITHIN = seconds(5);
/** Interfaces of a snapshot; those with a device come first. */
const MAX_INTERFACES = 64;
const MAX_LEFT = 1024;

type Waiting = { readonly signal: AbortSignal };
type Listener = (event: BackendEvent) => void;

class LinuxIp implements IpHal {
  readonly simulated = false;
  readonly #clock: Clock;
  readonly #files: HostFiles;
  readonly #daemons: readonly IpBackend[];
  readonly #kernel: KernelBackend;
  readonly #startKernelEvents: () => KernelEvents;
  readonly #startFileEvents: () => FileEvents;
  readonly #listeners = new Set<Listener>();
  readonly #stops: readonly (() => void)[];
  #kernelEvents: KernelEvents | null = null;
  #fileEvents: FileEvents | null = null;
  /** Whether the kernel has to tell of changes: nobody else tells of all of them. */
  #kernelTells = true;
  #sources: readonly FieldSource[] = [];
  #closed = false;

  constructor(options: LinuxIpOptions) {
    const { bus = SYSTEM_BUS, clock = systemClock, within = WITHIN, ipPrograms = IP_PROGRAMS } = options;
    this.#clock = clock;
    this.#files = { ...FILES, ...options.files };
    const { resolvConf, leaseFolders, networkdLinks, hostname } = this.#files;
    const service = { address: bus, clock, within };
    this.#daemons = [networkManagerBackend(service), networkdBackend(service)];
    this.#kernel = new KernelBackend({ clock, ipPrograms, resolvConf, leaseFolders });
    const wake = () => this.#tell('changed');
    this.#startKernelEvents = () => new KernelEvents({ clock, ipPrograms }, wake);
    const watched = { files: [resolvConf, hostname], folders: [...leaseFolders, networkdLinks] };
    this.#startFileEvents = () => new FileEvents(watched, wake);
    this.#stops = this.#daemons.map((daemon) => daemon.listen((event) => this.#tell(event)));
  }

  /** Whom the last reading asked. */
  get name(): string {
    return this.#sources.join(' and ') || 'Linux';
  }

  async read({ signal }: Waiting): Promise<IpSnapshot> {
    signal.throwIfAborted();
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the reader of addresses was closed');
    await this.#looked({ signal });
    const at = this.#clock.now();
    const known = new Map<string, Promise<InterfaceFacts>>();
    const facts = (name: string): Promise<InterfaceFacts> => {
      const found = known.get(name) ?? factsOf(name, this.#files.sysClassNet);
      known.set(name, found);
      return found;
    };
    const interfaces = new Map<string, HostInterface>();
    const sources: FieldSource[] = [];
    const add = (found: readonly HostInterface[], source: FieldSource) => {
      for (const each of found) if (!interfaces.has(each.name)) interfaces.set(each.name, each);
      sources.push(source);
    };
    for (const daemon of this.#daemons) {
      const found = daemon.present ? await unlessGone(daemon, { signal, factsOf: facts }) : null;
      if (found !== null) add(found, daemon.name);
    }
    const left = await this.#isLeft(interfaces, facts);
    const asksKernel = left || sources.length === 0;
    if (asksKernel) {
      const found = await this.#ofKernel({ signal, factsOf: facts }, sources.length > 0);
      if (found !== null) add(found, KERNEL_SOURCE);
    }
    this.#sources = sources;
    this.#letKernelTell(asksKernel || this.#daemons.some(({ name, present }) => present && name !== 'NetworkManager'));
    const all = [...interfaces.values()].sort((a, b) => Number(b.physical) - Number(a.physical));
    return { at, interfaces: all.slice(0, MAX_INTERFACES), primaryDnsSuffix: await this.#primarySuffix() };
  }

  /** Whether an interface with a device of its own is left that no daemon configures. */
  async #isLeft(
    interfaces: ReadonlyMap<string, HostInterface>,
    facts: (name: string) => Promise<InterfaceFacts>,
  ): Promise<boolean> {
    const names = await interfaceNames(this.#files.sysClassNet);
    const left = names.filter((name) => !interfaces.has(name)).slice(0, MAX_LEFT);
    return (await Promise.all(left.map(facts))).some(({ physical }) => physical);
  }

  /** Null: there is no program to ask it with, and a daemon has told what it knows. */
  async #ofKernel(options: ReadOptions, shared: boolean): Promise<readonly HostInterface[] | null> {
    try {
      return await this.#kernel.read(options, shared);
    } catch (error) {
      if (shared && isUnlockdError(error, 'ERR_HAL_NOT_FOUND')) return null;
      throw error;
    }
  }

  /** What follows the first dot of the machine's own name; else what its resolver takes for its domain. */
  async #primarySuffix(): Promise<Sourced<string> | null> {
    const name = (await readFile(this.#files.hostname, 'utf8').catch(() => '')).trim();
    const own = name.includes('.') ? domainText(name.slice(name.indexOf('.') + 1)) : null;
    if (own !== null) return sourced(own, 'host name');
    const { suffix } = parseResolvConf(await resolvText(this.#files.resolvConf), '');
    return suffix === null ? null : sourced(suffix, RESOLV_SOURCE);
  }

  async *watch({ signal }: Waiting): AsyncGenerator<NetworkEvent, void, undefined> {
    const pending = { reset: true, changed: false };
    using bell = new Doorbell(signal);
    const listener: Listener = (event) => {
      if (event === 'replaced') pending.reset = true;
      else pending.changed = true;
      bell.ring();
    };
    this.#listeners.add(listener);
    this.#letKernelTell(this.#kernelTells);
    try {
      await this.#looked({ signal });
      let told: boolean | null = null;
      while (!signal.aborted) {
        const { reset, changed } = pending;
        pending.reset = false;
        pending.changed = false;
        if (reset) {
          const can = await this.#canBeAsked();
          if (told === true) yield { type: 'unavailable', reason: 'daemon-gone' };
          else if (told === null && !can) yield { type: 'unavailable', reason: 'no-driver' };
          if (can) yield { type: 'available' };
          told = can;
        } else if (changed && told === true) yield { type: 'changed' };
        await bell.heard();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) await this.#endEvents();
    }
  }

  async #looked(options: Waiting): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.looked(options)));
  }

  async #canBeAsked(): Promise<boolean> {
    if (this.#closed) return false;
    return this.#daemons.some(({ present }) => present) || (await this.#kernel.program()) !== null;
  }

  /** The kernel is listened to only while somebody watches and nobody else tells of every change. */
  #letKernelTell(tells: boolean): void {
    this.#kernelTells = tells;
    if (this.#closed || this.#listeners.size === 0) return;
    this.#fileEvents ??= this.#startFileEvents();
    if (tells) this.#kernelEvents ??= this.#startKernelEvents();
    else void this.#endKernelEvents();
  }

  async #endKernelEvents(): Promise<void> {
    const events = this.#kernelEvents;
    this.#kernelEvents = null;
    await events?.[Symbol.asyncDispose]();
  }

  async #endEvents(): Promise<void> {
    const files = this.#fileEvents;
    this.#fileEvents = null;
    await Promise.all([this.#endKernelEvents(), files?.[Symbol.asyncDispose]()]);
  }

  #tell(event: BackendEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    await Promise.all([this.#endEvents(), ...this.#daemons.map((daemon) => daemon[Symbol.asyncDispose]())]);
    this.#tell('replaced');
  }
}

/** Null: the daemon went away meanwhile, and the next one has to be asked. */
async function unlessGone(daemon: IpBackend, options: ReadOptions): Promise<readonly HostInterface[] | null> {
  try {
    return await daemon.read(options);
  } catch (error) {
    if (daemon.present || options.signal.aborted || !isUnlockdError(error)) throw error;
    return null;
  }
}

/** The addresses of this Linux machine. Connects by itself, now and whenever the bus comes back; never throws for that. */
export const linuxIp = (options: LinuxIpOptions = {}): IpHal => new LinuxIp(options);
