/**
 * A link without any key: what anybody within range can open who knows the computer's address. L2CAP to service
 * discovery at security level LOW, which every device grants before it knows whom it talks to.
 */
import { systemClock } from '../../../drivers/base/clock.ts';
import { kernelSockets, type RadioSocket } from '../../../drivers/linux/bluetooth/radio-sockets.ts';
import * as wire from '../../../drivers/linux/bluetooth/radio-structs.ts';
import { awaitEvent, must } from '../../../drivers/linux/bluetooth/radio-wait.ts';

const BT_SECURITY_LOW = 1;
const PSM_SDP = 1;

/** Opens one from an adapter, as the address that it has. Whoever called closes it. */
export async function openBareLink(own: string, to: string): Promise<RadioSocket> {
  const socket = must(kernelSockets.open('L2CAP'), 'socket', 'socket');
  const address = (text: string, psm: number) =>
    wire.l2capAddress({ address: wire.addressBytes(text), type: wire.BDADDR['BR/EDR'], psm, cid: 0 });
  try {
    must(socket.bind(address(own, 0)), 'socket', 'own address');
    must(socket.setOption(wire.BT_SECURITY, Buffer.from([BT_SECURITY_LOW, 0])), 'socket', 'level');
    const started = socket.connect(address(to, PSM_SDP));
    if (!started.ok && started.errno !== 'EINPROGRESS') must(started, 'link', 'bare link');
    const signal = new AbortController().signal;
    await awaitEvent(socket, wire.POLL.OUT, { clock: systemClock, until: systemClock.now() + 10_000, signal });
    const error = wire.readInt(must(socket.option(wire.SO_ERROR, 4), 'link', 'bare link'));
    if (error !== 0) throw new Error(`bare link: errno ${error}`);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
