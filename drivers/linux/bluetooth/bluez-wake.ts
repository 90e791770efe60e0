/**
 * Where BlueZ's signals point to. A signal is a wake-up: what is told on was read by a method call after it. Signals about
 * devices that are not bonded are passed over, as everybody within range causes those.
 */

import type { BusSignal } from '../dbus/connection.ts';
import { dictOf, listOf } from '../dbus/values.ts';
import { ADAPTER, DEVICE, isAdapterPath, isDevicePath, MAX_DEVICES } from './bluez-objects.ts';

export const OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager';
export const PROPERTIES = 'org.freedesktop.DBus.Properties';

/** Properties that decide whether a device is listed, and as what. */
const OF_BOND = ['Paired', 'Bonded', 'Blocked', 'Address', 'AddressType'];
const OF_LISTED = ['Class', 'Name', 'Alias'];

/** What about a bonded device has to be read. */
export interface DeviceWake {
  readonly link: boolean;
  readonly heard: boolean;
}

/** Names in a dictionary that is nobody's word for anything yet. */
function keysOf(value: unknown): readonly string[] {
  try {
    return [...dictOf(value, 'signal').keys()];
  } catch {
    return [];
  }
}

function isBondedIn(interfaces: unknown): boolean {
  try {
    const device = dictOf(interfaces, 'signal').get(DEVICE);
    if (device === undefined) return false;
    const properties = dictOf(device, 'signal');
    return properties.get('Paired') === true || properties.get('Bonded') === true;
  } catch {
    // Of a form that is not known: a look tells.
    return true;
  }
}

/** What signals have pointed to since it was last looked at. */
export class BluezWake {
  /** The daemon came, went or changed. */
  reset = false;
  /** The whole list has to be read. */
  all = false;
  readonly devices = new Map<string, DeviceWake>();

  /** @param known paths of the devices that are bonded, as last read */
  add(signal: BusSignal, known: ReadonlySet<string>): void {
    const { path, interface: name, member, body } = signal;
    if (name === OBJECT_MANAGER) this.#ofManager(member, body, known);
    else if (name === PROPERTIES && member === 'PropertiesChanged') this.#ofProperties(path, body, known);
  }

  get isEmpty(): boolean {
    return !this.reset && !this.all && this.devices.size === 0;
  }

  #ofManager(member: string, [path, interfaces]: readonly unknown[], known: ReadonlySet<string>): void {
    if (typeof path !== 'string') return;
    if (member === 'InterfacesAdded') {
      if (isAdapterPath(path) && keysOf(interfaces).includes(ADAPTER)) this.all = true;
      if (isDevicePath(path) && isBondedIn(interfaces)) this.all = true;
    }
    if (member === 'InterfacesRemoved' && (isAdapterPath(path) || known.has(path))) this.all = true;
  }

  #ofProperties(path: string, [of, changed, invalidated]: readonly unknown[], known: ReadonlySet<string>): void {
    const names = new Set(keysOf(changed));
    try {
      for (const one of listOf(invalidated, 'signal')) if (typeof one === 'string') names.add(one);
    } catch {
      // What is said without the list of what is void is said all the same.
    }
    const has = (...some: readonly string[]): boolean => some.some((one) => names.has(one));
    if (of === ADAPTER && isAdapterPath(path) && has('Powered', 'Address')) this.all = true;
    if (of !== DEVICE || !isDevicePath(path)) return;
    if (has(...OF_BOND)) this.all = true;
    if (!known.has(path)) return;
    if (has(...OF_LISTED)) this.all = true;
    if (!has('Connected', 'RSSI') || (!this.devices.has(path) && this.devices.size >= MAX_DEVICES)) return;
    const before = this.devices.get(path) ?? { link: false, heard: false };
    this.devices.set(path, { link: before.link || has('Connected'), heard: before.heard || has('RSSI') });
  }
}
