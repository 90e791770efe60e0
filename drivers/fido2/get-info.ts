/**
 * authenticatorGetInfo (CTAP 2.1 §6.4): every member the specification names, typed; members that it does not name are
 * kept as they came.
 */
import type { Authenticator, CallOptions } from './authenticator.ts';
import {
  asAnything,
  asArrayOf,
  asBoolean,
  asBytes,
  asInteger,
  asMap,
  asText,
  asTextMapOf,
  asUnsigned,
  malformed,
  member,
  optionalMember,
} from './fields.ts';
import type { CborMap } from './wire/cbor.ts';
import { GET_INFO } from './wire/constants.ts';

export interface AuthenticatorInfo {
  /** `FIDO_2_0`, `FIDO_2_1`, `FIDO_2_1_PRE`, `U2F_V2`. */
  readonly versions: readonly string[];
  readonly extensions: readonly string[];
  /** 16 bytes: the model of the key. */
  readonly aaguid: Uint8Array;
  /** An option that is absent is not supported; present and false: supported, not set up. */
  readonly options: ReadonlyMap<string, boolean>;
  readonly maxMsgSize: number | undefined;
  /** In the key's order of preference. */
  readonly pinUvAuthProtocols: readonly number[];
  readonly maxCredentialCountInList: number | undefined;
  readonly maxCredentialIdLength: number | undefined;
  readonly transports: readonly string[];
  /** COSE algorithms in the key's order of preference; undefined: it does not say. */
  readonly algorithms: readonly number[] | undefined;
  readonly maxSerializedLargeBlobArray: number | undefined;
  readonly forcePinChange: boolean;
  /** Unicode code points. */
  readonly minPinLength: number;
  readonly firmwareVersion: number | undefined;
  readonly maxCredBlobLength: number | undefined;
  readonly maxRpIdsForSetMinPinLength: number | undefined;
  readonly preferredPlatformUvAttempts: number | undefined;
  /** Bits of FIDO Registry §3.1. */
  readonly uvModality: number | undefined;
  readonly certifications: CborMap;
  readonly remainingDiscoverableCredentials: number | undefined;
  readonly vendorPrototypeConfigCommands: readonly number[] | undefined;
  /** Members that this version of the specification does not name. */
  readonly unknown: CborMap;
}

const AAGUID_LENGTH = 16;
const DEFAULT_MIN_PIN_LENGTH = 4;
const KNOWN: ReadonlySet<unknown> = new Set(Object.values(GET_INFO));

const algorithmOf = (value: CborMap): number | undefined =>
  // Only public-key credentials exist; other types are to be ignored (WebAuthn §5.8.2).
  value.get('type') === 'public-key' ? member(value, 'alg', asInteger, 'algorithms.alg') : undefined;

/**
 * Reads the response. @throws {ERR_CTAP_MALFORMED_RESPONSE}
 */
export function parseInfo(map: CborMap): AuthenticatorInfo {
  const aaguid = member(map, GET_INFO.aaguid, asBytes, 'aaguid');
  if (aaguid.length !== AAGUID_LENGTH) throw malformed(`aaguid of ${aaguid.length} bytes`);
  const unsigned = (key: keyof typeof GET_INFO) => optionalMember(map, GET_INFO[key], asUnsigned, key);
  const texts = (key: keyof typeof GET_INFO) => optionalMember(map, GET_INFO[key], asArrayOf(asText), key) ?? [];
  const algorithms = optionalMember(map, GET_INFO.algorithms, asArrayOf(asMap), 'algorithms');
  return {
    versions: member(map, GET_INFO.versions, asArrayOf(asText), 'versions'),
    extensions: texts('extensions'),
    aaguid,
    options: optionalMember(map, GET_INFO.options, asTextMapOf(asBoolean), 'options') ?? new Map(),
    maxMsgSize: unsigned('maxMsgSize'),
    pinUvAuthProtocols:
      optionalMember(map, GET_INFO.pinUvAuthProtocols, asArrayOf(asUnsigned), 'pinUvAuthProtocols') ?? [],
    maxCredentialCountInList: unsigned('maxCredentialCountInList'),
    maxCredentialIdLength: unsigned('maxCredentialIdLength'),
    transports: texts('transports'),
    algorithms: algorithms?.map(algorithmOf).filter((alg) => alg !== undefined),
    maxSerializedLargeBlobArray: unsigned('maxSerializedLargeBlobArray'),
    forcePinChange: optionalMember(map, GET_INFO.forcePINChange, asBoolean, 'forcePINChange') ?? false,
    minPinLength: unsigned('minPINLength') ?? DEFAULT_MIN_PIN_LENGTH,
    firmwareVersion: unsigned('firmwareVersion'),
    maxCredBlobLength: unsigned('maxCredBlobLength'),
    maxRpIdsForSetMinPinLength: unsigned('maxRPIDsForSetMinPINLength'),
    preferredPlatformUvAttempts: unsigned('preferredPlatformUvAttempts'),
    uvModality: unsigned('uvModality'),
    certifications: optionalMember(map, GET_INFO.certifications, asMap, 'certifications') ?? new Map(),
    remainingDiscoverableCredentials: unsigned('remainingDiscoverableCredentials'),
    vendorPrototypeConfigCommands: optionalMember(
      map,
      GET_INFO.vendorPrototypeConfigCommands,
      asArrayOf(asUnsigned),
      'vendorPrototypeConfigCommands',
    ),
    unknown: new Map([...map].filter(([key]) => !KNOWN.has(key)).map(([key, value]) => [key, asAnything(value, '')])),
  };
}

/** Asks the key what it can do, and makes its message size the limit of what is sent. */
export async function authenticatorGetInfo(
  authenticator: Authenticator,
  options: CallOptions,
): Promise<AuthenticatorInfo> {
  const info = parseInfo(await authenticator.call('authenticatorGetInfo', null, options));
  authenticator.limitMessages(info.maxMsgSize);
  return info;
}
