/**
 * What kind of authenticator is pretended, as data: the difference between a CTAP 2.0 key, a CTAP 2.1 key and the odd
 * ones in between (CTAP 2.1 §6.4, authenticatorGetInfo). A new kind is a new row here, not a new branch elsewhere.
 */
import { type Milliseconds, seconds } from '../../drivers/base/brand.ts';
import { COSE_ALG } from '../../drivers/fido2/wire/constants.ts';
import type { SigningAlgorithm } from './signing-key.ts';

export type ExtensionName =
  | 'credBlob'
  | 'credProtect'
  | 'hmac-secret'
  | 'hmac-secret-mc'
  | 'largeBlobKey'
  | 'minPinLength';

export interface Profile {
  readonly name: string;
  readonly versions: readonly string[];
  readonly extensions: readonly ExtensionName[];
  /** Sixteen bytes, hexadecimal. */
  readonly aaguid: string;
  /** Most wanted first. */
  readonly pinUvAuthProtocols: readonly (1 | 2)[];
  /** Whether a PIN can be set at all. */
  readonly clientPin: boolean;
  /** CTAP 2.1's option `pinUvAuthToken`: tokens carry permissions and serve one ceremony. */
  readonly tokenPermissions: boolean;
  /** Null: the option does not exist. Otherwise its state after a reset. */
  readonly alwaysUv: boolean | null;
  /** Non-resident credentials may be made without user verification although a PIN is set. */
  readonly makeCredUvNotRqd: boolean;
  /** Whether getInfo has the members that CTAP 2.1 added (0x07 and up). */
  readonly getInfo21: boolean;
  /** authenticatorSelection exists. */
  readonly selection: boolean;
  /** How many resident credentials fit; 0: none, and the option rk is false. */
  readonly residentCapacity: number;
  readonly maxMsgSize: number;
  readonly maxCredentialCountInList: number;
  /** Unicode code points. */
  readonly minPinLength: number;
  readonly maxPinRetries: number;
  readonly touchTimeout: Milliseconds;
  /** Algorithms of credentials, most wanted first. */
  readonly algorithms: readonly SigningAlgorithm[];
  /** `preview`: under the command numbers of CTAP 2.1 preview, as keys of before have them. */
  readonly credentialManagement: 'no' | 'preview' | 'yes';
  /** A reader of fingers; null: none. */
  readonly fingerprints: {
    readonly kind: 'touch' | 'swipe';
    readonly enrollment: 'preview' | 'yes';
    readonly templates: number;
    readonly samples: number;
    readonly maxNameLength: number;
  } | null;
  readonly maxUvRetries: number;
  /** Bytes of the serialized large-blob array; 0: none. */
  readonly largeBlobs: number;
  /** authenticatorConfig; `setMinPinLengthRpIds`: how many relying parties may ask for the length. */
  readonly config: { readonly setMinPinLengthRpIds: number; readonly enterpriseAttestation: boolean } | null;
  /** Bytes. */
  readonly maxCredBlobLength: number;
  /** Whether new credentials are attested by themselves or by a batch certificate, as those of makers are. */
  readonly attestation: 'self' | 'certificate';
}

const FIDO_2_1: Profile = {
  name: '2.1',
  versions: ['FIDO_2_0', 'FIDO_2_1'],
  extensions: ['credBlob', 'credProtect', 'hmac-secret', 'largeBlobKey', 'minPinLength'],
  aaguid: '756e6c6f636b642d7669727475616c21',
  pinUvAuthProtocols: [2, 1],
  clientPin: true,
  tokenPermissions: true,
  alwaysUv: null,
  makeCredUvNotRqd: true,
  getInfo21: true,
  selection: true,
  residentCapacity: 25,
  maxMsgSize: 1200,
  maxCredentialCountInList: 8,
  minPinLength: 4,
  maxPinRetries: 8,
  touchTimeout: seconds(30),
  algorithms: [COSE_ALG.ES256, COSE_ALG.EdDSA],
  credentialManagement: 'yes',
  fingerprints: null,
  maxUvRetries: 3,
  largeBlobs: 1024,
  config: { setMinPinLengthRpIds: 4, enterpriseAttestation: false },
  maxCredBlobLength: 32,
  attestation: 'self',
};

const READER: Profile['fingerprints'] = {
  kind: 'touch',
  enrollment: 'yes',
  templates: 5,
  samples: 3,
  maxNameLength: 32,
};

export const PROFILES = {
  '2.1': FIDO_2_1,
  '2.0': {
    ...FIDO_2_1,
    name: '2.0',
    versions: ['FIDO_2_0'],
    extensions: ['hmac-secret'],
    pinUvAuthProtocols: [1],
    tokenPermissions: false,
    makeCredUvNotRqd: false,
    getInfo21: false,
    selection: false,
    algorithms: [COSE_ALG.ES256],
    credentialManagement: 'preview',
    largeBlobs: 0,
    config: null,
  },
  '2.3': {
    ...FIDO_2_1,
    name: '2.3',
    versions: ['FIDO_2_0', 'FIDO_2_1', 'FIDO_2_3'],
    extensions: ['credBlob', 'credProtect', 'hmac-secret', 'hmac-secret-mc', 'largeBlobKey', 'minPinLength'],
  },
  '2.1-no-pin': {
    ...FIDO_2_1,
    name: '2.1-no-pin',
    extensions: ['credBlob', 'credProtect', 'hmac-secret'],
    clientPin: false,
    tokenPermissions: false,
    credentialManagement: 'no',
    largeBlobs: 0,
    config: null,
  },
  'always-uv': { ...FIDO_2_1, name: 'always-uv', alwaysUv: true, makeCredUvNotRqd: false },
  bio: { ...FIDO_2_1, name: 'bio', alwaysUv: false, fingerprints: READER },
  'bio-preview': {
    ...FIDO_2_1,
    name: 'bio-preview',
    versions: ['FIDO_2_0', 'FIDO_2_1_PRE'],
    extensions: ['credProtect', 'hmac-secret'],
    pinUvAuthProtocols: [1],
    tokenPermissions: false,
    makeCredUvNotRqd: false,
    getInfo21: false,
    selection: false,
    algorithms: [COSE_ALG.ES256],
    credentialManagement: 'preview',
    fingerprints: { ...READER, enrollment: 'preview' },
    largeBlobs: 0,
    config: null,
  },
  attested: { ...FIDO_2_1, name: 'attested', attestation: 'certificate' },
  'few-credentials': { ...FIDO_2_1, name: 'few-credentials', residentCapacity: 2 },
  enterprise: {
    ...FIDO_2_1,
    name: 'enterprise',
    alwaysUv: false,
    config: { setMinPinLengthRpIds: 4, enterpriseAttestation: true },
  },
  'no-hmac-secret': { ...FIDO_2_1, name: 'no-hmac-secret', extensions: ['credProtect'] },
  'small-messages': { ...FIDO_2_1, name: 'small-messages', maxMsgSize: 1024, maxCredentialCountInList: 2 },
  'protocol-1-only': { ...FIDO_2_1, name: 'protocol-1-only', pinUvAuthProtocols: [1] },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;

export const isProfileName = (name: string): name is ProfileName => Object.hasOwn(PROFILES, name);
