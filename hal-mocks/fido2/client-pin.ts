/**
 * authenticatorClientPIN (CTAP 2.1 §6.5.5): retries, key agreement, setting and changing the PIN, and tokens with or
 * without permissions. A try is counted and saved before anything is compared.
 */
import { timingSafeEqual } from 'node:crypto';
import { concat } from '../../drivers/base/bytes.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import {
  CLIENT_PIN,
  CLIENT_PIN_RESPONSE,
  CLIENT_PIN_SUBCOMMAND,
  PERMISSION,
  PIN_MAX_BYTES,
  PIN_PADDED_LENGTH,
} from '../../drivers/fido2/wire/constants.ts';
import { verifyFinger } from './built-in-uv.ts';
import { sha256 } from './credential.ts';
import type { Params } from './params.ts';
import type { PinUvAuthProtocol } from './pin-uv-protocol.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

/** §6.5.5.6: wrong PINs in a row that only a power cycle forgives. */
const MISMATCHES_TO_BLOCK = 3;
const PIN_HASH = 16;

function protocolOf(context: CommandContext, params: Params): PinUvAuthProtocol {
  return context.session.protocol(params.int(CLIENT_PIN.pinUvAuthProtocol));
}

const pinHashOf = (pin: Uint8Array): Uint8Array => sha256(pin).slice(0, PIN_HASH);

/** §6.5.5.5: unpads a new PIN and holds it against the rules. Undefined: not UTF-8, too short, or no padding left. */
function acceptablePin(padded: Uint8Array, minCodePoints: number): Uint8Array | undefined {
  let end = padded.length;
  while (end > 0 && padded[end - 1] === 0) end--;
  if (end > PIN_MAX_BYTES) return undefined;
  const pin = padded.slice(0, end);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(pin);
  } catch {
    return undefined;
  }
  return [...text].length < minCodePoints ? undefined : pin;
}

/** Decrypts and stores a new PIN. @throws {CtapRefusal} CTAP2_ERR_PIN_POLICY_VIOLATION and others */
function storeNewPin(context: CommandContext, protocol: PinUvAuthProtocol, shared: Uint8Array, sealed: Uint8Array) {
  const padded = protocol.decrypt(shared, sealed);
  if (padded === undefined) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  if (padded.length !== PIN_PADDED_LENGTH) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  const { state, profile } = context;
  const pin = acceptablePin(padded, state.minPinLength);
  padded.fill(0);
  if (pin === undefined) throw refusal('CTAP2_ERR_PIN_POLICY_VIOLATION');
  const hash = pinHashOf(pin);
  pin.fill(0);
  if (state.forcePinChange && state.pinHash && timingSafeEqual(hash, state.pinHash)) {
    throw refusal('CTAP2_ERR_PIN_POLICY_VIOLATION');
  }
  state.pinHash = hash;
  state.pinRetries = profile.maxPinRetries;
  state.uvRetries = profile.maxUvRetries;
  state.forcePinChange = false;
  context.save();
}

function setPin(context: CommandContext, params: Params): null {
  params.require(CLIENT_PIN.pinUvAuthProtocol, CLIENT_PIN.keyAgreement, CLIENT_PIN.newPinEnc);
  params.require(CLIENT_PIN.pinUvAuthParam);
  const protocol = protocolOf(context, params);
  if (context.state.pinHash !== null) throw refusal('CTAP2_ERR_PIN_AUTH_INVALID');
  const shared = protocol.decapsulate(params.map(CLIENT_PIN.keyAgreement));
  const newPinEnc = params.bytes(CLIENT_PIN.newPinEnc);
  protocol.verify(shared, newPinEnc, params.bytes(CLIENT_PIN.pinUvAuthParam));
  storeNewPin(context, protocol, shared, newPinEnc);
  return null;
}

/** What holds before any PIN is looked at. */
function checkNotBlocked(context: CommandContext): void {
  if (context.state.pinHash === null) throw refusal('CTAP2_ERR_PIN_NOT_SET');
  if (context.state.pinRetries === 0) throw refusal('CTAP2_ERR_PIN_BLOCKED');
  if (context.session.pinMismatches >= MISMATCHES_TO_BLOCK) throw refusal('CTAP2_ERR_PIN_AUTH_BLOCKED');
}

