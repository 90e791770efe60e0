import { describe, expect, it } from 'vitest';
import { parseReportDescriptor } from '../../../drivers/linux/hid/report-descriptor.ts';
import * as uhid from '../../../hal-mocks/fido2/uhid-events.ts';

/** One event as the kernel writes it: type, then the whole union. */
function fromKernel(type: number, fill: (union: DataView, bytes: Uint8Array) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(uhid.UHID_EVENT_SIZE);
  new DataView(bytes.buffer).setUint32(0, type, true);
  fill(new DataView(bytes.buffer, 4), bytes.subarray(4));
  return bytes;
}
const u32At = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
const device = {
  name: 'a key',
  serial: 'blue',
  vendorId: 0x1209,
  productId: 1,
  reportDescriptor: uhid.fidoReportDescriptor(64),
};

describe('the events of /dev/uhid', () => {
  it('the report descriptor is that of a security key', () => {
    expect(parseReportDescriptor(uhid.fidoReportDescriptor(64))).toMatchObject({
      usagePage: 0xf1d0,
      usage: 1,
      input: 64,
      output: 64,
      numbered: false,
    });
  });

  it('a device is made with its name, its serial number, its ids and the descriptor where the kernel has them', () => {
    const event = uhid.create(device);
    expect(event).toHaveLength(280 + device.reportDescriptor.length);
    expect(u32At(event, 0)).toBe(11);
    expect(new TextDecoder().decode(event.subarray(4, 10))).toBe('a key\0');
    expect(new TextDecoder().decode(event.subarray(196, 201))).toBe('blue\0');
    expect([...event.subarray(260, 264)]).toEqual([device.reportDescriptor.length, 0, 3, 0]);
    expect([u32At(event, 264), u32At(event, 268)]).toEqual([0x1209, 1]);
    expect(event.subarray(280)).toEqual(device.reportDescriptor);
  });

  it('a name that is too long ends before the next field', () => {
    const event = uhid.create({ ...device, name: 'x'.repeat(500), serial: 'y'.repeat(500) });
    expect([event[130], event[131], event[132]]).toEqual([0x78, 0, 'u'.charCodeAt(0)]);
    expect([event[258], event[259], event[260]]).toEqual([0x79, 0, device.reportDescriptor.length]);
  });

  it('an input report says its length', () => {
    expect([...uhid.input(Uint8Array.of(7, 8, 9))]).toEqual([12, 0, 0, 0, 3, 0, 7, 8, 9]);
  });

  it('an output report comes as long as it is', () => {
    const event = fromKernel(6, (union, bytes) => {
      bytes.set([0, 1, 2, 3]);
      union.setUint16(4096, 4, true);
    });
    expect(uhid.readEvent(event)).toEqual({ type: 'output', data: Uint8Array.of(0, 1, 2, 3) });
  });

  it('what is asked outside of reports is refused under the id of the question', () => {
    const id = (union: DataView) => union.setUint32(0, 0xabcd1234, true);
    for (const [type, answer, size] of [
      [9, 10, 12],
      [13, 14, 10],
    ] as const) {
      const event = uhid.readEvent(fromKernel(type, id));
      const reply = event.type === 'refuse' ? event.reply : new Uint8Array(4);
      expect(reply).toHaveLength(size);
      expect([u32At(reply, 0), u32At(reply, 4), reply[8]]).toEqual([answer, 0xabcd1234, 5]);
    }
  });

  it('the end of a device is told apart from everything else', () => {
    expect(uhid.readEvent(fromKernel(3))).toEqual({ type: 'stop' });
    for (const type of [0, 2, 4, 5, 99]) expect(uhid.readEvent(fromKernel(type))).toEqual({ type: 'other' });
  });

  it('an event that is cut off, or says that it is longer than it can be, is none', () => {
    expect(uhid.readEvent(new Uint8Array(0))).toEqual({ type: 'other' });
    expect(uhid.readEvent(Uint8Array.of(6, 0, 0))).toEqual({ type: 'other' });
    expect(uhid.readEvent(fromKernel(6).subarray(0, 100))).toEqual({ type: 'other' });
    expect(uhid.readEvent(fromKernel(9).subarray(0, 6))).toEqual({ type: 'other' });
    const long = fromKernel(6, (union) => union.setUint16(4096, 4097, true));
    expect(uhid.readEvent(long)).toEqual({ type: 'other' });
  });
});
