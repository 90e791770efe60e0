/**
 * The links that systemd-networkd configures. Each is described in one reply, so nothing of two moments is mixed. Its
 * signals tell of states only; that an address or a route changed, the kernel tells.
 */
import { isUnlockdError } from '../../base/errors.ts';
import type { HostInterface } from '../../hal/network.ts';
import { BusService } from '../dbus/bus-service.ts';
import type { BusOptions } from '../dbus/connection.ts';
import { listOf, textOf } from '../dbus/values.ts';
import type { BackendEvent, IpBackend, ReadOptions } from './backend.ts';
import { parseJson } from './json.ts';
import { NETWORKD_SOURCE, networkdLink } from './networkd-link.ts';

const NAME = 'org.freedesktop.network1';
const PATH = '/org/freedesktop/network1';
const LINK = 'org.freedesktop.network1.Link';
/** A container host has hundreds of links; more than this are not looked at. */
const MAX_LINKS = 256;

class NetworkdBackend implements IpBackend {
  readonly name = NETWORKD_SOURCE;
  readonly #service: BusService;

  constructor(options: BusOptions) {
    this.#service = new BusService({ ...options, name: NAME });
  }

  get present(): boolean {
    return this.#service.present;
  }

  looked(options: { readonly signal: AbortSignal }): Promise<void> {
    return this.#service.looked(options);
  }

  listen(listener: (event: BackendEvent) => void): () => void {
    return this.#service.listen(({ type }) => listener(type === 'signal' ? 'changed' : 'replaced'));
  }

  async read(options: ReadOptions): Promise<readonly HostInterface[]> {
    const call = { path: PATH, interface: `${NAME}.Manager`, member: 'ListLinks' };
    const [rows] = await this.#service.call(call, options);
    const paths = listOf(rows, 'ListLinks').map((row) => textOf(listOf(row, 'ListLinks')[2], 'ListLinks'));
    const read = await Promise.all(paths.slice(0, MAX_LINKS).map((path) => this.#link(path, options)));
    return read.filter((each) => each !== null);
  }

  /** Null: not one that networkd configures, or one that has just gone. */
  async #link(path: string, options: ReadOptions): Promise<HostInterface | null> {
    try {
      const [text] = await this.#service.call({ path, interface: LINK, member: 'Describe' }, options);
      const link = networkdLink(parseJson(textOf(text, 'Describe'), NETWORKD_SOURCE));
      return link.managed ? link.as(await options.factsOf(link.name)) : null;
    } catch (error) {
      if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND') && this.#service.present) return null;
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#service.close();
  }
}

export const networkdBackend = (options: BusOptions): IpBackend => new NetworkdBackend(options);
