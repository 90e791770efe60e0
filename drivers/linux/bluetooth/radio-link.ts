/**
 * What a connected link says of itself: the security level and key size of the channel (BT_SECURITY), and the AUTH and
 * ENCRYPT flags of the very link that carries it (L2CAP_CONNINFO names it, HCIGETCONNINFO describes it). All of them are
 * the kernel's facts after the connection, none is what was asked for.
 */
import { milliseconds } from '../../base/brand.ts';
import type { Bearer, LinkLevel } from '../../hal/bluetooth.ts';
import { errnoName } from '../libc.ts';
import { failureOfErrno } from './radio-errno.ts';
import type { Answer, RadioSocket } from './radio-sockets.ts';
import * as wire from './radio-structs.ts';
import { eventCame, NotProved, type Wait } from './radio-wait.ts';

/** Bytes; the specification allows 7 to 16. What is shorter can be tried out. */
const FULL_KEY = 16;
/** How often a link that is being encrypted is looked at. */
const LOOK_AGAIN = milliseconds(10);

interface AskedLink {
  readonly address: string;
  readonly bearer: Bearer;
}

/** Why the connection ended or was not made; null: it did not. Asking takes the error out of the socket. */
export function endOf(link: RadioSocket, bearer: Bearer): NotProved | null {
  const answer = link.option(wire.SO_ERROR, 4);
  const errno = answer.ok ? wire.readInt(answer.value) : 0;
  if (errno === 0) return null;
  const name = errnoName(errno);
  // This host ends an LE link, as whoever terminated it, when the encryption failed: somebody was there, without the key.
  if (bearer === 'LE' && name === 'ECONNABORTED')
    return new NotProved('refused', 'this host ended the link before it was encrypted');
  return new NotProved(failureOfErrno(name, 'link'), `connection: ${name}`);
}

/** What the kernel says of the link. Where there is none any more, the socket knows better why than the call that missed it. */
function ofLink<T>(answer: Answer<T>, link: RadioSocket, bearer: Bearer): T {
  if (answer.ok) return answer.value;
  throw endOf(link, bearer) ?? new NotProved(failureOfErrno(answer.errno, 'link'), `link: ${answer.errno}`);
}

function linkInfo(link: RadioSocket, hci: RadioSocket, { address, bearer }: AskedLink): wire.ConnInfo {
  const kind = bearer === 'LE' ? wire.LE_LINK : wire.ACL_LINK;
  const request = wire.connInfoRequest(wire.addressBytes(address), kind);
  ofLink(hci.ioctl(wire.HCIGETCONNINFO, request), link, bearer);
  return wire.readConnInfo(request);
}

/**
 * Waits until an LE link is encrypted. The kernel lets the attribute channel up with the first packet that comes over it,
 * whatever level was asked for; phones and impostors send one at once, while the key is still being proved.
 * @throws NotProved where the link ends before, or the time does
 */
export async function linkEncrypted(link: RadioSocket, hci: RadioSocket, asked: AskedLink, wait: Wait): Promise<void> {
  const { clock, until } = wait;
  while ((linkInfo(link, hci, asked).mode & wire.HCI_LM.ENCRYPT) === 0) {
    if (clock.now() >= until) throw new NotProved('refused', 'the link was not encrypted in time');
    // No event but its end.
    const ended = await eventCame(link, 0, { ...wait, until: Math.min(until, clock.now() + LOOK_AGAIN) });
    if (ended) throw endOf(link, asked.bearer) ?? new NotProved('unreachable', 'the link ended');
  }
}

/**
 * Reads the facts of a connected channel and demands them.
 * @param hci an HCI socket that is bound to the adapter
 * @throws NotProved where the link is less than what was asked for
 */
export function linkFacts(
  link: RadioSocket,
  hci: RadioSocket,
  probe: AskedLink & { readonly minLevel: LinkLevel },
): { readonly authenticated: boolean; readonly keySize: number } {
  const { bearer } = probe;
  const kind = bearer === 'LE' ? wire.LE_LINK : wire.ACL_LINK;
  const handle = wire.readHandle(ofLink(link.option(wire.L2CAP_CONNINFO, wire.CONNINFO_BYTES), link, bearer));
  const info = linkInfo(link, hci, probe);
  if (info.handle !== handle || info.address !== probe.address || info.link !== kind)
    throw new NotProved('failed', 'the kernel describes another link than the one that was made');
  // A channel may come up over a link that was left bare by an attempt that failed: nobody proved a key there.
  if ((info.mode & wire.HCI_LM.AUTH) === 0) throw new NotProved('refused', 'the link is not authenticated');
  if ((info.mode & wire.HCI_LM.ENCRYPT) === 0) throw new NotProved('refused', 'the link is not encrypted');
  const security = ofLink(link.option(wire.BT_SECURITY, wire.SECURITY_BYTES), link, bearer);
  const level = security.readUInt8(0);
  const keySize = security.readUInt8(1);
  const wanted = wire.SECURITY_LEVEL[probe.minLevel];
  if (level < wanted) throw new NotProved('weak-link', `the link has security level ${level} of ${wanted}`);
  if (keySize > FULL_KEY) throw new NotProved('failed', `a key of ${keySize} bytes does not exist`);
  if (keySize < FULL_KEY) throw new NotProved('weak-link', `the key has ${keySize} bytes of ${FULL_KEY}`);
  return { authenticated: level >= wire.SECURITY_LEVEL.high, keySize };
}

/** Whether there is a link to the device at all, secured or not. */
export function linkStands(hci: RadioSocket, address: string): boolean {
  const request = wire.connInfoRequest(wire.addressBytes(address), wire.ACL_LINK);
  return hci.ioctl(wire.HCIGETCONNINFO, request).ok && wire.readConnInfo(request).connected;
}
