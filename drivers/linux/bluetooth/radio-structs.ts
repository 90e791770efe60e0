/**
 * Addresses and answers of the kernel's Bluetooth sockets as bytes: include/net/bluetooth/{bluetooth,l2cap,hci_sock}.h
 * of Linux. Numbers are those of the machine (little-endian on every machine that Node runs on with Linux but s390);
 * a PSM, a CID and a device address are little-endian by the Bluetooth specification itself.
 */
import { endianness } from 'node:os';

export const AF_BLUETOOTH = 31;
const MACHINE_IS_LITTLE = endianness() === 'LE';

/** Kinds of addresses in a `sockaddr_l2`. */
export const BDADDR = { 'BR/EDR': 0, 'LE public': 1, 'LE random': 2 } as const;
export type BdaddrType = (typeof BDADDR)[keyof typeof BDADDR];

/** Kinds of links in a `hci_conn_info_req`. */
export const ACL_LINK = 0x01;
export const LE_LINK = 0x80;

/** What a link has, `link_mode` of `hci_conn_info`. */
export const HCI_LM = { AUTH: 0x0002, ENCRYPT: 0x0004 } as const;
/** `flags` of `hci_dev_info`: the bits are numbered, HCI_UP is number 0. */
const HCI_UP = 1;

const PATTERN = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
export const isAddress = (text: string): boolean => PATTERN.test(text);

/** `aa:bb:cc:dd:ee:ff` as the six bytes of a `bdaddr_t`, least significant first. */
export function addressBytes(address: string): Buffer {
  return Buffer.from(address.replaceAll(':', ''), 'hex').reverse();
}

export function addressText(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 6)]
    .reverse()
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(':');
}

function put16(bytes: Buffer, value: number, offset: number): void {
  if (MACHINE_IS_LITTLE) bytes.writeUInt16LE(value, offset);
  else bytes.writeUInt16BE(value, offset);
}

const get16 = (bytes: Buffer, offset: number): number =>
  MACHINE_IS_LITTLE ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset);
const get32 = (bytes: Buffer, offset: number): number =>
  MACHINE_IS_LITTLE ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);

/** `struct sockaddr_l2`: 14 bytes, the last of them padding. */
export function l2capAddress(to: {
  readonly address: Uint8Array;
  readonly type: BdaddrType;
  /** Protocol/service multiplexer; 0: none. */
  readonly psm: number;
  /** Fixed channel; 0: none. */
  readonly cid: number;
}): Buffer {
  const bytes = Buffer.alloc(14);
  put16(bytes, AF_BLUETOOTH, 0);
  bytes.writeUInt16LE(to.psm, 2);
  bytes.set(to.address.subarray(0, 6), 4);
  bytes.writeUInt16LE(to.cid, 10);
  bytes.writeUInt8(to.type, 12);
  return bytes;
}

export const HCI_CHANNEL = { RAW: 0, CONTROL: 3 } as const;
/** The control channel belongs to no adapter. */
export const HCI_DEV_NONE = 0xffff;

/** `struct sockaddr_hci`. */
export function hciAddress(device: number, channel: number): Buffer {
  const bytes = Buffer.alloc(6);
  put16(bytes, AF_BLUETOOTH, 0);
  put16(bytes, device, 2);
  put16(bytes, channel, 4);
  return bytes;
}

/** HCIGETDEVINFO, `_IOR('H', 211, int)`, and what it fills: `struct hci_dev_info`. */
export const HCIGETDEVINFO = 0x800448d3;
const DEV_INFO_BYTES = 92;

export function devInfoRequest(device: number): Buffer {
  const bytes = Buffer.alloc(DEV_INFO_BYTES);
  put16(bytes, device, 0);
  return bytes;
}

export function readDevInfo(bytes: Buffer): { readonly address: Buffer; readonly up: boolean } {
  return { address: Buffer.from(bytes.subarray(10, 16)), up: (get32(bytes, 16) & HCI_UP) !== 0 };
}

/** HCIGETCONNINFO, `_IOR('H', 213, int)`: `struct hci_conn_info_req`, then the `struct hci_conn_info` that it fills. */
export const HCIGETCONNINFO = 0x800448d5;
const REQUEST_BYTES = 8;
const CONN_INFO_BYTES = 16;
const BT_CONNECTED = 1;

export function connInfoRequest(address: Uint8Array, link: number): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES + CONN_INFO_BYTES);
  bytes.set(address.subarray(0, 6), 0);
  bytes.writeUInt8(link, 6);
  return bytes;
}

export interface ConnInfo {
  readonly handle: number;
  readonly address: string;
  readonly link: number;
  /** Whether it stands; one that is being made is described as well. */
  readonly connected: boolean;
  /** Bits of {@link HCI_LM}. */
  readonly mode: number;
}

export function readConnInfo(bytes: Buffer): ConnInfo {
  const at = REQUEST_BYTES;
  return {
    handle: get16(bytes, at),
    address: addressText(bytes.subarray(at + 2, at + 8)),
    link: bytes.readUInt8(at + 8),
    connected: get16(bytes, at + 10) === BT_CONNECTED,
    mode: get32(bytes, at + 12),
  };
}

/** Socket options: level and name. */
export const SO_ERROR = [1, 4] as const;
export const BT_SECURITY = [274, 4] as const;
export const L2CAP_CONNINFO = [6, 2] as const;

/** `struct bt_security`: level, size of the encryption key in bytes (0 while there is none). */
export const SECURITY_BYTES = 2;
/** BT_SECURITY_MEDIUM, _HIGH; 4 is FIPS: an authenticated key made with Secure Connections. */
export const SECURITY_LEVEL = { medium: 2, high: 3 } as const;

/** `struct l2cap_conninfo`: handle of the link, class of the device, one byte of padding. */
export const CONNINFO_BYTES = 6;
export const readHandle = (bytes: Buffer): number => get16(bytes, 0);

export const readInt = (bytes: Buffer): number => (MACHINE_IS_LITTLE ? bytes.readInt32LE(0) : bytes.readInt32BE(0));

export const POLL = { IN: 1, OUT: 4, ERR: 8, HUP: 16, NVAL: 32 } as const;

/** One `struct pollfd`. */
export function pollRequest(fd: number, events: number): Buffer {
  const bytes = Buffer.alloc(8);
  if (MACHINE_IS_LITTLE) bytes.writeInt32LE(fd, 0);
  else bytes.writeInt32BE(fd, 0);
  put16(bytes, events, 4);
  return bytes;
}

export const polled = (bytes: Buffer): number => get16(bytes, 6);
