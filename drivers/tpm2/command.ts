/**
 * One command as bytes, and one response checked (Part 1 §18, §19). Pure: what is built and what is verified depends
 * on the request, the sessions and fresh nonces only. `tpm.ts` sends it.
 */
import { concat, u16, u32 } from '../base/bytes.ts';
import type { Entropy } from '../base/entropy.ts';
import type { Authorization, SessionFlags, SessionUse } from './authorization.ts';
import { TpmResponseError } from './response-error.ts';
import type { Session } from './session.ts';
import { type CommandName, TPM_CC, TPM_RH, TPM_ST, TPMA_SESSION } from './wire/constants.ts';
import { sha256 } from './wire/hash.ts';
import { malformed, reader, readTpm2b, tpm2b } from './wire/marshal.ts';

export interface HandleUse {
  readonly handle: number;
  /** The Name that the caller expects behind the handle; it is part of the HMAC, so another object cannot stand in. */
  readonly name: Uint8Array;
  /** Absent for handles that need no authorization. Handles with authorization come first, as in Part 3. */
  readonly auth?: Authorization;
}

export interface CommandRequest {
  readonly command: CommandName;
  readonly handles?: readonly HandleUse[];
  readonly parameters?: Uint8Array;
  /** Sessions that authorise nothing: for encryption or audit. */
  readonly sessions?: readonly SessionUse[];
  readonly responseHandles?: 0 | 1;
  /** For commands that change the authValue of their first handle: the answer's HMAC is made with this one. */
  readonly newAuthValue?: Uint8Array;
}

export interface CommandResponse {
  readonly handles: readonly number[];
  /** Decrypted where asked for. The caller zeroes it when it held a secret. */
  readonly parameters: Uint8Array<ArrayBuffer>;
}

interface Slot {
  readonly session: Session | null;
  readonly attributes: number;
  readonly password: Uint8Array;
  readonly authValue: Uint8Array | undefined;
  readonly decrypt: boolean;
  readonly encrypt: boolean;
}

const NOTHING = new Uint8Array(0);

function attributesOf(flags: SessionFlags): number {
  let bits = flags.continueSession === false ? 0 : TPMA_SESSION.CONTINUE;
  if (flags.decrypt) bits |= TPMA_SESSION.DECRYPT;
  if (flags.encrypt) bits |= TPMA_SESSION.ENCRYPT;
  if (flags.audit) bits |= TPMA_SESSION.AUDIT;
  return bits;
}

function sessionSlot(session: Session, flags: SessionFlags, authValue: Uint8Array | undefined): Slot {
  return {
    session,
    attributes: attributesOf(flags),
    password: NOTHING,
    authValue,
    decrypt: flags.decrypt === true,
    encrypt: flags.encrypt === true,
  };
}

function slotsOf(request: CommandRequest): Slot[] {
  const slots: Slot[] = [];
  for (const { auth } of request.handles ?? []) {
    if (auth === undefined) continue;
    if (auth.type === 'session') slots.push(sessionSlot(auth.session, auth.flags ?? {}, auth.value?.expose()));
    else {
      const attributes = TPMA_SESSION.CONTINUE;
      slots.push({
        session: null,
        attributes,
        password: auth.value,
        authValue: undefined,
        decrypt: false,
        encrypt: false,
      });
    }
  }
  for (const use of request.sessions ?? []) slots.push(sessionSlot(use.session, use.flags, undefined));
  if (slots.length > 3) throw new RangeError('a command carries at most three sessions');
  return slots;
}

/** The nonces of separate encryption sessions, which the HMAC of the first session covers (Part 1 §19.6.5). */
function otherNonces(slots: readonly Slot[], index: number): Uint8Array[] {
  if (index !== 0) return [];
  const decrypt = slots.findIndex((slot) => slot.decrypt);
  const encrypt = slots.findIndex((slot) => slot.encrypt);
  const wanted = [decrypt > 0 ? decrypt : -1, encrypt > 0 && encrypt !== decrypt ? encrypt : -1];
  return wanted.flatMap((at) => slots[at]?.session?.nonceTPM ?? []);
}

