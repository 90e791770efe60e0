/**
 * authenticatorClientPIN (CTAP 2.1 §6.5.5): retries, key agreement, setting and changing the PIN, and the four ways to
 * a pinUvAuthToken. One call is one subcommand; who asks the person, and how often, is decided elsewhere.
 */
import type { ECDH } from 'node:crypto';
import { concat } from '../base/bytes.ts';
import type { Entropy } from '../base/entropy.ts';
import type { Secret } from '../base/secret.ts';
import type { Authenticator, CallOptions } from './authenticator.ts';
import { asBoolean, asBytes, asMap, asUnsigned, malformed, member, optionalMember } from './fields.ts';
import { paddedPin, pinHash } from './pin.ts';
import {
  authenticate,
  decrypt,
  encapsulate,
  encrypt,
  type PinUvProtocolId,
  platformKey,
  type SharedSecret,
} from './pin-uv-protocol.ts';
import type { CborMap, CborValue } from './wire/cbor.ts';
import { CLIENT_PIN, CLIENT_PIN_RESPONSE, CLIENT_PIN_SUBCOMMAND } from './wire/constants.ts';

export interface PinCallOptions extends CallOptions {
  readonly protocol: PinUvProtocolId;
  readonly entropy: Entropy;
}

/** A pinUvAuthToken and the protocol it belongs to. The owner disposes the token. */
export interface PinUvAuthToken extends Disposable {
  readonly protocol: PinUvProtocolId;
  readonly token: Secret;
  /**
   * Agreed on to get the token, and still good: a key makes a new one only after a wrong PIN and without power (CTAP 2.1
   * §6.5.5.1). What goes on under the token need not agree anew.
   */
  readonly shared: SharedSecret;
}

type Subcommand = keyof typeof CLIENT_PIN_SUBCOMMAND;

function clientPin(
  authenticator: Authenticator,
  subcommand: Subcommand,
  members: readonly (readonly [number, CborValue])[],
  options: CallOptions,
): Promise<CborMap> {
  const request = new Map<number, CborValue>([[CLIENT_PIN.subCommand, CLIENT_PIN_SUBCOMMAND[subcommand]], ...members]);
  return authenticator.call('authenticatorClientPIN', request, options);
}

/**
 * Only to be asked of a key whose option clientPin is true: some firmware fails badly otherwise.
 * @returns `retries` until the PIN is blocked; `powerCycleState` true: no PIN is taken until the key is replugged
 */
export async function getPinRetries(
  authenticator: Authenticator,
  options: PinCallOptions,
): Promise<{ readonly retries: number; readonly powerCycleState: boolean }> {
  const members = [[CLIENT_PIN.pinUvAuthProtocol, options.protocol] as const];
  const response = await clientPin(authenticator, 'getPINRetries', members, options);
  return {
    retries: member(response, CLIENT_PIN_RESPONSE.pinRetries, asUnsigned, 'pinRetries'),
    powerCycleState:
      optionalMember(response, CLIENT_PIN_RESPONSE.powerCycleState, asBoolean, 'powerCycleState') ?? false,
  };
}

/** Only to be asked of a key whose option uv is there. @returns tries until the key's own verification is blocked */
export async function getUvRetries(authenticator: Authenticator, options: CallOptions): Promise<number> {
  const response = await clientPin(authenticator, 'getUVRetries', [], options);
  return member(response, CLIENT_PIN_RESPONSE.uvRetries, asUnsigned, 'uvRetries');
}

/** Agrees on a secret with the key. The caller disposes it. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export async function getKeyAgreement(authenticator: Authenticator, options: PinCallOptions): Promise<SharedSecret> {
  const members = [[CLIENT_PIN.pinUvAuthProtocol, options.protocol] as const];
  let own: ECDH | null = null;
  const meanwhile = () => {
    own ??= platformKey(options.entropy);
  };
  const response = await clientPin(authenticator, 'getKeyAgreement', members, { ...options, meanwhile });
  const peer = member(response, CLIENT_PIN_RESPONSE.keyAgreement, asMap, 'keyAgreement');
  return encapsulate(options.protocol, peer, own ?? platformKey(options.entropy));
}

/**
 * Gives a key without a PIN its first one.
 * @param minLength the key's minPINLength
 * @throws {ERR_CTAP_PIN_POLICY}
 */
export async function setPin(
  authenticator: Authenticator,
  newPin: Secret,
  options: PinCallOptions & { readonly minLength: number },
): Promise<void> {
  using padded = paddedPin(newPin, options.minLength);
  using shared = await getKeyAgreement(authenticator, options);
  const newPinEnc = encrypt(shared, padded.expose(), options.entropy);
  const members: [number, CborValue][] = [
    [CLIENT_PIN.pinUvAuthProtocol, options.protocol],
    [CLIENT_PIN.keyAgreement, shared.keyAgreement],
    [CLIENT_PIN.newPinEnc, newPinEnc],
    [CLIENT_PIN.pinUvAuthParam, authenticate(options.protocol, shared.secret, newPinEnc)],
  ];
  await clientPin(authenticator, 'setPIN', members, options);
}

