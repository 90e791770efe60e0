/**
 * The events of /dev/uhid, as the kernel lays them out (include/uapi/linux/uhid.h): packed, in the byte order of the
 * machine, which is little-endian on all that Node's packages for Linux are made for. A write may be shorter than the
 * whole union: the kernel takes the rest for zeros.
 */
import { concat, utf8 } from '../../drivers/base/bytes.ts';

const TYPE = {
  DESTROY: 1,
  STOP: 3,
  OUTPUT: 6,
  GET_REPORT: 9,
  GET_REPORT_REPLY: 10,
  CREATE2: 11,
  INPUT2: 12,
  SET_REPORT: 13,
  SET_REPORT_REPLY: 14,
} as const;
/** HID_MAX_DESCRIPTOR_SIZE and UHID_DATA_MAX. */
const DATA_MAX = 4096;
/** Bytes of the largest event: type, name, phys, uniq, lengths and ids, descriptor. */
export const UHID_EVENT_SIZE = 4 + 128 + 64 + 64 + 4 + 16 + DATA_MAX;
const BUS_USB = 3;
const EIO = 5;

export interface UhidDescription {
  /** What lists show as the product, at most 127 bytes. */
  readonly name: string;
  /** Serial number, at most 63 bytes. */
  readonly serial: string;
  readonly vendorId: number;
  readonly productId: number;
  readonly reportDescriptor: Uint8Array;
}

/**
 * The report descriptor of CTAP 2.1 §11.2.8.1: usage page 0xF1D0, usage 1, one input and one output report without id.
 * @param reportSize bytes of a report, 1..255
 */
export const fidoReportDescriptor = (reportSize: number): Uint8Array =>
  // biome-ignore format: one item a line
  Uint8Array.of(
    0x06, 0xd0, 0xf1, // Usage Page (FIDO Alliance)
    0x09, 0x01, // Usage (U2F HID Authenticator Device)
    0xa1, 0x01, // Collection (Application)
    0x09, 0x20, // Usage (Input Report Data)
    0x15, 0x00, 0x26, 0xff, 0x00, // Logical Minimum, Maximum
    0x75, 0x08, 0x95, reportSize, // Report Size (8), Report Count
    0x81, 0x02, // Input (Data, Variable, Absolute)
    0x09, 0x21, // Usage (Output Report Data)
    0x15, 0x00, 0x26, 0xff, 0x00,
    0x75, 0x08, 0x95, reportSize,
    0x91, 0x02, // Output
    0xc0, // End Collection
  );

/** Event type, then fields of which each knows its size. */
function event(type: number, ...fields: readonly Uint8Array[]): Uint8Array {
  return concat(u32(type), ...fields);
}
const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8);
const u32 = (value: number): Uint8Array => concat(u16(value & 0xffff), u16(value >>> 16));

/** With at least one zero at its end. */
function text(value: string, size: number): Uint8Array {
  const field = new Uint8Array(size);
  field.set(utf8(value).subarray(0, size - 1));
  return field;
}

/** Makes the device; the node in /dev appears a moment later. */
export function create(device: UhidDescription): Uint8Array {
  const { reportDescriptor, name, serial, vendorId, productId } = device;
  return event(
    TYPE.CREATE2,
    text(name, 128),
    text('unlockd/uhid', 64),
    text(serial, 64),
    u16(reportDescriptor.length),
    u16(BUS_USB),
    ...[vendorId, productId, 0x0100, 0].map(u32),
    reportDescriptor,
  );
}

export const destroy = (): Uint8Array => event(TYPE.DESTROY);
export const input = (report: Uint8Array): Uint8Array => event(TYPE.INPUT2, u16(report.length), report);

/** What the kernel says that somebody has to do something about. */
export type UhidEvent =
  | { readonly type: 'output'; readonly data: Uint8Array }
  /** The last one of a device that was destroyed. */
  | { readonly type: 'stop' }
  /** A request that waits; nothing of a security key is read or written this way. */
  | { readonly type: 'refuse'; readonly reply: Uint8Array }
  | { readonly type: 'other' };

/** Reads one event, as one read of the node gives it. */
export function readEvent(bytes: Uint8Array): UhidEvent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const has = (size: number): boolean => bytes.length >= size;
  const type = has(4) ? view.getUint32(0, true) : 0;
  switch (type) {
    case TYPE.STOP:
      return { type: 'stop' };
    case TYPE.OUTPUT: {
      const size = has(4 + DATA_MAX + 2) ? view.getUint16(4 + DATA_MAX, true) : DATA_MAX + 1;
      return size > DATA_MAX ? { type: 'other' } : { type: 'output', data: bytes.slice(4, 4 + size) };
    }
    case TYPE.GET_REPORT:
    case TYPE.SET_REPORT: {
      if (!has(8)) return { type: 'other' };
      const id = u32(view.getUint32(4, true));
      const reply =
        type === TYPE.GET_REPORT
          ? event(TYPE.GET_REPORT_REPLY, id, u16(EIO), u16(0))
          : event(TYPE.SET_REPORT_REPLY, id, u16(EIO));
      return { type: 'refuse', reply };
    }
    default:
      return { type: 'other' };
  }
}
