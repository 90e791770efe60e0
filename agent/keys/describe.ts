/**
 * What a key says of itself (CTAP 2.1 §6.4) and of the tries that are left, as plain values for lists and for programs.
 * Nothing is asked that needs a PIN or a touch.
 */
import { toHex } from '../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { getPinRetries, getUvRetries } from '../../drivers/fido2/client-pin.ts';
import { requirePinUvProtocol } from '../../drivers/fido2/user-verification.ts';
import { canWink } from '../../drivers/fido2/wink.ts';
import type { CborMap, CborValue } from '../../drivers/fido2/wire/cbor.ts';
import type { HidDeviceInfo } from '../../drivers/hal/hid.ts';
import type { OpenKey } from './session.ts';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Bytes become hexadecimal, keys of maps become text. */
function plain(value: CborValue): Plain {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return plainMap(value);
  return value as null | boolean | number | string;
}

const plainMap = (map: CborMap): { readonly [key: string]: Plain } =>
  Object.fromEntries([...map].map(([key, value]) => [String(key), plain(value)]));

/** Null in a place: the key does not say. */
export interface KeyDescription {
  readonly versions: readonly string[];
  readonly extensions: readonly string[];
  readonly aaguid: string;
  readonly options: Readonly<Record<string, boolean>>;
  readonly pin: 'set' | 'not-set' | 'not-supported';
  readonly pinTriesLeft: number | null;
  /** No PIN is taken before the key has been unplugged. */
  readonly pinNeedsReplug: boolean;
  readonly pinMustChange: boolean;
  readonly minPinLength: number;
  readonly fingerprints: 'enrolled' | 'none-enrolled' | 'no-reader';
  readonly fingerprintTriesLeft: number | null;
  readonly alwaysVerifies: boolean | null;
  readonly enterpriseAttestation: boolean | null;
  readonly remainingCredentials: number | null;
  readonly largeBlobBytes: number | null;
  readonly credBlobBytes: number | null;
  readonly maxMessageBytes: number;
  readonly maxCredentialsInList: number | null;
  readonly maxCredentialIdBytes: number | null;
  readonly maxRpIdsForMinPinLength: number | null;
  readonly pinUvAuthProtocols: readonly number[];
  /** COSE numbers. */
  readonly algorithms: readonly number[] | null;
  readonly transports: readonly string[];
  readonly firmwareVersion: number | null;
  readonly deviceVersion: string;
  readonly winks: boolean;
  readonly uvModality: number | null;
  readonly preferredUvAttempts: number | null;
  readonly certifications: { readonly [name: string]: Plain };
  readonly vendorConfigCommands: readonly number[] | null;
  /** Members by number that the specification does not name. */
  readonly unknown: { readonly [number: string]: Plain };
}

async function pinTries({ session, ceremony }: OpenKey): Promise<{ retries: number; powerCycleState: boolean } | null> {
  if (session.info.options.get('clientPin') !== true) return null;
  const { signal, entropy } = ceremony;
  const protocol = requirePinUvProtocol(session.info);
  return await getPinRetries(session.authenticator, { signal, entropy, protocol });
}

async function fingerTries({ session, ceremony }: OpenKey): Promise<number | null> {
  const { options } = session.info;
  if (options.get('uv') !== true || options.get('pinUvAuthToken') !== true) return null;
  try {
    return await getUvRetries(session.authenticator, { signal: ceremony.signal });
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_CTAP_STATUS', 'ERR_CTAP_MALFORMED_RESPONSE')) throw error;
    return null;
  }
}

/** @throws {ERR_CTAP_MALFORMED_RESPONSE} and what the channel throws */
export async function describeKey(key: OpenKey): Promise<KeyDescription> {
  const { info, authenticator } = key.session;
  const { options } = info;
  const tries = await pinTries(key);
  const reader = options.get('bioEnroll') ?? options.get('userVerificationMgmtPreview');
  const clientPin = options.get('clientPin');
  return {
    versions: info.versions,
    extensions: info.extensions,
    aaguid: toHex(info.aaguid),
    options: Object.fromEntries(options),
    pin: clientPin === undefined ? 'not-supported' : clientPin ? 'set' : 'not-set',
    pinTriesLeft: tries?.retries ?? null,
    pinNeedsReplug: tries?.powerCycleState ?? false,
    pinMustChange: info.forcePinChange,
    minPinLength: info.minPinLength,
    fingerprints: reader === undefined ? 'no-reader' : reader ? 'enrolled' : 'none-enrolled',
    fingerprintTriesLeft: await fingerTries(key),
    alwaysVerifies: options.get('alwaysUv') ?? null,
    enterpriseAttestation: options.get('ep') ?? null,
    remainingCredentials: info.remainingDiscoverableCredentials ?? null,
    largeBlobBytes: options.get('largeBlobs') === true ? (info.maxSerializedLargeBlobArray ?? null) : null,
    credBlobBytes: info.maxCredBlobLength ?? null,
    maxMessageBytes: authenticator.maxMsgSize,
    maxCredentialsInList: info.maxCredentialCountInList ?? null,
    maxCredentialIdBytes: info.maxCredentialIdLength ?? null,
    maxRpIdsForMinPinLength: info.maxRpIdsForSetMinPinLength ?? null,
    pinUvAuthProtocols: info.pinUvAuthProtocols,
    algorithms: info.algorithms ?? null,
    transports: info.transports,
    firmwareVersion: info.firmwareVersion ?? null,
    deviceVersion: authenticator.channel.info.deviceVersion.join('.'),
    winks: canWink(authenticator.channel),
    uvModality: info.uvModality ?? null,
    preferredUvAttempts: info.preferredPlatformUvAttempts ?? null,
    certifications: plainMap(info.certifications),
    vendorConfigCommands: info.vendorPrototypeConfigCommands ?? null,
    unknown: plainMap(info.unknown),
  };
}

/** What the host knows of a device, for programs. */
export interface DeviceDescription {
  readonly path: string;
  readonly product: string | null;
  readonly manufacturer: string | null;
  readonly serial: string | null;
  readonly vendorId: number;
  readonly productId: number;
}

export const describeDevice = (device: HidDeviceInfo): DeviceDescription => {
  const { path, product, manufacturer, serial, vendorId, productId } = device;
  return { path, product, manufacturer, serial, vendorId, productId };
};