/** Compares the PIN hash that came; right or a refusal that says how bad it is. */
function checkPin(context: CommandContext, protocol: PinUvAuthProtocol, shared: Uint8Array, pinHashEnc: Uint8Array) {
  const { state, session } = context;
  state.pinRetries--;
  context.save();
  const hash = protocol.decrypt(shared, pinHashEnc);
  const isRight = hash?.length === PIN_HASH && state.pinHash !== null && timingSafeEqual(hash, state.pinHash);
  if (!isRight) {
    protocol.regenerate();
    session.pinMismatches++;
    if (state.pinRetries === 0) throw refusal('CTAP2_ERR_PIN_BLOCKED');
    if (session.pinMismatches >= MISMATCHES_TO_BLOCK) throw refusal('CTAP2_ERR_PIN_AUTH_BLOCKED');
    throw refusal('CTAP2_ERR_PIN_INVALID');
  }
  session.pinMismatches = 0;
  state.pinRetries = context.profile.maxPinRetries;
  // §6.5.5.7.2: the right PIN lets the reader try again.
  state.uvRetries = context.profile.maxUvRetries;
  context.save();
}

function changePin(context: CommandContext, params: Params): null {
  params.require(CLIENT_PIN.pinUvAuthProtocol, CLIENT_PIN.keyAgreement, CLIENT_PIN.newPinEnc);
  params.require(CLIENT_PIN.pinHashEnc, CLIENT_PIN.pinUvAuthParam);
  const protocol = protocolOf(context, params);
  checkNotBlocked(context);
  const shared = protocol.decapsulate(params.map(CLIENT_PIN.keyAgreement));
  const [newPinEnc, pinHashEnc] = [params.bytes(CLIENT_PIN.newPinEnc), params.bytes(CLIENT_PIN.pinHashEnc)];
  protocol.verify(shared, concat(newPinEnc, pinHashEnc), params.bytes(CLIENT_PIN.pinUvAuthParam));
  checkPin(context, protocol, shared, pinHashEnc);
  storeNewPin(context, protocol, shared, newPinEnc);
  context.session.token.reset();
  return null;
}

/** §6.5.5.7.1 and §6.5.5.7.2, which differ in what the token may do. */
function tokenForPin(context: CommandContext, params: Params, permissions: number, rpId: string | null): CborMap {
  const protocol = protocolOf(context, params);
  checkNotBlocked(context);
  const shared = protocol.decapsulate(params.map(CLIENT_PIN.keyAgreement));
  checkPin(context, protocol, shared, params.bytes(CLIENT_PIN.pinHashEnc));
  if (context.state.forcePinChange) throw refusal('CTAP2_ERR_PIN_INVALID');
  const token = context.session.token.begin({ protocol: protocol.number, permissions, rpId });
  return new Map<number, CborValue>([[CLIENT_PIN_RESPONSE.pinUvAuthToken, protocol.encrypt(shared, token)]]);
}

const ALL_PERMISSIONS = Object.values(PERMISSION).reduce((all, bit) => all | bit, 0);

function getPinToken(context: CommandContext, params: Params): CborMap {
  params.require(CLIENT_PIN.pinUvAuthProtocol, CLIENT_PIN.keyAgreement, CLIENT_PIN.pinHashEnc);
  const { tokenPermissions } = context.profile;
  if (tokenPermissions && (params.has(CLIENT_PIN.permissions) || params.has(CLIENT_PIN.rpId))) {
    throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  }
  // The tokens of CTAP 2.0 knew no permissions: they do everything.
  return tokenForPin(context, params, tokenPermissions ? PERMISSION.mc | PERMISSION.ga : ALL_PERMISSIONS, null);
}

/** §6.5.5.7: what this authenticator gives out at all. */
function offered({ profile }: CommandContext): number {
  const when = (has: boolean, bit: number): number => (has ? bit : 0);
  return (
    PERMISSION.mc |
    PERMISSION.ga |
    when(profile.credentialManagement === 'yes', PERMISSION.cm) |
    when(profile.fingerprints !== null, PERMISSION.be) |
    when(profile.largeBlobs > 0, PERMISSION.lbw) |
    when(profile.config !== null, PERMISSION.acfg)
  );
}

