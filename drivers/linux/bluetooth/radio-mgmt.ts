/**
 * Frames of the kernel's Bluetooth management interface, as far as the strength of a link needs them: Get Connection
 * Information (0x0031) and the two events that answer a command. doc/mgmt-api.txt of BlueZ; all numbers little-endian.
 */
import { addressText, BDADDR, type BdaddrType } from './radio-structs.ts';

const HEADER_BYTES = 6;
const GET_CONN_INFO = 0x0031;
const EV_CMD_COMPLETE = 0x0001;
const EV_CMD_STATUS = 0x0002;
/** Neither the radio nor the kernel knows the value. */
const NOT_KNOWN = 127;
/** The longest frame that the kernel sends: header and parameters. */
export const LARGEST_FRAME = 1024;

/** What the command came to. `ignored`: a frame that is no answer to it. */
export type ConnInfoAnswer =
  | { readonly type: 'ignored' }
  /** `status`: of the management interface, never 0. */
  | { readonly type: 'failed'; readonly status: number }
  /** dB or dBm, depending on the link; null: not known. */
  | { readonly type: 'rssi'; readonly rssi: number | null }
  /** The kernel answered with what is no answer. */
  | { readonly type: 'malformed' };

/** @param adapter its index, 0 for `hci0` */
export function connInfoCommand(adapter: number, address: Uint8Array, type: BdaddrType): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + 7);
  frame.writeUInt16LE(GET_CONN_INFO, 0);
  frame.writeUInt16LE(adapter, 2);
  frame.writeUInt16LE(7, 4);
  frame.set(address.subarray(0, 6), HEADER_BYTES);
  frame.writeUInt8(type, HEADER_BYTES + 6);
  return frame;
}

/** Reads one frame of the control channel; everything is a value, whatever the bytes are. */
export function readConnInfoAnswer(
  frame: Buffer,
  asked: { readonly adapter: number; readonly address: string; readonly type: BdaddrType },
): ConnInfoAnswer {
  if (frame.length < HEADER_BYTES) return { type: 'malformed' };
  const event = frame.readUInt16LE(0);
  if (event !== EV_CMD_COMPLETE && event !== EV_CMD_STATUS) return { type: 'ignored' };
  const parameters = frame.subarray(HEADER_BYTES);
  if (frame.readUInt16LE(4) !== parameters.length || parameters.length < 3) return { type: 'malformed' };
  if (frame.readUInt16LE(2) !== asked.adapter || parameters.readUInt16LE(0) !== GET_CONN_INFO)
    return { type: 'ignored' };
  const status = parameters.readUInt8(2);
  if (status !== 0) return { type: 'failed', status };
  // Status, address, type of address, RSSI, two transmit powers.
  if (event !== EV_CMD_COMPLETE || parameters.length !== 13) return { type: 'malformed' };
  const same = addressText(parameters.subarray(3, 9)) === asked.address && parameters.readUInt8(9) === asked.type;
  if (!same) return { type: 'malformed' };
  const rssi = parameters.readInt8(10);
  return { type: 'rssi', rssi: rssi === NOT_KNOWN ? null : rssi };
}

/** The kind of an address as both the sockets and the management interface number it. */
export function bdaddrType(bearer: 'BR/EDR' | 'LE', addressType: 'public' | 'random'): BdaddrType {
  if (bearer === 'BR/EDR') return BDADDR['BR/EDR'];
  return addressType === 'public' ? BDADDR['LE public'] : BDADDR['LE random'];
}