/** @throws {ERR_CTAP_PIN_POLICY | ERR_CTAP_PIN_WRONG | ERR_CTAP_PIN_AUTH_BLOCKED | ERR_CTAP_PIN_BLOCKED} */
export async function changePin(
  authenticator: Authenticator,
  currentPin: Secret,
  newPin: Secret,
  options: PinCallOptions & { readonly minLength: number },
): Promise<void> {
  using padded = paddedPin(newPin, options.minLength);
  using hash = pinHash(currentPin);
  using shared = await getKeyAgreement(authenticator, options);
  const newPinEnc = encrypt(shared, padded.expose(), options.entropy);
  const pinHashEnc = encrypt(shared, hash.expose(), options.entropy);
  const members: [number, CborValue][] = [
    [CLIENT_PIN.pinUvAuthProtocol, options.protocol],
    [CLIENT_PIN.keyAgreement, shared.keyAgreement],
    [CLIENT_PIN.newPinEnc, newPinEnc],
    [CLIENT_PIN.pinHashEnc, pinHashEnc],
    [CLIENT_PIN.pinUvAuthParam, authenticate(options.protocol, shared.secret, concat(newPinEnc, pinHashEnc))],
  ];
  await clientPin(authenticator, 'changePIN', members, options);
}

/** What a token may be used for: {@link PERMISSION} bits, and the relying party it is bound to. */
export interface TokenScope {
  readonly permissions: number;
  /** Null: none, as for what is about the whole key (§6.5.5.7: making and using credentials needs one). */
  readonly rpId: string | null;
}

/** §6.5.6, §6.5.7: a token is 16 or 32 bytes in protocol 1, 32 bytes in protocol 2. */
function readToken(response: CborMap, shared: SharedSecret): PinUvAuthToken {
  const { protocol } = shared;
  const token = decrypt(shared, member(response, CLIENT_PIN_RESPONSE.pinUvAuthToken, asBytes, 'pinUvAuthToken'));
  if (token.length !== 32 && !(protocol === 1 && token.length === 16)) {
    const { length } = token;
    token.dispose();
    throw malformed(`a pinUvAuthToken of ${length} bytes`);
  }
  return {
    protocol,
    token,
    shared,
    [Symbol.dispose]: () => {
      token.dispose();
      shared[Symbol.dispose]();
    },
  };
}

/** Agrees on a secret, and keeps it beside the token that was got under it. */
async function tokenUnder(
  authenticator: Authenticator,
  options: PinCallOptions,
  ask: (shared: SharedSecret) => Promise<CborMap>,
): Promise<PinUvAuthToken> {
  const shared = await getKeyAgreement(authenticator, options);
  try {
    return readToken(await ask(shared), shared);
  } catch (error) {
    shared[Symbol.dispose]();
    throw error;
  }
}

const scopeMembers = (scope: TokenScope): [number, CborValue][] => [
  [CLIENT_PIN.permissions, scope.permissions],
  ...(scope.rpId === null ? [] : ([[CLIENT_PIN.rpId, scope.rpId]] as [number, CborValue][])),
];

/**
 * A token for the PIN.
 * @param scope null: getPinToken, the way of CTAP 2.0 (the key's option pinUvAuthToken is not true)
 * @throws {ERR_CTAP_PIN_WRONG | ERR_CTAP_PIN_AUTH_BLOCKED | ERR_CTAP_PIN_BLOCKED | ERR_CTAP_PIN_NOT_SET |
 *   ERR_CTAP_PIN_POLICY}
 */
export async function getTokenWithPin(
  authenticator: Authenticator,
  pin: Secret,
  scope: TokenScope | null,
  options: PinCallOptions,
): Promise<PinUvAuthToken> {
  using hash = pinHash(pin);
  const subcommand = scope === null ? 'getPinToken' : 'getPinUvAuthTokenUsingPinWithPermissions';
  return await tokenUnder(authenticator, options, (shared) => {
    const members: [number, CborValue][] = [
      [CLIENT_PIN.pinUvAuthProtocol, options.protocol],
      [CLIENT_PIN.keyAgreement, shared.keyAgreement],
      [CLIENT_PIN.pinHashEnc, encrypt(shared, hash.expose(), options.entropy)],
      ...(scope === null ? [] : scopeMembers(scope)),
    ];
    return clientPin(authenticator, subcommand, members, options);
  });
}

/**
 * A token for the key's own user verification (a fingerprint).
 * @throws {ERR_CTAP_UV_INVALID | ERR_CTAP_UV_BLOCKED | ERR_CTAP_TOUCH_TIMEOUT}
 */
export async function getTokenWithUv(
  authenticator: Authenticator,
  scope: TokenScope,
  options: PinCallOptions,
): Promise<PinUvAuthToken> {
  return await tokenUnder(authenticator, options, (shared) => {
    const members: [number, CborValue][] = [
      [CLIENT_PIN.pinUvAuthProtocol, options.protocol],
      [CLIENT_PIN.keyAgreement, shared.keyAgreement],
      ...scopeMembers(scope),
    ];
    return clientPin(authenticator, 'getPinUvAuthTokenUsingUvWithPermissions', members, options);
  });
}
