/** A kernel whose Bluetooth sockets say what a test wants; it keeps count of what was opened and closed. */
import type {
  Answer,
  RadioSocket,
  RadioSocketKind,
  RadioSockets,
} from '../../../drivers/linux/bluetooth/radio-sockets.ts';
import * as wire from '../../../drivers/linux/bluetooth/radio-structs.ts';

const ok = <T>(value: T): Answer<T> => ({ ok: true, value });
const no = (errno: string): Answer<never> => ({ ok: false, errno });

/** What the kernel says, in terms of the link; every field has an honest value. */
export interface Said {
  open: string | null;
  /** Errno of the first ioctl; null: the adapter is there. */
  adapter: string | null;
  up: boolean;
  bind: string | null;
  /** What connect(2) says at once. */
  connect: string;
  /** Rounds of waiting until the connection is decided; Infinity: never. */
  rounds: number;
  /** SO_ERROR. */
  error: number;
  handle: number;
  info: { handle: number; address: string; link: number; mode: number } | string;
  /** Whether the link stands, or is being made. */
  standing: boolean;
  level: number;
  keySize: number;
  /** Frames that the control channel gives; null: nobody may bind it. */
  frames: readonly Buffer[] | null;
  /** Whether the connection has ended since it was made; SO_ERROR tells why. */
  ended: boolean;
  /** What the attribute channel answers. */
  att: readonly Buffer[];
}

export const ADDRESS = 'aa:bb:cc:dd:ee:01';

export const honest = (): Said => ({
  open: null,
  adapter: null,
  up: true,
  bind: null,
  connect: 'EINPROGRESS',
  rounds: 2,
  error: 0,
  handle: 42,
  info: { handle: 42, address: ADDRESS, link: wire.ACL_LINK, mode: 0x47 },
  standing: true,
  level: 4,
  keySize: 16,
  frames: [connInfoFrame(0, ADDRESS, 0, -3)],
  ended: false,
  att: [Buffer.from([3, 23, 0])],
});

/** Command complete of Get Connection Information. */
export function connInfoFrame(status: number, address: string, type: number, rssi: number): Buffer {
  const parameters = Buffer.from([0x31, 0, status, ...wire.addressBytes(address), type, rssi & 0xff, 4, 4]);
  return Buffer.concat([Buffer.from([1, 0, 0, 0, parameters.length, 0]), parameters]);
}

export class FakeKernel implements RadioSockets {
  readonly said: Said;
  opened = 0;
  closed = 0;
  /** Addresses that were bound or connected to, in hexadecimal. */
  readonly addresses: string[] = [];
  readonly levels: number[] = [];
  /** Called before each wait. */
  onWait: () => void = () => undefined;

  constructor(said: Partial<Said> = {}) {
    this.said = { ...honest(), ...said };
  }

  open(kind: RadioSocketKind): Answer<RadioSocket> {
    if (this.said.open !== null) return no(this.said.open);
    this.opened++;
    return ok(kind === 'L2CAP' ? this.#link() : this.#hci());
  }

  #socket(parts: Partial<RadioSocket>): RadioSocket {
    let open = true;
    return {
      bind: (address) => {
        this.addresses.push(`bind ${address.toString('hex')}`);
        return ok(undefined);
      },
      connect: () => no('EINVAL'),
      option: () => no('EINVAL'),
      setOption: () => no('EINVAL'),
      ioctl: () => no('EINVAL'),
      ready: async () => 0,
      receive: () => no('EAGAIN'),
      send: () => ok(undefined),
      ...parts,
      close: () => {
        if (open) this.closed++;
        open = false;
      },
    };
  }

  #link(): RadioSocket {
    const { said } = this;
    const att = [...said.att];
    let rounds = said.rounds;
    let answered = false;
    return this.#socket({
      connect: (address) => {
        this.addresses.push(`connect ${address.toString('hex')}`);
        return said.connect === '' ? ok(undefined) : no(said.connect);
      },
      setOption: (_option, value) => {
        this.levels.push(value.readUInt8(0));
        return ok(undefined);
      },
      option: ([level, name]) => {
        if (level === 1 && name === 4) {
          const value = Buffer.alloc(4);
          value.writeInt32LE(said.error, 0);
          return ok(value);
        }
        if (level === 6) return ok(Buffer.from([said.handle, 0, 0, 0, 0, 0]));
        return ok(Buffer.from([said.level, said.keySize]));
      },
      ready: async (events) => {
        this.onWait();
        if (events === 0) return said.ended ? wire.POLL.HUP : 0;
        if (events === wire.POLL.OUT) return rounds-- > 0 ? 0 : wire.POLL.OUT;
        return answered && att.length > 0 ? wire.POLL.IN : 0;
      },
      send: () => {
        answered = true;
        return ok(undefined);
      },
      receive: () => ok(att.shift() ?? Buffer.alloc(0)),
    });
  }

  #hci(): RadioSocket {
    const { said } = this;
    const frames = [...(said.frames ?? [])];
    return this.#socket({
      bind: (address) => {
        const control = address.readUInt16LE(4) === wire.HCI_CHANNEL.CONTROL;
        if (control) return said.frames === null ? no('EPERM') : ok(undefined);
        return said.bind === null ? ok(undefined) : no(said.bind);
      },
      ioctl: (request, argument) => {
        if (request === wire.HCIGETDEVINFO) {
          if (said.adapter !== null) return no(said.adapter);
          argument.set(wire.addressBytes('00:11:22:33:44:55'), 10);
          argument.writeUInt32LE(said.up ? 1 : 0, 16);
          return ok(undefined);
        }
        if (typeof said.info === 'string') return no(said.info);
        argument.writeUInt16LE(said.info.handle, 8);
        argument.set(wire.addressBytes(said.info.address), 10);
        argument.writeUInt8(said.info.link, 16);
        argument.writeUInt16LE(said.standing ? 1 : 5, 18);
        argument.writeUInt32LE(said.info.mode, 20);
        return ok(undefined);
      },
      ready: async () => {
        this.onWait();
        return frames.length > 0 ? wire.POLL.IN : 0;
      },
      receive: () => {
        const frame = frames.shift();
        return frame === undefined ? no('EAGAIN') : ok(frame);
      },
    });
  }
}
