/**
 * What the virtual authenticator remembers without power: its master secret, PIN, counter and resident credentials.
 * The form in a file is one canonical CBOR map with a version, read as strictly as a request.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { type CborValue, decodeStrict, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { Params } from './params.ts';
import type { Profile } from './profile.ts';
import { CtapRefusal } from './refusal.ts';

/** PublicKeyCredentialUserEntity as it was given. */
export interface UserEntity {
  readonly id: Uint8Array;
  readonly name: string | null;
  readonly displayName: string | null;
}

export interface ResidentCredential {
  readonly id: Uint8Array;
  readonly rpId: string;
  readonly user: UserEntity;
  /** Grows with every credential; the newest is offered first. */
  readonly serial: number;
}

export interface AuthenticatorState {
  /** 32 bytes; everything else is derived from it and from the seeds inside credential ids. A reset makes a new one. */
  masterSecret: Uint8Array;
  /** LEFT(SHA-256(PIN), 16), or null: no PIN is set. */
  pinHash: Uint8Array | null;
  pinRetries: number;
  minPinLength: number;
  forcePinChange: boolean;
  alwaysUv: boolean;
  signCount: number;
  nextSerial: number;
  residents: ResidentCredential[];
}

/** Keeps the state over power cycles. Synchronous, because a PIN retry has to be counted before anything is compared. */
export interface StateStore {
  load(): AuthenticatorState | null;
  save(state: AuthenticatorState): void;
}

export const memoryStore = (): StateStore => ({ load: () => null, save: () => undefined });

/** The state of a new authenticator, and after authenticatorReset. */
export const freshState = (profile: Profile, entropy: Entropy): AuthenticatorState => ({
  masterSecret: entropy.bytes(32),
  pinHash: null,
  pinRetries: profile.maxPinRetries,
  minPinLength: profile.minPinLength,
  forcePinChange: false,
  alwaysUv: profile.alwaysUv ?? false,
  signCount: 0,
  nextSerial: 1,
  residents: [],
});

const VERSION = 1;
const KEY = {
  version: 1,
  masterSecret: 2,
  pinHash: 3,
  pinRetries: 4,
  minPinLength: 5,
  forcePinChange: 6,
  alwaysUv: 7,
  signCount: 8,
  nextSerial: 9,
  residents: 10,
} as const;
const RESIDENT = { id: 1, rpId: 2, userId: 3, userName: 4, userDisplayName: 5, serial: 6 } as const;

const encodeResident = (it: ResidentCredential): CborValue => {
  const map = new Map<number, CborValue>([
    [RESIDENT.id, it.id],
    [RESIDENT.rpId, it.rpId],
    [RESIDENT.userId, it.user.id],
    [RESIDENT.serial, it.serial],
  ]);
  if (it.user.name !== null) map.set(RESIDENT.userName, it.user.name);
  if (it.user.displayName !== null) map.set(RESIDENT.userDisplayName, it.user.displayName);
  return map;
};

const decodeResident = (value: CborValue): ResidentCredential => {
  const it = Params.of(value);
  const [name, displayName] = [it.textOr(RESIDENT.userName) ?? null, it.textOr(RESIDENT.userDisplayName) ?? null];
  return {
    id: it.bytes(RESIDENT.id),
    rpId: it.text(RESIDENT.rpId),
    user: { id: it.bytes(RESIDENT.userId), name, displayName },
    serial: it.int(RESIDENT.serial),
  };
};

export function encodeState(state: AuthenticatorState): Uint8Array {
  const map = new Map<number, CborValue>([
    [KEY.version, VERSION],
    [KEY.masterSecret, state.masterSecret],
    [KEY.pinRetries, state.pinRetries],
    [KEY.minPinLength, state.minPinLength],
    [KEY.forcePinChange, state.forcePinChange],
    [KEY.alwaysUv, state.alwaysUv],
    [KEY.signCount, state.signCount],
    [KEY.nextSerial, state.nextSerial],
    [KEY.residents, state.residents.map(encodeResident)],
  ]);
  if (state.pinHash) map.set(KEY.pinHash, state.pinHash);
  return encodeCanonical(map);
}

const corrupt = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_HAL_MOCK_STATE', `not the state of a virtual authenticator: ${reason}`, { cause });

/** @throws {ERR_HAL_MOCK_STATE} and nothing else */
export function decodeState(bytes: Uint8Array): AuthenticatorState {
  try {
    const it = Params.of(decodeStrict(bytes));
    if (it.int(KEY.version) !== VERSION) throw corrupt(`version ${it.int(KEY.version)}`);
    const masterSecret = it.bytes(KEY.masterSecret);
    const pinHash = it.bytesOr(KEY.pinHash) ?? null;
    if (masterSecret.length !== 32 || (pinHash && pinHash.length !== 16)) throw corrupt('a secret of another length');
    const numbers = [KEY.pinRetries, KEY.minPinLength, KEY.signCount, KEY.nextSerial].map((key) => it.int(key));
    if (numbers.some((value) => value < 0)) throw corrupt('a negative number');
    const state: AuthenticatorState = {
      masterSecret,
      pinHash,
      pinRetries: it.int(KEY.pinRetries),
      minPinLength: it.int(KEY.minPinLength),
      forcePinChange: it.boolOr(KEY.forcePinChange) ?? false,
      alwaysUv: it.boolOr(KEY.alwaysUv) ?? false,
      signCount: it.int(KEY.signCount),
      nextSerial: it.int(KEY.nextSerial),
      residents: (it.listOr(KEY.residents) ?? []).map(decodeResident),
    };
    if (!bytesEqual(encodeState(state), bytes)) throw corrupt('a member too many or too few');
    return state;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_HAL_MOCK_STATE')) throw error;
    if (error instanceof CtapRefusal || isUnlockdError(error)) throw corrupt(error.message, error);
    throw error;
  }
}
