/**
 * The links of the interfaces that NetworkManager manages. The access point is the one that it is associated with, never
 * one of the list; the profile is the one that was activated, not what its owner has made of it since.
 */
import { milliseconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { isUnlockdError } from '../../base/errors.ts';
import type { WifiLink } from '../../hal/network.ts';
import { numberOf } from '../dbus/values.ts';
import { type NmDevice, objectOf, readDevice } from '../network-manager/device.ts';
import { NM_INTERFACE, NM_TYPE_WIFI } from '../network-manager/names.ts';
import type { NetworkManager } from '../network-manager/network-manager.ts';
import { linkOf } from './link.ts';
import { accessPointOf, appliedProfile } from './nm-profile.ts';
import { negotiatedOf } from './security.ts';
import type { WpaInterface, WpaSupplicant } from './wpa-supplicant.ts';

type Waiting = { readonly signal: AbortSignal };

/** NM80211Mode: a station of an access point; others are ad hoc, a hotspot of this machine itself, a mesh. */
const MODE_INFRA = 2;
/** A roaming machine changes the access point while it is read. */
const TRIES = 3;
/** For a NetworkManager that starts: two seconds. */
const STARTING_LOOKS = 20;
const STARTING_PAUSE = milliseconds(100);

/** What wpa_supplicant adds to an interface; null: it is not there, does not serve it or may not be asked. */
export interface Witness {
  readonly wpa: WpaSupplicant;
  readonly face: WpaInterface;
}

/** A link, and the path of the access point that it was read from. */
export interface StandingLink {
  readonly point: string;
  readonly link: WifiLink;
}

export class NmLinks {
  readonly #manager: NetworkManager;
  readonly #clock: Clock;
  /** Devices that are no radios, for the incarnation they were seen in: a device never becomes one. */
  #others = new Set<string>();
  #incarnation = -1;

  constructor(manager: NetworkManager, clock: Clock) {
    this.#manager = manager;
    this.#clock = clock;
  }

  /** The radios that it knows, managed or not. @throws as `NetworkManager.properties` */
  async devices(options: Waiting): Promise<readonly NmDevice[]> {
    if (this.#incarnation !== this.#manager.incarnation) {
      this.#incarnation = this.#manager.incarnation;
      this.#others = new Set();
    }
    const others = this.#others;
    const paths = await this.#paths(options);
    const read = paths
      .filter((path) => !others.has(path))
      .map((path) => unlessGone(readDevice(this.#manager, path, options)));
    const found = (await Promise.all(read)).filter((device) => device !== null);
    for (const { path, type } of found) if (type !== NM_TYPE_WIFI) others.add(path);
    for (const path of others) if (!paths.includes(path)) others.delete(path);
    return found.filter(({ type }) => type === NM_TYPE_WIFI);
  }

  /** NetworkManager takes its name before it shows its objects: it is given the time to do so. */
  async #paths(options: Waiting): Promise<readonly string[]> {
    for (let looks = 1; ; looks++) {
      try {
        return await this.#manager.devices(options);
      } catch (error) {
        const starting = isUnlockdError(error, 'ERR_HAL_NOT_FOUND') && this.#manager.present;
        if (!starting || looks === STARTING_LOOKS) throw error;
        await this.#clock.sleep(STARTING_PAUSE, options);
      }
    }
  }

  /**
   * @returns null: not associated, or it never stood still while it was read
   * @throws as `NetworkManager.properties`
   */
  async link(device: NmDevice, witness: Witness | null, options: Waiting): Promise<StandingLink | null> {
    // NetworkManager calls a device activated for some seconds after wpa_supplicant has lost the association.
    if (witness !== null && witness.face.state !== 'completed') return null;
    let now: NmDevice | null = device;
    for (let tries = 0; tries < TRIES && now?.activated === true && now.activeConnection !== null; tries++) {
      const read = await unlessGone(this.#read(now, witness, options));
      const after: NmDevice | null = await unlessGone(readDevice(this.#manager, device.path, options));
      const point = await unlessGone(this.#pointOf(device.path, options));
      const steady = after?.activated === true && after.activeConnection === now.activeConnection;
      if (steady && read !== null && read.point === point)
        return read.link === null ? null : { point, link: read.link };
      now = after;
    }
    return null;
  }

  async #pointOf(path: string, options: Waiting): Promise<string | null> {
    const wireless = await this.#manager.properties(path, NM_INTERFACE.wireless, options);
    const station = numberOf(wireless.get('Mode'), 'Mode') === MODE_INFRA;
    return station ? objectOf(wireless, 'ActiveAccessPoint') : null;
  }

  async #read(
    device: NmDevice,
    witness: Witness | null,
    options: Waiting,
  ): Promise<{ readonly point: string; readonly link: WifiLink | null } | null> {
    const point = await this.#pointOf(device.path, options);
    if (point === null) return null;
    const found = accessPointOf(await this.#manager.properties(point, NM_INTERFACE.accessPoint, options));
    const call = { path: device.path, interface: NM_INTERFACE.device, member: 'GetAppliedConnection' };
    const [settings] = await this.#manager.call({ ...call, signature: 'u', body: [0] }, options);
    const profile = appliedProfile(settings);
    const { wpa, face } = witness ?? {};
    const link = await linkOf({
      interface: device.name,
      profile,
      ...found,
      negotiated: face === undefined ? null : negotiatedOf(face.authMode),
      login: face === undefined ? null : (wpa?.logins.rootOf(face.path, face.network, profile.id) ?? null),
      source: 'NetworkManager',
    });
    return { point, link };
  }
}

/** Null: it went away while it was read. */
async function unlessGone<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND')) return null;
    throw error;
  }
}
