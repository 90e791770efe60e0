/** NetworkManager on the system bus, as the drivers of the surroundings read it. */
import type { BusOptions } from '../dbus/connection.ts';
import { type ObjectProperties, ObjectService } from '../dbus/object-service.ts';
import { listOf, textOf } from '../dbus/values.ts';
import { NM_INTERFACE, NM_NAME, NM_PATH } from './names.ts';

export type NmProperties = ObjectProperties;

/** A container host has hundreds of virtual devices; more than this are not looked at. */
const MAX_DEVICES = 256;

export class NetworkManager extends ObjectService {
  /** Connects by itself, now and whenever the bus comes back; never throws for that. */
  constructor(options: BusOptions) {
    super(options, { name: NM_NAME, called: 'NetworkManager' });
  }

  /** Paths of the devices, at most 256. @throws as `properties` */
  async devices(options: { readonly signal: AbortSignal }): Promise<readonly string[]> {
    const call = { path: NM_PATH, interface: NM_INTERFACE.manager, member: 'GetDevices' };
    const [paths] = await this.call(call, options);
    return listOf(paths, 'GetDevices')
      .slice(0, MAX_DEVICES)
      .map((path) => textOf(path, 'GetDevices'));
  }
}
