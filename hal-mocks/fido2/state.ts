/**
 * What the virtual authenticator remembers without power: its master secret, PIN, counter and resident credentials.
 * The form in a file is one canonical CBOR map with a version, read as strictly as a request.
 */
import { bytesEqual, fromHex } from '../../drivers/base/bytes.ts';
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
  /** §12.2; null: none was stored. */
  readonly credBlob: Uint8Array | null;
}

/** A finger that was enrolled (§6.7). */
export interface Template {
  readonly id: Uint8Array;
  readonly name: string | null;
  /** Which finger it is: what the operator shows to the reader. */
  readonly finger: string;
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
  uvRetries: number;
  templates: Template[];
  /** §6.10: the serialized large-blob array. */
  largeBlobs: Uint8Array;
  /** §6.11.4: who may ask for the minimum length of the PIN (extension minPinLength). */
  minPinLengthRpIds: string[];
  enterpriseAttestation: boolean;
}

/** Keeps the state over power cycles. Synchronous, because a PIN retry has to be counted before anything is compared. */
export interface StateStore {
  load(): AuthenticatorState | null;
  save(state: AuthenticatorState): void;
}

export const memoryStore = (): StateStore => ({ load: () => null, save: () => undefined });

/** §6.10: an empty array, and the first half of its SHA-256. */
export const EMPTY_LARGE_BLOBS: Uint8Array = fromHex('8076be8b528d0075f7aae98d6fa57a6d3c');

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
  uvRetries: profile.maxUvRetries,
  templates: [],
  largeBlobs: new Uint8Array(EMPTY_LARGE_BLOBS),
  minPinLengthRpIds: [],
  enterpriseAttestation: false,
});

const VERSION = 2;
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
  uvRetries: 11,
  templates: 12,
  largeBlobs: 13,
  minPinLengthRpIds: 14,
  enterpriseAttestation: 15,
} as const;
const RESIDENT = { id: 1, rpId: 2, userId: 3, userName: 4, userDisplayName: 5, serial: 6, credBlob: 7 } as const;
const TEMPLATE = { id: 1, name: 2, finger: 3 } as const;

const encodeResident = (it: ResidentCredential): CborValue => {
  const map = new Map<number, CborValue>([
    [RESIDENT.id, it.id],
    [RESIDENT.rpId, it.rpId],
    [RESIDENT.userId, it.user.id],
    [RESIDENT.serial, it.serial],
  ]);
  if (it.user.name !== null) map.set(RESIDENT.userName, it.user.name);
  if (it.user.displayName !== null) map.set(RESIDENT.userDisplayName, it.user.displayName);
  if (it.credBlob !== null) map.set(RESIDENT.credBlob, it.credBlob);
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
    credBlob: it.bytesOr(RESIDENT.credBlob) ?? null,
  };
};

const encodeTemplate = ({ id, name, finger }: Template): CborValue => {
  const map = new Map<number, CborValue>([
    [TEMPLATE.id, id],
    [TEMPLATE.finger, finger],
  ]);
  return name === null ? map : map.set(TEMPLATE.name, name);
};

const decodeTemplate = (value: CborValue): Template => {
  const it = Params.of(value);
  return { id: it.bytes(TEMPLATE.id), name: it.textOr(TEMPLATE.name) ?? null, finger: it.text(TEMPLATE.finger) };
};

const decodeText = (value: CborValue): string => {
  if (typeof value !== 'string') throw corrupt('a text of another type');
  return value;
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
    [KEY.uvRetries, state.uvRetries],
    [KEY.templates, state.templates.map(encodeTemplate)],
    [KEY.largeBlobs, state.largeBlobs],
    [KEY.minPinLengthRpIds, state.minPinLengthRpIds],
    [KEY.enterpriseAttestation, state.enterpriseAttestation],
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
    const numbers = [KEY.pinRetries, KEY.minPinLength, KEY.signCount, KEY.nextSerial, KEY.uvRetries].map((key) =>
      it.int(key),
    );
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
      uvRetries: it.int(KEY.uvRetries),
      templates: (it.listOr(KEY.templates) ?? []).map(decodeTemplate),
      largeBlobs: it.bytes(KEY.largeBlobs),
      minPinLengthRpIds: (it.listOr(KEY.minPinLengthRpIds) ?? []).map(decodeText),
      enterpriseAttestation: it.boolOr(KEY.enterpriseAttestation) ?? false,
    };
    if (!bytesEqual(encodeState(state), bytes)) throw corrupt('a member too many or too few');
    return state;
  } catch (error) {
    if (isUnlockdError(error, 'ERR_HAL_MOCK_STATE')) throw error;
    if (error instanceof CtapRefusal || isUnlockdError(error)) throw corrupt(error.message, error);
    throw error;
  }
}
