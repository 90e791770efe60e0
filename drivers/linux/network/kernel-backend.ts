/**
 * The interfaces that no daemon which we know configures: addresses and routes from the kernel, the DHCP server from
 * dhclient's lease, name servers from the lease or, where it is plain whose they are, from resolv.conf.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { FieldSource, HostInterface, HostIpFamily, Sourced } from '../../hal/network.ts';
import type { ReadOptions } from './backend.ts';
import { type DhclientLease, leaseIn, readLeases } from './dhclient-leases.ts';
import { sourced } from './host-text.ts';
import { type KernelFamily, type KernelLink, kernelLinks } from './ip-json.ts';
import { askIp, findIp } from './ip-program.ts';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';

export const KERNEL_SOURCE = 'kernel';
const LEASE_SOURCE = 'DHCP via dhclient';
export const RESOLV_SOURCE = 'resolv.conf';

/** Longer than any resolver reads. */
const MAX_RESOLV_LENGTH = 64 * 1024;

export interface KernelOptions {
  readonly clock: Clock;
  /** Absolute paths where the program `ip` may be, the first that runs is taken. */
  readonly ipPrograms: readonly string[];
  readonly resolvConf: string;
  readonly leaseFolders: readonly string[];
}

/** What resolv.conf says; empty: it is not there, or too large. */
export async function resolvText(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.length > MAX_RESOLV_LENGTH ? '' : text;
}

export class KernelBackend {
  readonly name = KERNEL_SOURCE;
  readonly #options: KernelOptions;

  constructor(options: KernelOptions) {
    this.#options = options;
  }

  /** Where `ip` is; null: it is not installed, and nothing can be read. */
  program(): Promise<string | null> {
    return findIp(this.#options.ipPrograms);
  }

  /**
   * Every interface of the kernel but the loopback.
   * @param shared somebody else configures interfaces too, so the servers in resolv.conf may be of those
   * @throws as `IpHal.read`
   */
  async read({ signal, factsOf }: ReadOptions, shared: boolean): Promise<readonly HostInterface[]> {
    const program = await this.program();
    if (program === null) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'the program ip (iproute2) is not installed');
    const ask = (...args: readonly string[]) => askIp(program, args, { signal });
    const [routes4, routes6] = await Promise.all([ask('-j', '-4', 'route'), ask('-j', '-6', 'route')]);
    // Last, so that no address is told that has gone before its routes were read.
    const links = kernelLinks({ links: await ask('-j', 'addr'), routes4, routes6 });
    const leases = await readLeases(this.#options.leaseFolders);
    const ways = links.filter(({ up, ipv4, ipv6 }) => up && ipv4.gateways.length + ipv6.gateways.length > 0);
    const resolv = await resolvText(this.#options.resolvConf);
    return await Promise.all(
      links.map(async (link): Promise<HostInterface> => {
        const only = !shared && ways.length === 1 && ways[0] === link;
        const facts = await factsOf(link.name);
        return this.#interface(link, facts, { leases, resolv: only ? parseResolvConf(resolv, link.name) : null });
      }),
    );
  }

  #interface(
    link: KernelLink,
    facts: Pick<HostInterface, 'kind' | 'physical'>,
    files: { readonly leases: readonly string[]; readonly resolv: ResolvConf | null },
  ): HostInterface {
    const { name, up } = link;
    const now = this.#options.clock.wall();
    const lease =
      files.leases
        .map((text) => leaseIn(text, name, now))
        .find((each) => each !== null && link.dynamic.includes(each.address)) ?? null;
    const { resolv } = files;
    return {
      name,
      ...facts,
      connected: up,
      ipv4: family(link.ipv4, {
        dhcpServers: lease?.server == null ? null : sourced([lease.server], LEASE_SOURCE),
        dnsServers: told(lease?.dnsServers, LEASE_SOURCE) ?? told(resolv?.servers4, RESOLV_SOURCE),
      }),
      ipv6: family(link.ipv6, { dhcpServers: null, dnsServers: told(resolv?.servers6, RESOLV_SOURCE) }),
      dnsSuffixes: suffixes(lease, resolv),
    };
  }
}

/** Null: a list that is empty, or that nobody has, tells nothing here; there may be servers that no file names. */
const told = (values: readonly string[] | undefined, source: FieldSource): Sourced<readonly string[]> | null =>
  values === undefined || values.length === 0 ? null : sourced(values, source);

const suffixes = (lease: DhclientLease | null, resolv: ResolvConf | null) =>
  told(lease?.suffixes, LEASE_SOURCE) ?? told(resolv?.suffixes, RESOLV_SOURCE);

const family = (
  { addresses, gateways }: KernelFamily,
  servers: Pick<HostIpFamily, 'dhcpServers' | 'dnsServers'>,
): HostIpFamily => ({
  addresses: sourced(addresses, KERNEL_SOURCE),
  gateways: sourced(gateways, KERNEL_SOURCE),
  ...servers,
});
