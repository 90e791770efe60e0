/**
 * Templates of the objects of the product. A template is part of the key that comes out of it, so these never change:
 * a new one gets a new name.
 */
import { TPM_ALG, TPM_ECC, TPMA_NV, TPMA_OBJECT } from './wire/constants.ts';
import type { NvPublic } from './wire/nv-public.ts';
import type { EccPublic, KeyedHashPublic, RsaPublic } from './wire/public-area.ts';

const { FIXED_TPM, FIXED_PARENT, SENSITIVE_DATA_ORIGIN, USER_WITH_AUTH, ADMIN_WITH_POLICY, NO_DA } = TPMA_OBJECT;
const { RESTRICTED, DECRYPT, SIGN_ENCRYPT } = TPMA_OBJECT;
const NOTHING = new Uint8Array(0);

const STORAGE = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | NO_DA | RESTRICTED | DECRYPT;

/** Template L-2 of the TCG EK profile family as systemd makes its storage root key: P-256, AES-128-CFB, unique empty. */
export const SRK_ECC: EccPublic = {
  type: 'ecc',
  nameAlg: TPM_ALG.SHA256,
  attributes: STORAGE,
  authPolicy: NOTHING,
  symmetric: { keyBits: 128 },
  scheme: null,
  curve: TPM_ECC.NIST_P256,
  x: NOTHING,
  y: NOTHING,
};

/** Template L-1: RSA 2048, for TPMs without P-256 and for Windows' own key. */
export const SRK_RSA: RsaPublic = {
  type: 'rsa',
  nameAlg: TPM_ALG.SHA256,
  attributes: STORAGE,
  authPolicy: NOTHING,
  symmetric: { keyBits: 128 },
  scheme: null,
  keyBits: 2048,
  exponent: 0,
  modulus: NOTHING,
};

/**
 * A factor: a sealed object whose authValue is the factor. `adminWithPolicy` with an empty policy closes the ADMIN
 * role, or ObjectChangeAuth would copy it under the same Name with another authValue.
 * @param dictionaryAttack true for the PIN: wrong values count in the TPM
 */
export const factorTemplate = (dictionaryAttack: boolean): KeyedHashPublic => ({
  type: 'keyedhash',
  nameAlg: TPM_ALG.SHA256,
  attributes: FIXED_TPM | FIXED_PARENT | USER_WITH_AUTH | ADMIN_WITH_POLICY | (dictionaryAttack ? 0 : NO_DA),
  authPolicy: NOTHING,
  unique: NOTHING,
});

/** Sealed data that only a policy opens: `userWithAuth` clear, so that no authValue does. */
export const sealedTemplate = (authPolicy: Uint8Array): KeyedHashPublic => ({
  type: 'keyedhash',
  nameAlg: TPM_ALG.SHA256,
  attributes: FIXED_TPM | FIXED_PARENT | ADMIN_WITH_POLICY | NO_DA,
  authPolicy,
  unique: NOTHING,
});

/** An ECDSA P-256 signing key of this TPM under a random authValue: the authority of a single box, or a signer. */
export const SIGNING_KEY: EccPublic = {
  type: 'ecc',
  nameAlg: TPM_ALG.SHA256,
  attributes:
    FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | ADMIN_WITH_POLICY | NO_DA | SIGN_ENCRYPT,
  authPolicy: NOTHING,
  symmetric: null,
  scheme: { scheme: TPM_ALG.ECDSA, hash: TPM_ALG.SHA256 },
  curve: TPM_ECC.NIST_P256,
  x: NOTHING,
  y: NOTHING,
};

/** A P-256 public key from elsewhere that verifies ECDSA-SHA256 signatures: the authority of a managed machine. */
export const externalKey = (x: Uint8Array, y: Uint8Array): EccPublic => ({
  ...SIGNING_KEY,
  attributes: USER_WITH_AUTH | SIGN_ENCRYPT,
  x,
  y,
});

/** The attributes of an epoch counter, exactly; WRITTEN comes with the first increment. */
export const COUNTER_ATTRIBUTES = TPMA_NV.TYPE_COUNTER | TPMA_NV.POLICYWRITE | TPMA_NV.AUTHREAD | TPMA_NV.NO_DA;

export const counterPublic = (index: number, authPolicy: Uint8Array, written: boolean): NvPublic => ({
  index,
  nameAlg: TPM_ALG.SHA256,
  attributes: COUNTER_ATTRIBUTES | (written ? TPMA_NV.WRITTEN : 0),
  authPolicy,
  dataSize: 8,
});
