import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connInfoCommand, readConnInfoAnswer } from '../../../drivers/linux/bluetooth/radio-mgmt.ts';
import {
  addressBytes,
  connInfoRequest,
  hciAddress,
  readConnInfo,
} from '../../../drivers/linux/bluetooth/radio-structs.ts';

const ADDRESS = '00:aa:01:01:00:01';
const ASKED = { adapter: 1, address: ADDRESS, type: 0 } as const;
/** Command complete: event 1, adapter 1, 13 bytes; opcode 0x0031, status 0, address, BR/EDR, -1 dB, 0 and 4 dBm. */
const COMPLETE = '01000100' + '0d00' + '3100' + '00' + '01000101aa00' + '00' + 'ff' + '00' + '04';

const read = (hex: string) => readConnInfoAnswer(Buffer.from(hex, 'hex'), ASKED);

describe('Get Connection Information', () => {
  it('asks for a device by its address, least significant byte first, and the kind of the address', () => {
    const command = connInfoCommand(1, addressBytes(ADDRESS), 0);
    expect(command.toString('hex')).toBe('3100' + '0100' + '0700' + '01000101aa00' + '00');
  });

  it('reads the strength out of the answer, and 127 as not known', () => {
    expect(read(COMPLETE)).toEqual({ type: 'rssi', rssi: -1 });
    expect(read(COMPLETE.replace(/ff0004$/, '7f0004'))).toEqual({ type: 'rssi', rssi: null });
    expect(read(COMPLETE.replace(/ff0004$/, '800004'))).toEqual({ type: 'rssi', rssi: -128 });
  });

  it('reads a refusal of either kind', () => {
    expect(read('02000100' + '0300' + '3100' + '11')).toEqual({ type: 'failed', status: 0x11 });
    expect(read('01000100' + '0a00' + '3100' + '02' + '01000101aa00' + '00')).toEqual({ type: 'failed', status: 2 });
  });

  it('leaves alone what answers something else', () => {
    expect(read(COMPLETE.replace(/^0100/, '0600'))).toEqual({ type: 'ignored' });
    expect(read(COMPLETE.replace(/^01000100/, '01000000'))).toEqual({ type: 'ignored' });
    expect(read(COMPLETE.replace('0d003100', '0d003200'))).toEqual({ type: 'ignored' });
  });

  it('believes no answer about another device, of another length, or of no status', () => {
    expect(read(COMPLETE.replace('01000101aa00', '02000101aa00'))).toEqual({ type: 'malformed' });
    expect(read(COMPLETE.replace('01000101aa0000', '01000101aa0001'))).toEqual({ type: 'malformed' });
    expect(read(`${COMPLETE}00`)).toEqual({ type: 'malformed' });
    expect(read(COMPLETE.slice(0, -2))).toEqual({ type: 'malformed' });
    expect(read('02000100' + '0300' + '3100' + '00')).toEqual({ type: 'malformed' });
    expect(read('0100')).toEqual({ type: 'malformed' });
  });

  it('is a value for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const { type } = readConnInfoAnswer(Buffer.from(bytes), ASKED);
        expect(['ignored', 'failed', 'rssi', 'malformed']).toContain(type);
      }),
    );
  });
});

describe('structures of the kernel', () => {
  it('addresses an adapter’s channel', () => {
    expect(hciAddress(0xffff, 3).toString('hex')).toBe('1f00' + 'ffff' + '0300');
  });

  it('asks for a link and reads what it has', () => {
    const request = connInfoRequest(addressBytes(ADDRESS), 1);
    expect(request.toString('hex')).toBe(`01000101aa000100${'00'.repeat(16)}`);
    Buffer.from('2a00' + '01000101aa00' + '01' + '01' + '0100' + '47000000', 'hex').copy(request, 8);
    expect(readConnInfo(request)).toEqual({ handle: 42, address: ADDRESS, link: 1, connected: true, mode: 0x47 });
  });
});