function encryptFirst(parameters: Uint8Array, slot: Slot | undefined): Uint8Array {
  if (slot?.session == null) return parameters;
  const size = ((parameters[0] ?? 0) << 8) | (parameters[1] ?? 0);
  if (parameters.length < 2 + size) throw new RangeError('the first parameter is not a TPM2B');
  const encrypted = slot.session.encryptParameter(parameters.subarray(2, 2 + size), slot.authValue);
  return concat(u16(size), encrypted, parameters.subarray(2 + size));
}

export interface BuiltCommand {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Checks a response to exactly this command. @throws {ERR_TPM_RESPONSE…, ERR_TPM_MALFORMED_RESPONSE} */
  readonly accept: (response: Uint8Array) => CommandResponse;
}

/** Fresh nonces are drawn for every call, so a command that is retried is built anew. */
export function buildCommand(request: CommandRequest, entropy: Entropy): BuiltCommand {
  const slots = slotsOf(request);
  const handles = request.handles ?? [];
  const code = TPM_CC[request.command];
  for (const { session } of slots) if (session) session.nonceCaller = entropy.bytes(16);

  const parameters = encryptFirst(
    request.parameters ?? NOTHING,
    slots.find((slot) => slot.decrypt),
  );
  const cpHash = sha256(u32(code), ...handles.map((use) => use.name), parameters);
  const areas = slots.map((slot, index) => {
    const { session, attributes } = slot;
    if (session === null) return concat(u32(TPM_RH.PW), u16(0), Uint8Array.of(attributes), tpm2b(slot.password));
    const hmac = session.commandHmac(cpHash, attributes, slot.authValue, otherNonces(slots, index));
    return concat(u32(session.handle), tpm2b(session.nonceCaller), Uint8Array.of(attributes), tpm2b(hmac));
  });
  const area = concat(...areas);
  const body = concat(
    ...handles.map((use) => u32(use.handle)),
    slots.length > 0 ? concat(u32(area.length), area) : NOTHING,
    parameters,
  );
  const tag = slots.length > 0 ? TPM_ST.SESSIONS : TPM_ST.NO_SESSIONS;
  const bytes = concat(u16(tag), u32(10 + body.length), u32(code), body);
  return { bytes, accept: (response) => acceptResponse(request, slots, tag, response) };
}

function acceptResponse(
  request: CommandRequest,
  slots: readonly Slot[],
  tag: number,
  response: Uint8Array,
): CommandResponse {
  const from = reader(response);
  const responseTag = from.u16('tag');
  if (from.u32('responseSize') !== response.length) throw malformed('responseSize is not the size of the response');
  const rc = from.u32('responseCode');
  if (rc !== 0) {
    from.end('a response that refuses');
    throw new TpmResponseError(request.command, rc);
  }
  if (responseTag !== tag) throw malformed(`tag 0x${responseTag.toString(16)} in the response`);
  const handles: number[] = [];
  for (let i = 0; i < (request.responseHandles ?? 0); i++) handles.push(from.u32('handle'));
  if (tag === TPM_ST.NO_SESSIONS) return { handles, parameters: from.rest() };

  const parameters = from.bytes(from.u32('parameterSize'), 'parameters');
  const rpHash = sha256(u32(rc), u32(TPM_CC[request.command]), parameters);
  slots.forEach((slot, index) => {
    const nonce = readTpm2b(from, 'nonceTPM', 64);
    const attributes = from.u8('sessionAttributes');
    const hmac = readTpm2b(from, 'hmac', 64);
    if (slot.session === null) return;
    const authValue = index === 0 && request.newAuthValue !== undefined ? request.newAuthValue : slot.authValue;
    slot.session.acceptResponse(rpHash, { nonce, attributes, hmac }, authValue);
    if ((attributes & TPMA_SESSION.CONTINUE) === 0) slot.session.freedByTpm();
  });
  from.end('response');

  const encrypting = slots.find((slot) => slot.encrypt);
  if (encrypting?.session == null) return { handles, parameters };
  const size = reader(parameters).u16('first parameter');
  if (parameters.length < 2 + size) throw malformed('the first parameter is longer than the response');
  const index0NewAuth = encrypting === slots[0] ? request.newAuthValue : undefined;
  const clear = encrypting.session.decryptParameter(
    parameters.subarray(2, 2 + size),
    index0NewAuth ?? encrypting.authValue,
  );
  parameters.set(clear, 2);
  clear.fill(0);
  return { handles, parameters };
}
