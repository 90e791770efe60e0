/**
 * The computer's controller, with the air around it: a program that stands between the kernel (/dev/vhci) and the
 * emulator's socket, passes everything on, and makes two things real. A device out of range is paged for as long as a
 * controller pages before it gives up, where the emulator would know at once. And a link has the strength that it is told.
 * Bluetooth Core specification, vol. 4 part E (HCI) and part A (H4 framing).
 *
 * usage: node air.js SOCKET, with an IPC channel to its parent: `AirMessage` in, `{ index }` out when the adapter is there
 */
import { openSync, read, writeSync } from 'node:fs';
import { connect } from 'node:net';

export interface AirMessage {
  /** Whether devices are out of range: nobody answers a page. */
  readonly out: boolean;
  /** Of every link, dB relative to the golden range. */
  readonly rssi: number;
}

const HCI = { command: 1, acl: 2, sco: 3, event: 4 } as const;
const CREATE_CONNECTION = 0x0405;
const CREATE_CONNECTION_CANCEL = 0x0408;
const READ_RSSI = 0x1405;
const COMMAND_COMPLETE = 0x0e;
const UNKNOWN_CONNECTION = 0x02;
const PAGE_TIMEOUT = 0x04;
/** Page_Timeout, its default: 0x2000 slots. */
const PAGE_MS = 5120;
const VENDOR = 0xff;

function main(socketPath: string): void {
  let air: AirMessage = { out: false, rssi: 0 };
  let page: { readonly address: Buffer; readonly timer: NodeJS.Timeout } | null = null;
  process.on('message', (message) => {
    air = message as AirMessage;
  });
  process.on('disconnect', () => process.exit(0));

  const kernel = openSync('/dev/vhci', 'r+');
  writeSync(kernel, Buffer.from([VENDOR, 0]));
  const emulator = connect(socketPath);
  emulator.on('error', () => process.exit(1));
  const up = (packet: Buffer) => void writeSync(kernel, packet);

  const endPage = (status: number) => {
    if (page === null) return;
    clearTimeout(page.timer);
    // Connection Complete: no handle, an ACL link, not encrypted.
    up(Buffer.concat([Buffer.from([HCI.event, 0x03, 11, status, 0, 0]), page.address, Buffer.from([1, 0])]));
    page = null;
  };

  const down = (packet: Buffer) => {
    const opcode = packet[0] === HCI.command ? packet.readUInt16LE(1) : 0;
    if (opcode === CREATE_CONNECTION && air.out) {
      up(Buffer.from([HCI.event, 0x0f, 4, 0, 1, 0x05, 0x04]));
      page = { address: packet.subarray(4, 10), timer: setTimeout(() => endPage(PAGE_TIMEOUT), PAGE_MS) };
    } else if (opcode === CREATE_CONNECTION_CANCEL && page !== null) {
      up(Buffer.concat([Buffer.from([HCI.event, COMMAND_COMPLETE, 10, 1, 0x08, 0x04, 0]), page.address]));
      endPage(UNKNOWN_CONNECTION);
    } else emulator.write(packet);
  };

  const bytes = Buffer.alloc(4096);
  const next = () =>
    read(kernel, bytes, 0, bytes.length, null, (error, length) => {
      if (error !== null) process.exit(1);
      if (bytes[0] === VENDOR) process.send?.({ index: bytes.readUInt16LE(2) });
      else down(Buffer.from(bytes.subarray(0, length)));
      next();
    });
  next();

  let kept = Buffer.alloc(0);
  emulator.on('data', (data) => {
    kept = Buffer.concat([kept, data]);
    for (let size = sizeOf(kept); size !== null && kept.length >= size; size = sizeOf(kept)) {
      const packet = Buffer.from(kept.subarray(0, size));
      kept = kept.subarray(size);
      const complete = packet[0] === HCI.event && packet[1] === COMMAND_COMPLETE && packet.length >= 10;
      if (complete && packet.readUInt16LE(4) === READ_RSSI) packet.writeInt8(air.rssi, 9);
      up(packet);
    }
  });
}

/** How long the packet is that the bytes begin with; null: too few to tell. */
function sizeOf(bytes: Buffer): number | null {
  const type = bytes[0];
  if (type === HCI.event) return bytes.length < 3 ? null : 3 + bytes.readUInt8(2);
  if (type === HCI.sco) return bytes.length < 4 ? null : 4 + bytes.readUInt8(3);
  return bytes.length < 5 ? null : 5 + bytes.readUInt16LE(3);
}

const [socketPath] = process.argv.slice(2);
if (socketPath !== undefined && process.send !== undefined) main(socketPath);
