/**
 * What BlueZ says of its adapters and devices (org.bluez.Adapter(5), org.bluez.Device(5)), read into plain values.
 * Nothing in it proves that a device is here: `Connected`, `Class`, `Name` and `RSSI` are what anybody on the air says.
 */
import { UnlockdError } from '../../base/errors.ts';
import { dictOf, flagOf, listOf, numberOf, textOf } from '../dbus/values.ts';

export const ADAPTER = 'org.bluez.Adapter1';
export const DEVICE = 'org.bluez.Device1';

export interface BluezAdapter {
  readonly path: string;
  /** 0 for hci0. */
  readonly index: number;
  /** `AA:BB:CC:DD:EE:FF`, as its folder of bonds is called. */
  readonly address: string;
  readonly powered: boolean;
}

export interface BluezDevice {
  readonly path: string;
  readonly adapterPath: string;
  /** `AA:BB:CC:DD:EE:FF`. */
  readonly address: string;
  readonly addressType: 'public' | 'random';
  readonly name: string | null;
  readonly classOfDevice: number | null;
  readonly bonded: boolean;
  readonly connected: boolean;
  /** dBm, of an advertisement or an inquiry, never of a link. */
  readonly rssi: number | null;
}

export interface BluezObjects {
  readonly adapters: readonly BluezAdapter[];
  /** Bonded ones alone. */
  readonly devices: readonly BluezDevice[];
}

/** More than any machine has; what is above is left out. */
const MAX_ADAPTERS = 16;
export const MAX_DEVICES = 64;
const NAME_LENGTH = 248;
const MAX_CLASS = 0xffffff;

const ADAPTER_PATH = /^\/org\/bluez\/hci(\d{1,3})$/;
const DEVICE_PATH = /^(\/org\/bluez\/hci\d{1,3})\/dev(?:_[0-9A-F]{2}){6}$/;
const ADDRESS = /^(?:[0-9A-F]{2}:){5}[0-9A-F]{2}$/;

export const isAdapterPath = (path: string): boolean => ADAPTER_PATH.test(path);
export const isDevicePath = (path: string): boolean => DEVICE_PATH.test(path);

type Properties = ReadonlyMap<string, unknown>;

function addressOf(properties: Properties): string {
  const address = textOf(properties.get('Address'), 'Address').toUpperCase();
  if (!ADDRESS.test(address)) throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'BlueZ: an address is none');
  return address;
}

const optional = <T>(value: unknown, read: (value: unknown) => T): T | null =>
  value === undefined ? null : read(value);

/** @throws {ERR_HAL_ANSWER_INVALID} as every reader here */
function adapterOf(path: string, index: string, properties: Properties): BluezAdapter {
  const powered = flagOf(properties.get('Powered') ?? false, 'Powered');
  return { path, index: Number(index), address: addressOf(properties), powered };
}

/** @param path a path of a device, checked by the caller */
export function deviceOf(path: string, properties: Properties): BluezDevice {
  const adapterPath = DEVICE_PATH.exec(path)?.[1] ?? '';
  const paired = flagOf(properties.get('Paired') ?? false, 'Paired');
  // Since BlueZ 5.65; before, whatever was paired was bonded.
  const bonded = flagOf(properties.get('Bonded') ?? paired, 'Bonded');
  const blocked = flagOf(properties.get('Blocked') ?? false, 'Blocked');
  const name = optional(properties.get('Alias') ?? properties.get('Name'), (value) => textOf(value, 'Name'));
  const classOfDevice = optional(properties.get('Class'), (value) => numberOf(value, 'Class'));
  return {
    path,
    adapterPath,
    address: addressOf(properties),
    addressType: textOf(properties.get('AddressType') ?? 'public', 'AddressType') === 'random' ? 'random' : 'public',
    name: name === null ? null : name.slice(0, NAME_LENGTH),
    // BlueZ has 0 for what it does not know.
    classOfDevice: classOfDevice === null || classOfDevice === 0 ? null : classOfDevice & MAX_CLASS,
    bonded: paired && bonded && !blocked,
    connected: flagOf(properties.get('Connected') ?? false, 'Connected'),
    rssi: optional(properties.get('RSSI'), (value) => numberOf(value, 'RSSI')),
  };
}

/** The answer of org.freedesktop.DBus.ObjectManager.GetManagedObjects. */
export function objectsOf(answer: unknown): BluezObjects {
  const adapters: BluezAdapter[] = [];
  const devices: BluezDevice[] = [];
  for (const entry of listOf(answer, 'GetManagedObjects')) {
    const [path, interfaces] = listOf(entry, 'GetManagedObjects');
    if (typeof path !== 'string') throw new UnlockdError('ERR_HAL_ANSWER_INVALID', 'BlueZ: a path is none');
    const index = ADAPTER_PATH.exec(path)?.[1];
    if (index === undefined && !isDevicePath(path)) continue;
    const properties = dictOf(interfaces, 'GetManagedObjects').get(index === undefined ? DEVICE : ADAPTER);
    if (properties === undefined) continue;
    if (index !== undefined) {
      if (adapters.length < MAX_ADAPTERS) adapters.push(adapterOf(path, index, dictOf(properties, ADAPTER)));
      continue;
    }
    const device = deviceOf(path, dictOf(properties, DEVICE));
    if (device.bonded && devices.length < MAX_DEVICES) devices.push(device);
  }
  return { adapters, devices };
}