/** The permissions and the relying party that a request names. */
function scopeOf(context: CommandContext, params: Params) {
  const permissions = params.int(CLIENT_PIN.permissions);
  if (permissions <= 0) throw refusal('CTAP1_ERR_INVALID_PARAMETER');
  if ((permissions & ~offered(context)) !== 0) throw refusal('CTAP2_ERR_UNAUTHORIZED_PERMISSION');
  const rpId = params.textOr(CLIENT_PIN.rpId) ?? null;
  if (rpId === null && (permissions & (PERMISSION.mc | PERMISSION.ga)) !== 0) {
    throw refusal('CTAP2_ERR_MISSING_PARAMETER');
  }
  return { permissions, rpId };
}

function getTokenWithPermissions(context: CommandContext, params: Params): CborMap {
  params.require(CLIENT_PIN.pinUvAuthProtocol, CLIENT_PIN.keyAgreement, CLIENT_PIN.pinHashEnc);
  const { permissions, rpId } = scopeOf(context, params);
  return tokenForPin(context, params, permissions, rpId);
}

/** §6.5.5.7.3 */
async function getTokenWithUv(context: CommandContext, params: Params): Promise<CborMap> {
  params.require(CLIENT_PIN.pinUvAuthProtocol, CLIENT_PIN.keyAgreement);
  const protocol = protocolOf(context, params);
  const scope = scopeOf(context, params);
  const shared = protocol.decapsulate(params.map(CLIENT_PIN.keyAgreement));
  await verifyFinger(context);
  const token = context.session.token.begin({ protocol: protocol.number, ...scope, present: true });
  return new Map<number, CborValue>([[CLIENT_PIN_RESPONSE.pinUvAuthToken, protocol.encrypt(shared, token)]]);
}

function keyAgreement(context: CommandContext, params: Params): CborMap {
  return new Map<number, CborValue>([[CLIENT_PIN_RESPONSE.keyAgreement, protocolOf(context, params).publicKey()]]);
}

export function clientPin(context: CommandContext, params: Params): CborMap | null | Promise<CborMap> {
  const { profile, state } = context;
  const subCommand = params.int(CLIENT_PIN.subCommand);
  // hmac-secret needs key agreement also where there is no PIN (§12.5).
  if (subCommand === CLIENT_PIN_SUBCOMMAND.getKeyAgreement) return keyAgreement(context, params);
  if (profile.fingerprints !== null) {
    if (subCommand === CLIENT_PIN_SUBCOMMAND.getUVRetries) {
      return new Map<number, CborValue>([[CLIENT_PIN_RESPONSE.uvRetries, state.uvRetries]]);
    }
    const byUv = CLIENT_PIN_SUBCOMMAND.getPinUvAuthTokenUsingUvWithPermissions;
    if (subCommand === byUv && profile.tokenPermissions) return getTokenWithUv(context, params);
  }
  if (!profile.clientPin) throw refusal('CTAP2_ERR_INVALID_SUBCOMMAND');
  switch (subCommand) {
    case CLIENT_PIN_SUBCOMMAND.getPINRetries: {
      const response = new Map<number, CborValue>([[CLIENT_PIN_RESPONSE.pinRetries, state.pinRetries]]);
      if (profile.getInfo21) {
        const blocked = context.session.pinMismatches >= MISMATCHES_TO_BLOCK;
        response.set(CLIENT_PIN_RESPONSE.powerCycleState, blocked);
      }
      return response;
    }
    case CLIENT_PIN_SUBCOMMAND.setPIN:
      return setPin(context, params);
    case CLIENT_PIN_SUBCOMMAND.changePIN:
      return changePin(context, params);
    case CLIENT_PIN_SUBCOMMAND.getPinToken:
      return getPinToken(context, params);
    case CLIENT_PIN_SUBCOMMAND.getPinUvAuthTokenUsingPinWithPermissions:
      if (profile.tokenPermissions) return getTokenWithPermissions(context, params);
      break;
  }
  throw refusal('CTAP2_ERR_INVALID_SUBCOMMAND');
}
