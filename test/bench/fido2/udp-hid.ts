/** The report pipe of the FIDO2 lanes for our client: a UDP socket, a report a datagram (drivers/hal/hid.ts). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { HidConnection } from '../../../drivers/hal/hid.ts';
import { ReportQueue } from '../../../drivers/linux/hid/report-queue.ts';

const SIZE = 64;

export async function udpConnection(port: number): Promise<HidConnection> {
  const socket = createSocket('udp4');
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const queue = new ReportQueue(SIZE);
  socket.on('message', (report) => queue.push(report));
  socket.on('error', (cause) => queue.fail(new UnlockdError('ERR_HAL_IO', 'the socket failed', { cause })));
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    queue.fail(new UnlockdError('ERR_HAL_CLOSED', 'the connection was closed'));
    socket.close();
  };
  return {
    reportSize: { input: SIZE, output: SIZE },
    read: ({ signal }) => queue.next(signal),
    write: async (report) => {
      socket.send(report);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
