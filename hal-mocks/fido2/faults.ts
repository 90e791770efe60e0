/**
 * The misbehaviours by name, for whoever drives the virtual authenticator by lines of text. Each is a behaviour of
 * `behaviours.ts` (the wire), `edges.ts` (what firmwares do) or `lies.ts` (answers), with what its number means.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import { CTAP_COMMAND } from '../../drivers/fido2/wire/constants.ts';
import { CTAPHID_ERR } from '../../drivers/fido2/wire/ctaphid.ts';
import type { Behaviour } from './behaviour.ts';
import * as wire from './behaviours.ts';
import * as edges from './edges.ts';
import * as lies from './lies.ts';

export interface Fault {
  /** What it does, in words that follow the name of the key. */
  readonly does: string;
  /** What the number is that may stand behind the name, and which one is meant where none does; null: it takes none. */
  readonly number: { readonly means: string; readonly unless: number } | null;
  readonly make: (n: number) => Behaviour;
}

const plain = (does: string, make: () => Behaviour): Fault => ({ does, number: null, make });
const counted = (does: string, means: string, unless: number, make: (n: number) => Behaviour): Fault => ({
  does,
  number: { means, unless },
  make,
});

const UNKNOWN_COMMAND = 0xf1;
const OTHER_CREDENTIAL = new Uint8Array(48).fill(0x5a);

/** By name. The first group is about the wire, the second about edges of it, the third about answers. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  busy: counted('refuses requests as if another program used it', 'how many', 1, wire.busy),
  'keepalive-storm': counted('sends keep-alives in front of every answer', 'how many', 100, (n) =>
    wire.keepaliveStorm(n),
  ),
  'endless-keepalive': counted('never answers, and says that it is at it', 'every so many ms', 100, (n) =>
    wire.endlessKeepalive(milliseconds(n)),
  ),
  silent: plain('takes requests and says nothing', wire.silent),
  'foreign-traffic': plain('puts a message of another channel in front of every answer', () => wire.foreignTraffic()),
  'wrong-channel': plain('answers on another channel', wire.wrongChannel),
  'short-reports': counted('cuts the reports of its answers', 'bytes that stay', 32, wire.shortReports),
  'merged-reports': plain('hands all reports of an answer over at once', wire.mergedReports),
  'reordered-reports': plain('swaps continuation packets', wire.reorderedReports),
  'truncated-answers': plain('loses the last report of its answers', wire.truncatedAnswers),
  'unplug-at-frame': counted('is pulled out in front of a report of its own', 'which, from now', 1, wire.unplugAtFrame),
  'unplug-at-host-frame': counted(
    'is pulled out at a report of the host',
    'which, from now',
    1,
    wire.unplugAtHostFrame,
  ),

  'hid-error': counted('answers the next request with CTAPHID_ERROR', 'the error', CTAPHID_ERR.INVALID_CHANNEL, (n) =>
    edges.hidError(n),
  ),
  'lost-requests': counted('forgets requests without a word', 'how many', 1, edges.lostRequests),
  'stray-error': counted('sends an error behind every answer', 'the error', CTAPHID_ERR.MSG_TIMEOUT, edges.strayError),
  'any-channel': plain('answers PING on channels that it never gave out', edges.anyChannel),
  'short-nonce': plain('takes CTAPHID_INIT with a nonce that is too short', edges.shortNonce),
  'small-buffer': counted('refuses messages that it said it takes', 'bytes that it takes', 64, edges.smallBuffer),
  'unknown-command-status': counted(
    'has a status of its own for unknown commands',
    'the status',
    UNKNOWN_COMMAND,
    (n) => edges.unknownCommandStatus(n),
  ),

  'unsorted-maps': plain('sends the members of maps out of order', lies.unsortedMaps),
  'long-map-head': plain('sends a map head that is not minimal', lies.longMapHead),
  'indefinite-map': plain('sends a map of indefinite length', lies.indefiniteMap),
  'trailing-bytes': counted('sends bytes behind its answers', 'how many', 1, (n) =>
    lies.trailingBytes(...new Uint8Array(Math.min(n, 64))),
  ),
  'deep-nesting': counted('nests arrays in place of its answers', 'how deep', 1000, (n) =>
    lies.deepNesting(Math.min(n, 7000)),
  ),
  'huge-claim': plain('claims a byte string of 4 GiB', lies.hugeClaim),
  'assertion-status': counted('refuses assertions', 'the status', 0x7f, (n) =>
    lies.answerStatus(CTAP_COMMAND.authenticatorGetAssertion, n),
  ),
  'other-relying-party': plain('signs for another relying party', () => lies.otherRelyingParty()),
  'other-credential': plain('names another credential than the one that signed', () =>
    lies.otherCredentialId(OTHER_CREDENTIAL),
  ),
  'claim-uv': plain('says that the user was verified', () => lies.claimUserVerified(true)),
  'hide-uv': plain('hides that the user was verified', () => lies.claimUserVerified(false)),
  'hide-up': plain('hides that it was touched', lies.hideUserPresence),
  'stuck-counter': counted('always counts the same', 'what', 1, lies.stuckCounter),
  'drop-extensions': plain('leaves the outputs of extensions out', lies.dropExtensions),
  'broken-signature': plain('spoils the signature of its assertions', () => lies.brokenSignature()),
};

/** @returns null where no fault has that name */
export function faultOf(name: string, n: number | null): Behaviour | null {
  const fault = Object.hasOwn(FAULTS, name) ? FAULTS[name] : undefined;
  return fault?.make(n ?? fault.number?.unless ?? 1) ?? null;
}
