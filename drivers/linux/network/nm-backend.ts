/**
 * The interfaces that NetworkManager configures. Its state is read before and after the fields: it keeps the same objects
 * while a connection goes down and empties them one by one, and what was read in the middle of that is nobody's address.
 */

import { isUnlockdError } from '../../base/errors.ts';
import type { HostInterface } from '../../hal/network.ts';
import type { BusOptions, BusSignal } from '../dbus/connection.ts';
import { dictOf } from '../dbus/values.ts';
import { type NmDevice, readDevice } from '../network-manager/device.ts';
import { NM_INTERFACE, NM_PATH } from '../network-manager/names.ts';
import { NetworkManager, type NmProperties } from '../network-manager/network-manager.ts';
import type { BackendEvent, IpBackend, ReadOptions } from './backend.ts';
import { isInterfaceName } from './host-text.ts';
import { disconnected, NM_SOURCE, type NmConfigs, nmInterface } from './nm-interface.ts';

const PROPERTIES = 'org.freedesktop.DBus.Properties';
const { device, ip4Config, ip6Config, dhcp4Config, manager } = NM_INTERFACE;
const READ_FROM: readonly unknown[] = [device, ip4Config, ip6Config, dhcp4Config];

/** Access points come and go, strengths and bit rates change: none of that wakes a reader of addresses. */
function isOfAddresses({ path, interface: name, member, body }: BusSignal): boolean {
  if (name === PROPERTIES) return member === 'PropertiesChanged' && READ_FROM.includes(body[0]);
  if (name === device) return member === 'StateChanged';
  return path === NM_PATH && name === manager && (member === 'DeviceAdded' || member === 'DeviceRemoved');
}

class NetworkManagerBackend implements IpBackend {
  readonly name = NM_SOURCE;
  readonly #manager: NetworkManager;

  constructor(options: BusOptions) {
    this.#manager = new NetworkManager(options);
  }

  get present(): boolean {
    return this.#manager.present;
  }

  looked(options: { readonly signal: AbortSignal }): Promise<void> {
    return this.#manager.looked(options);
  }

  listen(listener: (event: BackendEvent) => void): () => void {
    return this.#manager.listen((event) => {
      if (event.type !== 'signal') listener('replaced');
      else if (isOfAddresses(event.signal)) listener('changed');
    });
  }

  async read(options: ReadOptions): Promise<readonly HostInterface[]> {
    return await this.#manager.ofOneProcess(async () => {
      const paths = await this.#manager.devices(options);
      const read = await Promise.all(paths.map((path) => this.#interface(path, options)));
      return read.filter((each) => each !== null);
    });
  }

  /** Null: not one that NetworkManager configures. */
  async #interface(path: string, options: ReadOptions): Promise<HostInterface | null> {
    const before = await this.#unlessGone(readDevice(this.#manager, path, options));
    if (before === null || !before.managed || !isInterfaceName(before.name) || before.name === 'lo') return null;
    const { name } = before;
    const facts = await options.factsOf(name);
    if (!before.activated) return disconnected(name, facts);
    const configs = await this.#configs(before, options);
    const after = await this.#unlessGone(readDevice(this.#manager, path, options));
    return after !== null && isSame(before, after) ? nmInterface(name, facts, configs) : disconnected(name, facts);
  }

  async #configs({ ip4Config: ip4, ip6Config: ip6, dhcp4Config: dhcp4 }: NmDevice, options: ReadOptions) {
    const properties = (path: string | null, of: string): Promise<NmProperties | null> =>
      path === null ? Promise.resolve(null) : this.#unlessGone(this.#manager.properties(path, of, options));
    const [four, six, lease] = await Promise.all([
      properties(ip4, ip4Config),
      properties(ip6, ip6Config),
      properties(dhcp4, dhcp4Config),
    ]);
    const leaseOptions = lease === null ? null : dictOf(lease.get('Options') ?? [], 'Options');
    return { ip4: four, ip6: six, lease: leaseOptions } satisfies NmConfigs;
  }

  /** Null: the object went away while it was being read. */
  async #unlessGone<T>(work: Promise<T>): Promise<T | null> {
    try {
      return await work;
    } catch (error) {
      if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND') && this.#manager.present) return null;
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#manager.close();
  }
}

const isSame = (before: NmDevice, after: NmDevice): boolean =>
  after.activated &&
  after.managed &&
  after.name === before.name &&
  after.activeConnection === before.activeConnection &&
  after.ip4Config === before.ip4Config &&
  after.ip6Config === before.ip6Config &&
  after.dhcp4Config === before.dhcp4Config;

export const networkManagerBackend = (options: BusOptions): IpBackend => new NetworkManagerBackend(options);
