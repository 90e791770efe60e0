/**
 * The Wi-Fi of a Linux host: NetworkManager for the interfaces that it manages, wpa_supplicant for the others and as a
 * witness of what was negotiated and of the certificates of a login, node-wifi where neither is on the bus. What is there
 * is looked at anew at every reading.
 */
import { type Milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { UnlockdError } from '../../base/errors.ts';
import type { NetworkEvent, WifiHal, WifiLink, WifiSnapshot } from '../../hal/network.ts';
import { SYSTEM_BUS } from '../dbus/address.ts';
import type { BusServiceEvent } from '../dbus/bus-service.ts';
import { NetworkManager } from '../network-manager/network-manager.ts';
import { NmLinks } from './nm-links.ts';
import { askNodeWifi, type NodeWifiPlace } from './node-wifi.ts';
import { isWorthALook } from './wake.ts';
import { watchWifi } from './watch.ts';
import { wpaLink } from './wpa-links.ts';
import { type WpaInterface, WpaSupplicant } from './wpa-supplicant.ts';

export interface LinuxWifiOptions {
  /** Address of the bus; the system bus. */
  readonly bus?: string;
  readonly clock?: Clock;
  /** Longest time of one call. */
  readonly within?: Milliseconds;
  readonly nodeWifi?: NodeWifiPlace;
}

type Waiting = { readonly signal: AbortSignal };

const WITHIN = seconds(5);
const MAX_LINKS = 16;

class LinuxWifi implements WifiHal {
  readonly name = 'Wi-Fi of Linux';
  readonly simulated = false;
  readonly #clock: Clock;
  readonly #manager: NetworkManager;
  readonly #wpa: WpaSupplicant;
  readonly #links: NmLinks;
  readonly #askLastResort: (options: Waiting) => Promise<readonly WifiLink[] | null>;
  #inUse: ReadonlySet<string> = new Set();

  constructor({ bus = SYSTEM_BUS, clock = systemClock, within = WITHIN, nodeWifi = {} }: LinuxWifiOptions) {
    const options = { address: bus, clock, within };
    this.#clock = clock;
    this.#manager = new NetworkManager(options);
    this.#wpa = new WpaSupplicant(options);
    this.#links = new NmLinks(this.#manager, clock);
    this.#askLastResort = (waiting) => askNodeWifi({ ...nodeWifi, clock, within }, waiting);
  }

  async read(options: Waiting): Promise<WifiSnapshot> {
    await Promise.all([this.#manager.looked(options), this.#wpa.looked(options)]);
    options.signal.throwIfAborted();
    if (!this.#manager.present && !this.#wpa.present) return await this.#weakly(options);
    return await this.#wpa.ofOneProcess(() => this.#manager.ofOneProcess(() => this.#read(options)));
  }

  async #weakly(options: Waiting): Promise<WifiSnapshot> {
    const at = this.#clock.now();
    let cause: unknown;
    try {
      const links = await this.#askLastResort(options);
      if (links !== null) return { at, present: true, links };
    } catch (error) {
      options.signal.throwIfAborted();
      cause = error;
    }
    const why = 'neither NetworkManager nor wpa_supplicant is on the bus';
    throw new UnlockdError('ERR_HAL_NOT_FOUND', why, cause === undefined ? {} : { cause });
  }

  async #read(options: Waiting): Promise<WifiSnapshot> {
    const devices = this.#manager.present ? await this.#links.devices(options) : [];
    const faces = await this.#faces(options);
    const managed = devices.filter((device) => device.managed);
    const others = faces.filter(({ radio, name }) => radio && !managed.some((device) => device.name === name));
    const at = this.#clock.now();
    const links = await Promise.all([
      ...managed.map((device) => {
        const face = faces.find(({ name }) => name === device.name);
        return this.#links.link(device, face === undefined ? null : { wpa: this.#wpa, face }, options);
      }),
      ...others.map((face) => wpaLink(this.#wpa, face, options)),
    ]);
    const standing = links.filter((link) => link !== null).slice(0, MAX_LINKS);
    this.#inUse = new Set(standing.flatMap(({ point }) => point));
    return { at, present: devices.length + others.length > 0, links: standing.map(({ link }) => link) };
  }

  /** Interfaces of wpa_supplicant. Beside NetworkManager it is a witness, without which less is known. */
  async #faces(options: Waiting): Promise<readonly WpaInterface[]> {
    if (!this.#wpa.present) return [];
    try {
      return await this.#wpa.interfaces(options);
    } catch (error) {
      if (options.signal.aborted || !this.#manager.present) throw error;
      return [];
    }
  }

  watch({ signal }: Waiting): AsyncIterable<NetworkEvent> {
    return watchWifi(
      {
        looked: async () => {
          await Promise.all([this.#manager.looked({ signal }), this.#wpa.looked({ signal })]);
        },
        present: () => this.#manager.present || this.#wpa.present,
        lastResort: async () => (await this.#askLastResort({ signal }).catch(() => null)) !== null,
        listen: (told: (event: BusServiceEvent) => void) => {
          const stops = [this.#manager, this.#wpa].map((service) => service.listen(told));
          return () => {
            for (const stop of stops) stop();
          };
        },
        matters: (sent) => isWorthALook(sent, this.#inUse),
      },
      signal,
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#manager.close(), this.#wpa.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The Wi-Fi part of a Linux machine. Connects by itself, now and whenever the bus comes back; never throws for that. */
export const linuxWifi = (options: LinuxWifiOptions = {}): WifiHal => new LinuxWifi(options);
