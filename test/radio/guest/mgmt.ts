/**
 * The one command of the kernel's management interface that the guest needs: dropping a link, so that the next probe
 * has to make one of its own. doc/mgmt-api.txt of BlueZ.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { kernelSockets } from '../../../drivers/linux/bluetooth/radio-sockets.ts';
import { addressBytes, HCI_CHANNEL, HCI_DEV_NONE, hciAddress } from '../../../drivers/linux/bluetooth/radio-structs.ts';

const DISCONNECT = 0x0014;
const SET_ADVERTISING = 0x0029;
/** It was none, or went at that moment. */
const NOT_CONNECTED = 0x02;
const DISCONNECTED = 0x0e;
const EV_CMD_COMPLETE = 0x0001;
const EV_CMD_STATUS = 0x0002;

/** @returns the status of the command: 0 is success */
async function command(adapter: number, opcode: number, parameters: Buffer): Promise<number> {
  const opened = kernelSockets.open('HCI');
  if (!opened.ok) throw new Error(`no HCI socket: ${opened.errno}`);
  const socket = opened.value;
  try {
    const bound = socket.bind(hciAddress(HCI_DEV_NONE, HCI_CHANNEL.CONTROL));
    if (!bound.ok) throw new Error(`no control channel: ${bound.errno}`);
    const header = Buffer.alloc(6);
    header.writeUInt16LE(opcode, 0);
    header.writeUInt16LE(adapter, 2);
    header.writeUInt16LE(parameters.length, 4);
    const sent = socket.send(Buffer.concat([header, parameters]));
    if (!sent.ok) throw new Error(`command ${opcode} not sent: ${sent.errno}`);
    for (let waits = 0; waits < 500; waits++) {
      const frame = socket.receive(1024);
      if (!frame.ok) {
        await sleep(10);
        continue;
      }
      const event = frame.value.readUInt16LE(0);
      const answers = event === EV_CMD_COMPLETE || event === EV_CMD_STATUS;
      if (answers && frame.value.readUInt16LE(6) === opcode) return frame.value.readUInt8(8);
    }
    throw new Error(`command ${opcode} was not answered`);
  } finally {
    socket.close();
  }
}

/** Drops the link to a device, where there is one. @param type of its address: 0 BR/EDR, 1 LE public, 2 LE random */
export async function disconnect(adapter: number, address: string, type = 0): Promise<void> {
  const status = await command(adapter, DISCONNECT, Buffer.concat([addressBytes(address), Buffer.from([type])]));
  if (![0, NOT_CONNECTED, DISCONNECTED].includes(status)) throw new Error(`not disconnected: status ${status}`);
}

/** Whether an adapter advertises over LE, connectable. */
export async function advertise(adapter: number, on: boolean): Promise<void> {
  const CONNECTABLE = 2;
  const status = await command(adapter, SET_ADVERTISING, Buffer.from([on ? CONNECTABLE : 0]));
  if (status !== 0) throw new Error(`advertising was not switched: status ${status}`);
}
