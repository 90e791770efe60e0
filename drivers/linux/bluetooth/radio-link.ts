/**
 * What a connected link says of itself: the security level and key size of the channel (BT_SECURITY), and the AUTH and
 * ENCRYPT flags of the very link that carries it (L2CAP_CONNINFO names it, HCIGETCONNINFO describes it). All of them are
 * the kernel's facts after the connection, none is what was asked for.
 */
import type { Bearer, LinkLevel } from '../../hal/bluetooth.ts';
import type { RadioSocket } from './radio-sockets.ts';
import * as wire from './radio-structs.ts';
import { must, NotProved } from './radio-wait.ts';

/** Bytes; the specification allows 7 to 16. What is shorter can be tried out. */
const FULL_KEY = 16;

/**
 * Reads the facts of a connected channel and demands them.
 * @param hci an HCI socket that is bound to the adapter
 * @throws NotProved where the link is less than what was asked for
 */
export function linkFacts(
  link: RadioSocket,
  hci: RadioSocket,
  probe: { readonly address: string; readonly bearer: Bearer; readonly minLevel: LinkLevel },
): { readonly authenticated: boolean; readonly keySize: number } {
  const handle = wire.readHandle(must(link.option(wire.L2CAP_CONNINFO, wire.CONNINFO_BYTES), 'link', 'link'));
  const kind = probe.bearer === 'LE' ? wire.LE_LINK : wire.ACL_LINK;
  const request = wire.connInfoRequest(wire.addressBytes(probe.address), kind);
  must(hci.ioctl(wire.HCIGETCONNINFO, request), 'link', 'link');
  const info = wire.readConnInfo(request);
  if (info.handle !== handle || info.address !== probe.address || info.link !== kind)
    throw new NotProved('failed', 'the kernel describes another link than the one that was made');
  // A channel may come up over a link that was left bare by an attempt that failed: nobody proved a key there.
  if ((info.mode & wire.HCI_LM.AUTH) === 0) throw new NotProved('refused', 'the link is not authenticated');
  if ((info.mode & wire.HCI_LM.ENCRYPT) === 0) throw new NotProved('refused', 'the link is not encrypted');
  const security = must(link.option(wire.BT_SECURITY, wire.SECURITY_BYTES), 'link', 'security level');
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
