/**
 * The seams of the surroundings as one host has them. Which host it is decides what is loaded: the drivers of another
 * system never are.
 */
import type { Clock } from '../drivers/base/clock.ts';
import type { BiometricHal } from '../drivers/hal/biometric.ts';
import type { BluetoothHal } from '../drivers/hal/bluetooth.ts';
import type { IpHal, WifiHal } from '../drivers/hal/network.ts';
import type { Config } from './config/load.ts';

export type AddCloser = (close: () => PromiseLike<void>) => void;

/** Each is made when it is called, and that is only where it is switched on. */
export interface HostSenses {
  bluetooth(): BluetoothHal;
  wifi(): WifiHal;
  network(): IpHal;
  /** Null: the host has no reader that is driven. */
  biometric(): BiometricHal | null;
}

export interface HostOptions {
  readonly signals: Config['signals'];
  readonly clock: Clock;
  /** Gets what closes a part that the seam itself does not close. */
  readonly add: AddCloser;
}

export interface HostModule {
  readonly openSenses: (options: HostOptions) => HostSenses;
}

export type HostLoader = () => Promise<HostModule>;

/** By the platform of Node. */
export const HOSTS: Readonly<Partial<Record<NodeJS.Platform, HostLoader>>> = {
  linux: () => import('./host-linux.ts'),
  win32: () => import('./host-windows.ts'),
};
