/**
 * Which signals of NetworkManager and wpa_supplicant are worth a look. A signal is a wake-up and never an answer; scans
 * and rates, of which there are many, wake nobody.
 */
import type { BusSignal } from '../dbus/connection.ts';
import { NM_INTERFACE } from '../network-manager/names.ts';
import { WPA_INTERFACE } from './login-roots.ts';
import { WPA_NAME } from './wpa-supplicant.ts';

const PROPERTIES = 'org.freedesktop.DBus.Properties';

/** Properties that decide, by interface; empty: every change of its does. */
const DECIDING: Readonly<Record<string, readonly string[]>> = {
  [NM_INTERFACE.device]: ['State', 'ActiveConnection', 'Managed', 'Interface', 'IpInterface'],
  [NM_INTERFACE.wireless]: ['ActiveAccessPoint', 'Mode'],
  [NM_INTERFACE.accessPoint]: ['Ssid', 'HwAddress', 'Strength', 'Flags', 'WpaFlags', 'RsnFlags'],
  [WPA_INTERFACE]: ['State', 'CurrentBSS', 'CurrentNetwork', 'CurrentAuthMode'],
  [`${WPA_NAME}.BSS`]: ['SSID', 'BSSID', 'Privacy', 'WPA', 'RSN', 'Signal'],
  [`${WPA_NAME}.Network`]: ['Properties'],
};

/** Of heard access points most are not the one that counts. */
const ONLY_IN_USE: readonly string[] = [NM_INTERFACE.accessPoint, `${WPA_NAME}.BSS`];

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  [NM_INTERFACE.manager]: ['DeviceAdded', 'DeviceRemoved'],
  [NM_INTERFACE.device]: ['StateChanged'],
  [WPA_NAME]: ['InterfaceAdded', 'InterfaceRemoved'],
  [WPA_INTERFACE]: ['NetworkRemoved'],
};

function namesOf(changed: unknown, invalidated: unknown): readonly unknown[] {
  const pairs = Array.isArray(changed) ? changed.map((pair: unknown) => (Array.isArray(pair) ? pair[0] : null)) : [];
  return [...pairs, ...(Array.isArray(invalidated) ? invalidated : [])];
}

/** @param inUse paths of the access points that the last reading rested on */
export function isWorthALook(signal: BusSignal, inUse: ReadonlySet<string>): boolean {
  const { path, interface: name, member, body } = signal;
  if (Object.hasOwn(MEMBERS, name) && MEMBERS[name]?.includes(member)) return true;
  // A login that has ended: its root may count from now on.
  if (name === WPA_INTERFACE && member === 'EAP') return body[0] === 'completion';
  if (name !== PROPERTIES || member !== 'PropertiesChanged') return false;
  const [of, changed, invalidated] = body;
  if (typeof of !== 'string' || !Object.hasOwn(DECIDING, of)) return false;
  if (ONLY_IN_USE.includes(of) && !inUse.has(path)) return false;
  return namesOf(changed, invalidated).some((one) => typeof one === 'string' && DECIDING[of]?.includes(one));
}
