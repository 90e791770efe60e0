/**
 * What wlanapi tells of interfaces and of the current connection (wlanapi.h, windot11.h; no pointers in it, so the layout
 * is one for all). The SSID is bytes; the algorithm is the one of the connection that stands.
 */
import { UnlockdError } from '../../base/errors.ts';
import type { WifiSecurityType } from '../../hal/network.ts';
import { MemoryImage } from '../memory-image.ts';

/** WLAN_INTERFACE_INFO_LIST: count, index, then the entries. */
export const LIST = { dwNumberOfItems: 0, InterfaceInfo: 8 } as const;
/** WLAN_INTERFACE_INFO; 532 bytes. */
export const INFO = { InterfaceGuid: 0, strInterfaceDescription: 16, isState: 528, bytes: 532 } as const;
/** WLAN_CONNECTION_ATTRIBUTES, with WLAN_ASSOCIATION_ATTRIBUTES and WLAN_SECURITY_ATTRIBUTES within. */
export const CONNECTION = {
  isState: 0,
  strProfileName: 8,
  uSSIDLength: 520,
  ucSSID: 524,
  dot11Bssid: 560,
  wlanSignalQuality: 576,
  bSecurityEnabled: 588,
  bOneXEnabled: 592,
  dot11AuthAlgorithm: 596,
  dot11CipherAlgorithm: 600,
  bytes: 604,
} as const;

/** WLAN_INTERFACE_STATE; the only one in which there is a link. */
const CONNECTED = 1;
const TEXT_UNITS = 256;
const GUID_BYTES = 16;
const BSSID_BYTES = 6;
export const MAX_INTERFACES = 16;

/** DOT11_AUTH_ALGORITHM, where that alone decides. */
const SECURITIES: Readonly<Record<number, WifiSecurityType>> = {
  2: 'WEP',
  3: 'WPA-Enterprise',
  4: 'WPA-Personal',
  6: 'WPA2-Enterprise',
  7: 'WPA2-Personal',
  8: 'WPA3-Enterprise-192',
  9: 'WPA3-Personal',
  11: 'WPA3-Enterprise',
};
const AUTH_OPEN = 1;
/** DOT11_CIPHER_ALGORITHM: none; WEP with 40 and 104 bits and of whatever length. */
const CIPHER_NONE = 0;
const CIPHERS_WEP = [1, 5, 0x101];

export interface WlanInterface {
  readonly guid: Uint8Array;
  readonly name: string;
}

export interface WlanConnection {
  readonly profile: string;
  readonly ssid: Uint8Array;
  /** Null: Windows does not tell. */
  readonly bssid: string | null;
  readonly quality: number | null;
  readonly security: WifiSecurityType | null;
  /** Logged in by 802.1X. */
  readonly oneX: boolean;
}

/** @throws {ERR_HAL_ANSWER_INVALID} */
export function decodeInterfaces(bytes: Uint8Array): readonly WlanInterface[] {
  const image = new MemoryImage(bytes, 'the list of Wi-Fi interfaces');
  const count = Math.min(image.u32(LIST.dwNumberOfItems), MAX_INTERFACES);
  return Array.from({ length: count }, (_, n) => {
    const at = LIST.InterfaceInfo + n * INFO.bytes;
    return {
      guid: image.bytes(at + INFO.InterfaceGuid, GUID_BYTES),
      name: image.text(at + INFO.strInterfaceDescription, TEXT_UNITS),
    };
  });
}

function securityOf(image: MemoryImage): WifiSecurityType | null {
  const algorithm = image.u32(CONNECTION.dot11AuthAlgorithm);
  const cipher = image.u32(CONNECTION.dot11CipherAlgorithm);
  const enabled = image.u32(CONNECTION.bSecurityEnabled) !== 0;
  if (algorithm !== AUTH_OPEN) return enabled ? (SECURITIES[algorithm] ?? null) : null;
  // Open authentication is that of WEP as well.
  if (CIPHERS_WEP.includes(cipher)) return 'WEP';
  return !enabled && cipher === CIPHER_NONE ? 'Open' : null;
}

/**
 * @returns null: no connection stands
 * @throws {ERR_HAL_ANSWER_INVALID}
 */
export function decodeConnection(bytes: Uint8Array): WlanConnection | null {
  const image = new MemoryImage(bytes.subarray(0, CONNECTION.bytes), 'the Wi-Fi connection');
  if (image.u32(CONNECTION.isState) !== CONNECTED) return null;
  const length = image.u32(CONNECTION.uSSIDLength);
  if (length > 32) throw new UnlockdError('ERR_HAL_ANSWER_INVALID', `Windows: an SSID of ${length} bytes`);
  const bssid = image.bytes(CONNECTION.dot11Bssid, BSSID_BYTES);
  const quality = image.u32(CONNECTION.wlanSignalQuality);
  return {
    profile: image.text(CONNECTION.strProfileName, TEXT_UNITS),
    ssid: image.bytes(CONNECTION.ucSSID, length),
    bssid: bssid.every((byte) => byte === 0) ? null : Buffer.from(bssid).toString('hex').replace(/..\B/g, '$&:'),
    quality: quality <= 100 ? quality : null,
    security: securityOf(image),
    oneX: image.u32(CONNECTION.bOneXEnabled) !== 0,
  };
}
