/**
 * Ready-made misbehaviours of the answers: hostile CBOR, and authenticator data that is signed correctly but says what
 * is not so (CTAP 2.1 §8; WebAuthn §6.1, §7.2). A client that checks only the signature falls for every one of them.
 */
import { concat } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { AUTH_DATA_FLAG, CTAP_COMMAND, GET_ASSERTION_RESPONSE } from '../../drivers/fido2/wire/constants.ts';
import { CTAP_STATUS } from '../../drivers/fido2/wire/status-codes.ts';
import type { Behaviour } from './behaviour.ts';
import { rpIdHashOf } from './credential.ts';

const hasBody = (bytes: Uint8Array): boolean => bytes[0] === CTAP_STATUS.CTAP2_OK && bytes.length > 1;

/** Answers every request to `command` with exactly these bytes (status byte first). */
export const answerWith = (command: number, bytes: Uint8Array): Behaviour => ({
  name: `fixed bytes for command ${command}`,
  encoded: (own, reply) => (reply.command === command ? bytes : own),
});

/** Answers every request to `command` with a status and nothing else. */
export const answerStatus = (command: number, status: number): Behaviour => ({
  ...answerWith(command, Uint8Array.of(status)),
  name: `status ${status} for command ${command}`,
});

/** Sends the members of a map in reverse order: real keys do, and a client tolerates it. */
export const unsortedMaps = (): Behaviour => ({
  name: 'map members out of order',
  encoded: (bytes, reply) => {
    if (!hasBody(bytes) || reply.body === null) return bytes;
    const members = splitMembers(bytes.subarray(1), reply.body);
    return concat(bytes.subarray(0, 2), ...members.reverse());
  },
});

/** Writes the outermost map head with one byte more than needed. */
export const longMapHead = (): Behaviour => ({
  name: 'a map head that is not minimal',
  encoded: (bytes) =>
    hasBody(bytes) ? concat(Uint8Array.of(bytes[0] ?? 0, 0xb8, (bytes[1] ?? 0) & 0x1f), bytes.subarray(2)) : bytes,
});

/** Leaves the outermost map open (indefinite length). */
export const indefiniteMap = (): Behaviour => ({
  name: 'a map of indefinite length',
  encoded: (bytes) =>
    hasBody(bytes) ? concat(Uint8Array.of(bytes[0] ?? 0, 0xbf), bytes.subarray(2), Uint8Array.of(0xff)) : bytes,
});

/** Adds bytes behind the CBOR item. */
export const trailingBytes = (...extra: number[]): Behaviour => ({
  name: 'bytes behind the answer',
  encoded: (bytes) => (hasBody(bytes) ? concat(bytes, Uint8Array.from(extra)) : bytes),
});

/** Nests an array `depth` deep in place of the answer. */
export const deepNesting = (depth: number): Behaviour => ({
  name: `nested ${depth} deep`,
  encoded: (bytes) => (hasBody(bytes) ? concat(Uint8Array.of(0), new Uint8Array(depth).fill(0x81)) : bytes),
});

/** Claims a byte string of 4 GiB. */
export const hugeClaim = (): Behaviour => ({
  name: 'a byte string of 4 GiB',
  encoded: (bytes) => (hasBody(bytes) ? Uint8Array.of(0, 0xa1, 0x01, 0x5a, 0xff, 0xff, 0xff, 0xff) : bytes),
});

/** Sends authenticator data of another relying party. */
export const otherRelyingParty = (rpId = 'elsewhere.example'): Behaviour => ({
  name: 'rpIdHash of another relying party',
  authData: (parts) => ({ ...parts, rpIdHash: rpIdHashOf(rpId) }),
});

/** Claims that the user was verified although no PIN came, or hides that he was. */
export const claimUserVerified = (verified: boolean): Behaviour => ({
  name: verified ? 'UV claimed' : 'UV hidden',
  authData: (parts) => ({
    ...parts,
    flags: verified ? parts.flags | AUTH_DATA_FLAG.UV : parts.flags & ~AUTH_DATA_FLAG.UV,
  }),
});

