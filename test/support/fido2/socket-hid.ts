/** Virtual keys behind sockets of this machine, a report a datagram or a 16-bit length and a report, as the HID seam. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { concat, u16 } from '../../../drivers/base/bytes.ts';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidConnection } from '../../../drivers/hal/hid.ts';
import { ReportQueue } from '../../../drivers/linux/hid/report-queue.ts';
import { InProcessHid } from '../../../hal-mocks/fido2/in-process-hid.ts';
import { TcpServer } from '../../../hal-mocks/fido2/tcp-server.ts';
import { UdpServer } from '../../../hal-mocks/fido2/udp-server.ts';
import type { VirtualAuthenticator } from '../../../hal-mocks/fido2/virtual-authenticator.ts';

const SIZE = 64;
const HEAD = 2;

interface Wire {
  readonly send: (report: Uint8Array) => void;
  readonly end: () => void;
}

/** @param gone the other side ended it */
type Dial = (port: number, take: (data: Uint8Array) => void, gone: () => void) => Promise<Wire>;

const overTcp: Dial = async (port, take, gone) => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let rest: Uint8Array = new Uint8Array(0);
  socket.on('data', (chunk) => {
    rest = concat(rest, chunk);
    for (;;) {
      const length = ((rest[0] ?? 0) << 8) | (rest[1] ?? 0);
      if (rest.length < HEAD || rest.length < HEAD + length) return;
      take(rest.slice(HEAD, HEAD + length));
      rest = rest.slice(HEAD + length);
    }
  });
  socket.on('close', gone);
  await once(socket, 'connect');
  socket.on('error', gone);
  return { send: (report) => socket.write(concat(u16(report.length), report)), end: () => socket.destroy() };
};

const overUdp: Dial = async (port, take) => {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('message', take);
  socket.on('error', () => undefined);
  let ended = false;
  return {
    send: (report) => {
      if (!ended) socket.send(report);
    },
    end: () => {
      if (!ended) socket.close();
      ended = true;
    },
  };
};

const servers = new WeakMap<VirtualAuthenticator, Promise<TcpServer | UdpServer>>();

export class SocketHid extends InProcessHid {
  readonly #keys: readonly VirtualAuthenticator[];
  readonly #protocol: 'tcp' | 'udp';

  constructor(protocol: 'tcp' | 'udp', ...keys: readonly VirtualAuthenticator[]) {
    super(...keys);
    this.#keys = keys;
    this.#protocol = protocol;
  }

  override async open(path: string, options: { signal: AbortSignal }): Promise<HidConnection> {
    // Says what is wrong where nothing is plugged in.
    await (await super.open(path, options)).close();
    const key = this.#keys[Number(path.split(':').at(-1))];
    if (key === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', path);
    const isTcp = this.#protocol === 'tcp';
    const starting = servers.get(key) ?? (isTcp ? TcpServer : UdpServer).start(key, 0);
    servers.set(key, starting);
    const { port } = await starting;
    const queue = new ReportQueue(SIZE);
    const gone = () => queue.fail(new UnlockdError('ERR_HAL_DISCONNECTED', 'the key was pulled out'));
    const wire = await (isTcp ? overTcp : overUdp)(port, (data) => queue.push(data), gone);
    // A datagram socket does not hear that its other side went; a host does.
    const stopListening = key.onPlug((event) => {
      if (event === 'removed') gone();
    });
    const close = async () => {
      stopListening();
      queue.fail(new UnlockdError('ERR_HAL_CLOSED', 'the connection was closed'));
      wire.end();
    };
    return {
      reportSize: { input: SIZE, output: SIZE },
      read: ({ signal }) => queue.next(signal),
      write: async (report) => {
        if (queue.failure !== null) throw queue.failure;
        wire.send(report);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  }
}
