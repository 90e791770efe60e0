/** One command to a software TPM over a connection of its own, as bytes, before any driver is involved. */
import { connect } from 'node:net';
import type { Milliseconds } from '../../drivers/base/brand.ts';
import { concat } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';

export type SwtpmAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const HEADER_SIZE = 10;
const MAX_SIZE = 4096;

/** The response, or null when there was none within `deadline`: nobody listens, or another client has the TPM. */
export function rawCommand(
  address: SwtpmAddress,
  command: Uint8Array,
  clock: Clock,
  deadline: Milliseconds,
): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    let received: Uint8Array<ArrayBuffer> = new Uint8Array(0);
    const socket = connect(address);
    const end = (answer: Uint8Array | null) => {
      stop();
      socket.destroy();
      resolve(answer);
    };
    const stop = clock.timer(deadline, () => end(null));
    socket.on('connect', () => socket.write(command));
    socket.on('error', () => end(null));
    socket.on('close', () => end(null));
    socket.on('data', (chunk) => {
      received = concat(received, chunk);
      if (received.length < HEADER_SIZE) return;
      const size = new DataView(received.buffer).getUint32(2);
      if (size > MAX_SIZE || received.length > size) end(null);
      else if (received.length === size) end(received);
    });
  });
}
