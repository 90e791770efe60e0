/**
 * The wired networks and the access points that a walkthrough gives, and on which of them the machine is: for lanes that make
 * them up. Roots get thumbprints of their own, which no certificate has.
 */
import { createHash } from 'node:crypto';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { HandedOut, PhysicalStep } from '../../drivers/hal/operator.ts';
import type { WifiSecurity } from '../../drivers/observation.ts';
import type { LaneDevice } from '../walkthrough/lane.ts';
import type { Walkthrough } from '../walkthrough/schema.ts';

export type NetworkStep = Extract<PhysicalStep, { do: 'access-point' | 'join' | 'cable' | 'renumber' }>;

const MOVES: ReadonlySet<PhysicalStep['do']> = new Set(['access-point', 'join', 'cable', 'renumber']);

export const isNetworkStep = (step: PhysicalStep): step is NetworkStep => MOVES.has(step.do);

export interface Joined {
  readonly ssid: string;
  readonly bssid: string;
  readonly security: WifiSecurity;
  /** Name of the root; null: the login has none. */
  readonly root: string | null;
}

export const rootDigest = (hash: 'sha1' | 'sha256', root: string): string =>
  createHash(hash).update(`a root that is made up: ${root}`).digest('hex');

const unknown = (what: string, name: string): UnlockdError =>
  new UnlockdError('ERR_HAL_NOT_FOUND', `there is no ${what} ${name}`);

export class Networks {
  readonly #wifi: Walkthrough['given']['wifi'];
  readonly #wired: Map<string, HandedOut>;
  readonly #accessPoints: Map<string, 'on' | 'off'>;
  #cable: string | null;
  #joined: string | null;

  constructor({ cable, joined, networks, wifi }: Walkthrough['given']) {
    this.#wifi = wifi;
    this.#wired = new Map(Object.entries(networks));
    this.#accessPoints = new Map(Object.entries(wifi).map(([name, { is }]) => [name, is]));
    this.#cable = cable ?? null;
    this.#joined = joined ?? null;
  }

  /** What the network of the cable hands out; null: no cable is in. */
  get wired(): HandedOut | null {
    return this.#cable === null ? null : (this.#wired.get(this.#cable) ?? null);
  }

  /** The access point that the machine is associated with; null: with none. */
  get joined(): Joined | null {
    const name = this.#joined;
    const given = name === null ? undefined : this.#wifi[name];
    if (name === null || given === undefined) return null;
    const at = Object.keys(this.#wifi).indexOf(name) + 1;
    const { ssid, security, bssid = `02:00:00:00:00:${at.toString(16).padStart(2, '0')}`, root = null } = given;
    return { ssid, security, bssid, root };
  }

  /** As they describe themselves. */
  devices(): readonly LaneDevice[] {
    const device = (kind: 'network' | 'wifi', name: string, more: LaneDevice['more']): LaneDevice => {
      return { kind, name, nature: 'simulated', model: null, firmware: null, more };
    };
    return [
      ...[...this.#wired].map(([name, { address }]) => device('network', name, { address })),
      ...Object.entries(this.#wifi).map(([name, { ssid, security }]) => device('wifi', name, { ssid, security })),
    ];
  }

  /** @throws {ERR_HAL_NOT_FOUND} */
  move(step: NetworkStep): void {
    switch (step.do) {
      case 'access-point':
        if (!this.#accessPoints.has(step.network)) throw unknown('access point', step.network);
        this.#accessPoints.set(step.network, step.is);
        if (step.is === 'off' && this.#joined === step.network) this.#joined = null;
        return;
      case 'join':
        if (step.network !== null && this.#accessPoints.get(step.network) !== 'on') {
          throw unknown('access point that is on', step.network);
        }
        this.#joined = step.network;
        return;
      case 'cable':
        if (step.network !== null && !this.#wired.has(step.network)) throw unknown('network', step.network);
        this.#cable = step.network;
        return;
      case 'renumber':
        this.#wired.set(step.network, step.to);
    }
  }
}
