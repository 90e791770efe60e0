/**
 * One probe: a connection that the kernel makes only over a link secured with the bonded key, then what the link itself
 * says. BR/EDR: L2CAP to PSM 1 (SDP, on every device); LE: the ATT channel. Whatever answers without the key gets no
 * connection; a connection alone proves nothing until its link says AUTH and ENCRYPT. Core specification, vol. 3 part C, 5.
 */
import type { Clock } from '../../base/clock.ts';
import type { Bearer, Probe } from '../../hal/bluetooth.ts';
import type { AnyRssi } from '../../hal/rssi.ts';
import { endOf, linkEncrypted, linkFacts, linkStands } from './radio-link.ts';
import { bdaddrType } from './radio-mgmt.ts';
import type { RadioProbe } from './radio-prober.ts';
import { linkRssi } from './radio-rssi.ts';
import type { RadioSocket, RadioSockets } from './radio-sockets.ts';
import * as wire from './radio-structs.ts';
import { awaitEvent, eventCame, must, NotProved, type Wait } from './radio-wait.ts';

export type LinkProbe = Omit<RadioProbe, 'signal'>;

type Outcome = Probe['outcome'];

/**
 * Milliseconds. A controller gives a page up after 5.12 s (Page_Timeout of the Core specification, its default). This is
 * a little less, so that it is we who end it: kernels are known that fall over a connection that fails by itself (ADR 20).
 */
const PAGE = 4800;
/** Service discovery: every BR/EDR device serves it. */
const PSM_SDP = 1;
const CID_ATT = 4;
/** ATT_EXCHANGE_MTU_REQ with the smallest MTU, and the two answers that there are to it. */
const ATT_QUESTION = Buffer.from([0x02, 23, 0]);
const ATT_ERROR_RSP = 0x01;
const ATT_EXCHANGE_MTU_RSP = 0x03;
const ATT_LARGEST = 512;

/**
 * Probes one device.
 * @returns an outcome for every hardware reason; all sockets are closed by then, which gives up a link that nobody else uses
 * @throws the reason of `signal`, nothing else; a connection that was being made is then cancelled on the air
 */
export async function probeLink(
  probe: LinkProbe,
  options: { readonly sockets: RadioSockets; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Outcome> {
  const { sockets, clock, signal } = options;
  const wait: Wait = { clock, until: clock.now() + probe.within, signal };
  const opened: RadioSocket[] = [];
  const open = (kind: 'L2CAP' | 'HCI'): RadioSocket => {
    const socket = must(sockets.open(kind), 'socket', 'Bluetooth socket');
    opened.push(socket);
    return socket;
  };
  try {
    signal.throwIfAborted();
    const hci = open('HCI');
    const link = open('L2CAP');
    startConnecting(link, ownAddress(hci, probe.adapter), probe);
    await connected(link, hci, probe, wait);
    if (probe.bearer === 'LE') await linkEncrypted(link, hci, probe, wait);
    linkFacts(link, hci, probe);
    if (probe.bearer === 'LE') await answeredOverLink(link, wait);
    const rssi = await linkRssi(open('HCI'), probe, wait);
    // Asked again: what held before the strength was read has to hold at the end.
    const { authenticated, keySize } = linkFacts(link, hci, probe);
    return { proved: true, encrypted: true, authenticated, keySize, rssi: scaled(probe.bearer, rssi) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NotProved) return { proved: false, reason: error.reason, detail: error.message };
    return { proved: false, reason: 'failed', detail: error instanceof Error ? error.message : 'unknown error' };
  } finally {
    for (const socket of opened) socket.close();
  }
}

function scaled(bearer: Bearer, value: number | null): AnyRssi | null {
  if (value === null) return null;
  return bearer === 'LE' ? { scale: 'dBm', value } : { scale: 'relative', value };
}

function ownAddress(hci: RadioSocket, adapter: number): Buffer {
  const info = wire.devInfoRequest(adapter);
  must(hci.ioctl(wire.HCIGETDEVINFO, info), 'socket', `hci${adapter}`);
  const { address, up } = wire.readDevInfo(info);
  if (!up) throw new NotProved('radio-off', `hci${adapter} is switched off`);
  must(hci.bind(wire.hciAddress(adapter, wire.HCI_CHANNEL.RAW)), 'socket', `hci${adapter}`);
  return address;
}

function startConnecting(link: RadioSocket, own: Buffer, probe: LinkProbe): void {
  const { psm, cid } = probe.bearer === 'LE' ? { psm: 0, cid: CID_ATT } : { psm: PSM_SDP, cid: 0 };
  const from = { psm: 0, cid, address: own, type: bdaddrType(probe.bearer, 'public') };
  must(link.bind(wire.l2capAddress(from)), 'socket', 'own address');
  const level = Buffer.from([wire.SECURITY_LEVEL[probe.minLevel], 0]);
  must(link.setOption(wire.BT_SECURITY, level), 'socket', 'security level');
  const type = bdaddrType(probe.bearer, probe.addressType);
  const to = wire.l2capAddress({ psm, cid, address: wire.addressBytes(probe.address), type });
  const started = link.connect(to);
  if (!started.ok && started.errno !== 'EINPROGRESS') {
    // Nobody was asked yet: a refusal at once is this host's own.
    must(started, started.errno === 'EACCES' ? 'socket' : 'link', 'connection');
  }
}

async function connected(link: RadioSocket, hci: RadioSocket, probe: LinkProbe, wait: Wait): Promise<void> {
  const paging = { ...wait, until: Math.min(wait.until, wait.clock.now() + PAGE) };
  const paged =
    probe.bearer === 'LE' || (await eventCame(link, wire.POLL.OUT, paging)) || linkStands(hci, probe.address);
  if (!paged) throw new NotProved('unreachable', 'nobody answered the page');
  await awaitEvent(link, wire.POLL.OUT, wait);
  const end = endOf(link, probe.bearer);
  if (end !== null) throw end;
}

/** An LE channel may stand on a link that was made long before: only an answer over it says that the device is there now. */
async function answeredOverLink(link: RadioSocket, wait: Wait): Promise<void> {
  must(link.send(ATT_QUESTION), 'link', 'attribute channel');
  for (let frames = 0; frames < 16; frames++) {
    await awaitEvent(link, wire.POLL.IN, wait);
    const [opcode] = must(link.receive(ATT_LARGEST), 'link', 'attribute channel');
    if (opcode === ATT_EXCHANGE_MTU_RSP || opcode === ATT_ERROR_RSP) return;
    if (opcode === undefined) throw new NotProved('unreachable', 'the device closed the attribute channel');
  }
  throw new NotProved('failed', 'the device says everything but the answer');
}
