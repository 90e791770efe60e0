/**
 * The structures of Windows' Bluetooth (bluetoothapis.h, ws2bth.h; 64-bit layout): what is known of a device, and the
 * address that a socket connects to. The class and the name are what anybody on the air says.
 */
import { MemoryImage } from '../memory-image.ts';

/** BLUETOOTH_DEVICE_INFO. */
export const DEVICE_INFO = {
  dwSize: 0,
  Address: 8,
  ulClassofDevice: 16,
  fConnected: 20,
  fRemembered: 24,
  fAuthenticated: 28,
  szName: 64,
  bytes: 560,
} as const;

/** BLUETOOTH_DEVICE_SEARCH_PARAMS. */
export const SEARCH_PARAMS = {
  dwSize: 0,
  fReturnAuthenticated: 4,
  fReturnRemembered: 8,
  fReturnUnknown: 12,
  fReturnConnected: 16,
  fIssueInquiry: 20,
  bytes: 40,
} as const;

/** SOCKADDR_BTH, which is packed. */
export const SOCKADDR_BTH = { addressFamily: 0, btAddr: 2, serviceClassId: 10, port: 26, bytes: 30 } as const;

const AF_BTH = 32;
const NAME_UNITS = 248;
const MAX_ADDRESS = 0xffff_ffff_ffffn;
const ADDRESS = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;

export interface WindowsDevice {
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly address: string;
  readonly classOfDevice: number | null;
  readonly name: string | null;
  /** Bonded: there is a key. Remembered alone is none. */
  readonly authenticated: boolean;
}

/**
 * @returns null: what has that address is no device
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function decodeDevice(bytes: Uint8Array): WindowsDevice | null {
  const image = new MemoryImage(bytes, 'a Bluetooth device');
  const address = image.u64(DEVICE_INFO.Address);
  if (address === 0n || address > MAX_ADDRESS) return null;
  const classOfDevice = image.u32(DEVICE_INFO.ulClassofDevice) & 0xffffff;
  const name = image.text(DEVICE_INFO.szName, NAME_UNITS);
  return {
    address: address.toString(16).padStart(12, '0').replace(/..\B/g, '$&:'),
    // Windows has 0 for what it does not know.
    classOfDevice: classOfDevice === 0 ? null : classOfDevice,
    name: name === '' ? null : name,
    authenticated: image.u32(DEVICE_INFO.fAuthenticated) !== 0,
  };
}

/** A filled structure for BluetoothFindFirstDevice: bonded devices, and no inquiry. */
export function searchParams(): Uint8Array {
  const bytes = new Uint8Array(SEARCH_PARAMS.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(SEARCH_PARAMS.dwSize, SEARCH_PARAMS.bytes, true);
  view.setUint32(SEARCH_PARAMS.fReturnAuthenticated, 1, true);
  return bytes;
}

/** Services of 16 bits stand in the base UUID of Bluetooth. @param service as in the Assigned Numbers */
function guidOf(service: number): Uint8Array {
  const bytes = Uint8Array.from([0, 0, 0, 0, 0, 0, 0x00, 0x10, 0x80, 0x00, 0x00, 0x80, 0x5f, 0x9b, 0x34, 0xfb]);
  new DataView(bytes.buffer).setUint32(0, service, true);
  return bytes;
}

/** @param address `aa:bb:cc:dd:ee:ff`; null is given for what is none */
export function socketAddressOf(address: string, service: number): Uint8Array | null {
  if (!ADDRESS.test(address)) return null;
  const bytes = new Uint8Array(SOCKADDR_BTH.bytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(SOCKADDR_BTH.addressFamily, AF_BTH, true);
  view.setBigUint64(SOCKADDR_BTH.btAddr, BigInt(`0x${address.replaceAll(':', '')}`), true);
  bytes.set(guidOf(service), SOCKADDR_BTH.serviceClassId);
  return bytes;
}
