/** What NetworkManager says of one device (`org.freedesktop.NetworkManager.Device`), read into types. */
import { flagOf, numberOf, textOf } from '../dbus/values.ts';
import { NM_ACTIVATED, NM_INTERFACE } from './names.ts';
import type { NetworkManager, NmProperties } from './network-manager.ts';

export interface NmDevice {
  readonly path: string;
  /** The interface that carries the addresses; of a modem another one than its control port. */
  readonly name: string;
  /** NMDeviceType. */
  readonly type: number;
  /** Fully up: neither being configured nor on the way down, nor without a carrier. */
  readonly activated: boolean;
  /** NetworkManager configures it; false: whatever it says of it, it has not made it so. */
  readonly managed: boolean;
  readonly activeConnection: string | null;
  readonly ip4Config: string | null;
  readonly ip6Config: string | null;
  readonly dhcp4Config: string | null;
}

/** An object path; null: none (`/`), or an older NetworkManager that does not tell. @throws {ERR_HAL_ANSWER_INVALID} */
export function objectOf(properties: NmProperties, name: string): string | null {
  const path = properties.get(name);
  if (path === undefined) return null;
  const text = textOf(path, name);
  return text === '/' || text === '' ? null : text;
}

/** NMDeviceInterfaceFlags: LOWER_UP or CARRIER. */
const CARRIER = 0x2 | 0x10000;

/** A pulled cable leaves the state as it is for some seconds: NetworkManager waits whether it comes back. */
function hasCarrier(properties: NmProperties): boolean {
  const flags = properties.get('InterfaceFlags');
  // NetworkManager tells since 1.22.
  return flags === undefined || (numberOf(flags, 'InterfaceFlags') & CARRIER) !== 0;
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function deviceOf(path: string, properties: NmProperties): NmDevice {
  const own = textOf(properties.get('Interface'), 'Interface');
  const carrying = textOf(properties.get('IpInterface') ?? '', 'IpInterface');
  return {
    path,
    name: carrying === '' ? own : carrying,
    type: numberOf(properties.get('DeviceType'), 'DeviceType'),
    activated: numberOf(properties.get('State'), 'State') === NM_ACTIVATED && hasCarrier(properties),
    managed: flagOf(properties.get('Managed'), 'Managed'),
    activeConnection: objectOf(properties, 'ActiveConnection'),
    ip4Config: objectOf(properties, 'Ip4Config'),
    ip6Config: objectOf(properties, 'Ip6Config'),
    dhcp4Config: objectOf(properties, 'Dhcp4Config'),
  };
}

/** The device as it is now. @throws as `NetworkManager.properties` */
export const readDevice = async (
  manager: NetworkManager,
  path: string,
  options: { readonly signal: AbortSignal },
): Promise<NmDevice> => deviceOf(path, await manager.properties(path, NM_INTERFACE.device, options));