/** Hides that it was touched. */
export const hideUserPresence = (): Behaviour => ({
  name: 'UP hidden',
  authData: (parts) => ({ ...parts, flags: parts.flags & ~AUTH_DATA_FLAG.UP }),
});

/** Always counts the same: what a clone looks like. */
export const stuckCounter = (signCount: number): Behaviour => ({
  name: `counter stuck at ${signCount}`,
  authData: (parts) => ({ ...parts, signCount }),
});

/** Leaves the outputs of all extensions out. */
export const dropExtensions = (): Behaviour => ({
  name: 'no extension outputs',
  authData: (parts) => ({ ...parts, flags: parts.flags & ~AUTH_DATA_FLAG.ED, extensions: new Map() }),
});

/** Puts something else in the place of an extension's output. */
export const extensionOutput = (name: string, output: CborValue): Behaviour => ({
  name: `extension ${name} replaced`,
  authData: (parts) => ({
    ...parts,
    flags: parts.flags | AUTH_DATA_FLAG.ED,
    extensions: new Map([...parts.extensions, [name, output]]),
  }),
});

const GET_ASSERTION_COMMAND = CTAP_COMMAND.authenticatorGetAssertion;

/**
 * Changes members of the answers to a command (all of them, whatever their subcommand): `undefined` leaves one out. An
 * answer without members, or a refusal, stays as it is.
 */
export const changeAnswer = (
  command: number,
  members: readonly (readonly [number, CborValue | undefined])[],
): Behaviour => ({
  name: `members ${members.map(([member]) => member).join(', ')} changed in answers to command ${command}`,
  reply: (reply) => {
    if (reply.command !== command || reply.body === null) return reply;
    const body = new Map(reply.body);
    for (const [member, value] of members) {
      if (value === undefined) body.delete(member);
      else body.set(member, value);
    }
    return { ...reply, body };
  },
});

/** Answers every request to a command with these members, also what it would have refused: lists without end. */
export const alwaysAnswer = (command: number, members: readonly (readonly [number, CborValue])[]): Behaviour => ({
  name: `the same answer to every command ${command}`,
  reply: (reply) =>
    reply.command === command ? { ...reply, status: CTAP_STATUS.CTAP2_OK, body: new Map(members) } : reply,
});

/** Names another credential than the one that signed. */
export const otherCredentialId = (id: Uint8Array, command: number = GET_ASSERTION_COMMAND): Behaviour => ({
  ...changeAnswer(command, [
    [
      GET_ASSERTION_RESPONSE.credential,
      new Map<string, CborValue>([
        ['id', id],
        ['type', 'public-key'],
      ]),
    ],
  ]),
  name: 'the id of another credential',
});

/** Flips one bit of the signature's last byte. */
export const brokenSignature = (command: number = GET_ASSERTION_COMMAND): Behaviour => ({
  name: 'a broken signature',
  reply: (reply) => {
    const signature = reply.body?.get(GET_ASSERTION_RESPONSE.signature);
    if (reply.command !== command || reply.body === null || !(signature instanceof Uint8Array)) return reply;
    const changed = new Uint8Array(signature);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    return { ...reply, body: new Map([...reply.body, [GET_ASSERTION_RESPONSE.signature, changed]]) };
  },
});

/** The encoded members of the outermost map, in the order in which they stand. */
function splitMembers(map: Uint8Array, body: CborMap): Uint8Array[] {
  const members: Uint8Array[] = [];
  let at = 1;
  for (let i = 0; i < body.size; i++) {
    const end = skip(map, skip(map, at));
    members.push(map.subarray(at, end));
    at = end;
  }
  return members;
}

/** Where the item that starts at `at` ends; only for what this authenticator encoded itself. */
function skip(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const [major, info] = [first >> 5, first & 0x1f];
  const extra = info < 24 ? 0 : 1 << (info - 24);
  const length =
    extra === 0 ? info : Number.parseInt(Buffer.from(bytes.subarray(at + 1, at + 1 + extra)).toString('hex'), 16);
  let end = at + 1 + extra;
  if (major === 2 || major === 3) return end + length;
  const items = major === 4 ? length : major === 5 ? 2 * length : 0;
  for (let i = 0; i < items; i++) end = skip(bytes, end);
  return end;
}
