/**
 * Commands of the kernel's management interface that make a phone of the second adapter: its link keys and its links.
 * doc/mgmt-api.txt of BlueZ. The daemon is not asked and does not notice: so an impostor is the same phone without keys.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { kernelSockets } from '../../../drivers/linux/bluetooth/radio-sockets.ts';
import { addressBytes, HCI_CHANNEL, HCI_DEV_NONE, hciAddress } from '../../../drivers/linux/bluetooth/radio-structs.ts';

const LOAD_LINK_KEYS = 0x0012;
const DISCONNECT = 0x0014;
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

export interface LinkKey {
  readonly address: string;
  /** Of the specification; 8: authenticated, P-256. */
  readonly type: number;
  readonly value: Buffer;
}

/** Replaces all link keys of an adapter by these. */
export async function loadLinkKeys(adapter: number, keys: readonly LinkKey[]): Promise<void> {
  const head = Buffer.from([0, keys.length, 0]);
  const each = keys.map(({ address, type, value }) =>
    Buffer.concat([addressBytes(address), Buffer.from([0, type]), value, Buffer.from([0])]),
  );
  const status = await command(adapter, LOAD_LINK_KEYS, Buffer.concat([head, ...each]));
  if (status !== 0) throw new Error(`the link keys were not loaded: status ${status}`);
}

/** Drops the link to a device, where there is one. @param type of its address: 0 BR/EDR, 1 LE public, 2 LE random */
export async function disconnect(adapter: number, address: string, type = 0): Promise<void> {
  const status = await command(adapter, DISCONNECT, Buffer.concat([addressBytes(address), Buffer.from([type])]));
  const NOT_CONNECTED = 2;
  if (status !== 0 && status !== NOT_CONNECTED) throw new Error(`not disconnected: status ${status}`);
}
