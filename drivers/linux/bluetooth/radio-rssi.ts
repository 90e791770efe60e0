/**
 * The strength of a link that stands: Get Connection Information of the management interface, over the control channel.
 * It needs CAP_NET_ADMIN; whatever goes wrong, the strength is not known, and the proof stands without it.
 */
import type { Bearer, BondedDevice } from '../../hal/bluetooth.ts';
import { bdaddrType, connInfoCommand, LARGEST_FRAME, readConnInfoAnswer } from './radio-mgmt.ts';
import type { RadioSocket } from './radio-sockets.ts';
import * as wire from './radio-structs.ts';
import { awaitEvent, NotProved, type Wait } from './radio-wait.ts';

/** The kernel asks the controller; a controller that does not answer in this time knows no strength. */
const LONGEST_MS = 1000;
/** The control channel tells everybody everything; an answer that does not come among these is not waited for. */
const MOST_FRAMES = 64;

/**
 * @param control an unbound HCI socket
 * @returns dB relative to the golden range (BR/EDR) or dBm (LE); null: not known
 * @throws the signal's reason
 */
export async function linkRssi(
  control: RadioSocket,
  probe: {
    readonly adapter: number;
    readonly address: string;
    readonly addressType: BondedDevice['addressType'];
    readonly bearer: Bearer;
  },
  wait: Wait,
): Promise<number | null> {
  const type = bdaddrType(probe.bearer, probe.addressType);
  const asked = { adapter: probe.adapter, address: probe.address, type };
  if (!control.bind(wire.hciAddress(wire.HCI_DEV_NONE, wire.HCI_CHANNEL.CONTROL)).ok) return null;
  if (!control.send(connInfoCommand(probe.adapter, wire.addressBytes(probe.address), type)).ok) return null;
  const until = Math.min(wait.until, wait.clock.now() + LONGEST_MS);
  try {
    for (let frames = 0; frames < MOST_FRAMES; frames++) {
      await awaitEvent(control, wire.POLL.IN, { ...wait, until });
      const frame = control.receive(LARGEST_FRAME);
      if (!frame.ok) return null;
      const answer = readConnInfoAnswer(frame.value, asked);
      if (answer.type !== 'ignored') return answer.type === 'rssi' ? answer.rssi : null;
    }
  } catch (error) {
    if (!(error instanceof NotProved)) throw error;
  }
  return null;
}
