/**
 * The state file of one container: everything that has to agree, in one file whose rename is the commit of every
 * change. All of it is public or encrypted, but for the authValues of the signers of observations: they keep the other
 * users of the TPM from signing, and whoever copies them cannot sign without this TPM.
 */
import type { CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { FACTOR_KINDS } from '../../drivers/signal.ts';
import type { StateKind } from './envelope.ts';
import { CONTAINER_ID_BYTES, FURTHER_CONTEXTS } from './references.ts';
import { bytes, flag, integer, list, nullable, oneOf, record, type ShapeOf, text, withAdded } from './shape.ts';

const EPOCH = integer(0, Number.MAX_SAFE_INTEGER);
const UNIX_MS = integer(0, 8.64e15);

/** An object of the TPM: TPMT_PUBLIC and the private part that its parent encrypted. */
const blob = record({ publicArea: bytes({ max: 1024 }), privateArea: bytes({ max: 1024 }) });

/** ECDSA P-256 with SHA-256, as the TPM writes it. */
const signature = record({ r: bytes({ max: 32 }), s: bytes({ max: 32 }) });

/** AES-256-GCM: nonce ‖ ciphertext ‖ tag. */
const box = bytes({ max: 16 * 1024 });

const pin = record({
  blob,
  salt: bytes({ exact: 16 }),
  /** scrypt cost: log2(N). */
  logN: integer(10, 20),
  setAt: UNIX_MS,
});

const securityKeyCredential = record({
  credentialId: bytes({ max: 1023 }),
  /** COSE_Key. */
  publicKey: bytes({ max: 1024 }),
  aaguid: bytes({ exact: 16 }),
  /** The hmac-secret salt. */
  salt: bytes({ exact: 32 }),
  /** The key gives another secret with user verification than without. */
  uvUsed: flag,
  label: text(128),
  /** The group secret, wrapped for this key. */
  wrap: box,
});

const securityKey = record({
  blob,
  /** Counts group secrets: part of what is authenticated with every wrap. */
  generation: integer(1, 0xffffffff),
  credentials: list(securityKeyCredential, 16),
});

const branches = list(list(oneOf(...FACTOR_KINDS), 6), 64);

/** A context beside `unlock`: a key of its own, under a policy of its own. */
const furtherContext = record({
  context: oneOf(...FURTHER_CONTEXTS),
  sealedKey: blob,
  /** The number of the machine's policy that this is; below that of `policy` while a newer one is pending for it. */
  version: integer(1, 0xffffffff),
  /** Null: the document of `policy`. */
  document: nullable(text(65_536)),
  branches,
  signature,
  /** The key for the recovery sheet; null: the container was made before sheets could hold it. */
  recovery: nullable(bytes({ max: 256 })),
});

const policy = record({
  /** The number of the machine's policy that this is. */
  version: integer(1, 0xffffffff),
  /** The policy document, JSON, as it was set. */
  document: text(65_536),
  branches,
  n: EPOCH,
  signature,
  bump: signature,
});

/** Gestures that a reader of the machine recognises. */
export const BIOMETRICS = ['fingerprint', 'face'] as const;
export type Biometric = (typeof BIOMETRICS)[number];

/** Factors that no secret proves: a key of this TPM asserts that they were observed. */
export const OBSERVED_FACTORS = ['fingerprint', 'face', 'phone', 'network'] as const;
export type ObservedFactorKind = (typeof OBSERVED_FACTORS)[number];

const signer = record({
  kind: oneOf(...OBSERVED_FACTORS),
  /** True: of a simulated machine; it asserts simulated observations and no others. */
  simulated: flag,
  blob,
  authValue: bytes({ exact: 32 }),
});

export const containerShape = record({
  containerId: bytes({ exact: CONTAINER_ID_BYTES }),
  uid: integer(0, 0xffffffff),
  createdAt: UNIX_MS,
  /** The Name of the storage root key that everything here is under. */
  rootName: bytes({ exact: 34 }),
  authority: record({
    kind: oneOf('this-machine', 'managed'),
    /** TPMT_PUBLIC of the key that approves policies. */
    publicArea: bytes({ max: 1024 }),
    /** Only on a single box: the key itself, and its authValue sealed under the policy that it approves. */
    key: nullable(blob),
    sealedAuth: nullable(blob),
    /** The policy of the authValue; null: that of `unlock`, as version 1 sealed it. */
    change: nullable(record({ branches, signature })),
  }),
  counterIndex: integer(0x01800000, 0x01bfffff),
  /** The highest number ever signed or burned. */
  highestSigned: EPOCH,
  sealedKey: blob,
  contexts: list(furtherContext, FURTHER_CONTEXTS.length),
  /** Null while a managed enrolment waits for its first signature. */
  policy: nullable(policy),
  factors: record({ pin: nullable(pin), securityKey: nullable(securityKey) }),
  /** What the readers of this machine may say of this user: branches with another one are not sealed. */
  biometrics: list(oneOf(...BIOMETRICS), BIOMETRICS.length),
  /** One of a kind at most. */
  signers: list(signer, OBSERVED_FACTORS.length),
  /** Encrypted under a key derived from the container key: PIN history, wrap keys, earlier container keys. */
  records: box,
  /** The container key and the authority's authValue under the recovery secret. */
  recovery: record({
    generation: integer(1, 0xffffffff),
    issuedAt: UNIX_MS,
    wrap: box,
    /** X25519, under the container key: what the keys of contexts are wrapped to. Null: made by version 1. */
    publicKey: nullable(box),
  }),
});

export type ContainerState = ShapeOf<typeof containerShape>;
export type PinState = NonNullable<ContainerState['factors']['pin']>;
export type SecurityKeyState = NonNullable<ContainerState['factors']['securityKey']>;
export type SecurityKeyCredential = SecurityKeyState['credentials'][number];
export type ContextState = ContainerState['contexts'][number];
export type SignerState = ContainerState['signers'][number];
export type PolicyState = NonNullable<ContainerState['policy']>;

/** Version 1 had proved factors and one context only. */
function fromVersion1(body: CborValue): CborValue {
  if (!(body instanceof Map)) return body;
  const further = (name: string, field: string): [string, CborValue][] => {
    const found = body.get(name);
    return found instanceof Map ? [[name, withAdded(found, `container.${name}`, [[field, null]])]] : [];
  };
  const inside = [...further('authority', 'change'), ...further('recovery', 'publicKey')];
  return withAdded(new Map([...body, ...inside]), 'container', [
    ['signers', []],
    ['contexts', []],
  ]);
}

/** Version 2 had nobody's finger. */
const fromVersion2 = (body: CborValue): CborValue =>
  body instanceof Map ? withAdded(body, 'container', [['biometrics', []]]) : body;

export const CONTAINER_STATE: StateKind<ContainerState> = {
  kind: 'container',
  version: 3,
  shape: containerShape,
  upgrades: { 1: fromVersion1, 2: fromVersion2 },
};

/** Written before an enrolment defines anything in the TPM: an index named here and in no container is to be freed. */
export const INTENT_STATE: StateKind<EnrolmentIntent> = {
  kind: 'intent',
  version: 1,
  shape: record({
    containerId: bytes({ exact: CONTAINER_ID_BYTES }),
    counterIndex: integer(0x01800000, 0x01bfffff),
    authority: bytes({ max: 1024 }),
  }),
};
export interface EnrolmentIntent {
  readonly containerId: Uint8Array;
  readonly counterIndex: number;
  readonly authority: Uint8Array;
}

/** What set-up has pinned and made for the machine. */
export const MACHINE_STATE: StateKind<MachineState> = {
  kind: 'machine',
  version: 1,
  shape: record({
    machineId: bytes({ exact: 16 }),
    setUpAt: UNIX_MS,
    rootHandle: integer(0x81000000, 0x81ffffff),
    /** TPMT_PUBLIC of the storage root key. */
    rootPublic: bytes({ max: 1024 }),
    rootName: bytes({ exact: 34 }),
    /** Set-up was begun and not finished: lockoutAuth may or may not be the wrapped one. */
    complete: flag,
    lockout: record({
      /** `ours`: set by set-up and wrapped; `foreign`: it had a value before; `none`: it is empty. */
      auth: oneOf('ours', 'foreign', 'none'),
      /** The dictionary-attack protection is one that the PIN may lean on. */
      protects: flag,
      wrap: nullable(box),
    }),
    /** Null: each container's authority is a key of this TPM. Otherwise P-256 coordinates of the one elsewhere. */
    managedAuthority: nullable(record({ x: bytes({ exact: 32 }), y: bytes({ exact: 32 }) })),
  }),
};
export interface MachineState {
  readonly machineId: Uint8Array;
  readonly setUpAt: number;
  readonly rootHandle: number;
  readonly rootPublic: Uint8Array;
  readonly rootName: Uint8Array;
  readonly complete: boolean;
  readonly lockout: {
    readonly auth: 'ours' | 'foreign' | 'none';
    readonly protects: boolean;
    readonly wrap: Uint8Array | null;
  };
  readonly managedAuthority: { readonly x: Uint8Array; readonly y: Uint8Array } | null;
}
