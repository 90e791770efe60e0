/**
 * Numbers of the TPM 2.0 Library, Part 2 (revision 1.59), under the spec's own names. A table: no logic.
 */

/** Part 2 §6.3, TPM_ALG_ID. */
export const TPM_ALG = {
  RSA: 0x0001,
  SHA1: 0x0004,
  AES: 0x0006,
  KEYEDHASH: 0x0008,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  RSASSA: 0x0014,
  RSAES: 0x0015,
  RSAPSS: 0x0016,
  OAEP: 0x0017,
  ECDSA: 0x0018,
  ECC: 0x0023,
  SYMCIPHER: 0x0025,
  CFB: 0x0043,
} as const;

/** Part 2 §6.4, TPM_ECC_CURVE. */
export const TPM_ECC = { NIST_P256: 0x0003, NIST_P384: 0x0004 } as const;

/** Part 2 §6.5.2, TPM_CC: the commands of the product and of its tests. */
export const TPM_CC = {
  NV_UndefineSpace: 0x0122,
  EvictControl: 0x0120,
  Clear: 0x0126,
  HierarchyChangeAuth: 0x0129,
  NV_DefineSpace: 0x012a,
  CreatePrimary: 0x0131,
  NV_Increment: 0x0134,
  DictionaryAttackLockReset: 0x0139,
  DictionaryAttackParameters: 0x013a,
  Startup: 0x0144,
  Shutdown: 0x0145,
  Certify: 0x0148,
  PolicyNV: 0x0149,
  NV_Read: 0x014e,
  ObjectChangeAuth: 0x0150,
  PolicySecret: 0x0151,
  Create: 0x0153,
  Load: 0x0157,
  Sign: 0x015d,
  Unseal: 0x015e,
  PolicySigned: 0x0160,
  ContextLoad: 0x0161,
  ContextSave: 0x0162,
  FlushContext: 0x0165,
  LoadExternal: 0x0167,
  NV_ReadPublic: 0x0169,
  PolicyAuthorize: 0x016a,
  PolicyAuthValue: 0x016b,
  PolicyOR: 0x0171,
  ReadPublic: 0x0173,
  StartAuthSession: 0x0176,
  VerifySignature: 0x0177,
  GetCapability: 0x017a,
  GetRandom: 0x017b,
  PolicyPCR: 0x017f,
  PolicyGetDigest: 0x0189,
  PolicyNvWritten: 0x018f,
} as const;
export type CommandName = keyof typeof TPM_CC;

/** Part 2 §6.9, TPM_ST. */
export const TPM_ST = {
  NO_SESSIONS: 0x8001,
  SESSIONS: 0x8002,
  ATTEST_CERTIFY: 0x8017,
  CREATION: 0x8021,
  VERIFIED: 0x8022,
  AUTH_SECRET: 0x8023,
  HASHCHECK: 0x8024,
  AUTH_SIGNED: 0x8025,
} as const;

/** Part 2 §7.4, TPM_RH. */
export const TPM_RH = {
  OWNER: 0x40000001,
  NULL: 0x40000007,
  /** TPM_RS_PW: the password session. */
  PW: 0x40000009,
  LOCKOUT: 0x4000000a,
  ENDORSEMENT: 0x4000000b,
  PLATFORM: 0x4000000c,
} as const;

/** Part 2 §6.11, TPM_SE. */
export const TPM_SE = { HMAC: 0x00, POLICY: 0x01, TRIAL: 0x03 } as const;

/** Part 2 §6.10, TPM_SU. */
export const TPM_SU = { CLEAR: 0x0000, STATE: 0x0001 } as const;

/** Part 2 §6.8, TPM_EO: how PolicyNV compares. */
export const TPM_EO = {
  EQ: 0x0000,
  NEQ: 0x0001,
  UNSIGNED_GT: 0x0003,
  UNSIGNED_LT: 0x0005,
  UNSIGNED_GE: 0x0007,
  UNSIGNED_LE: 0x0009,
} as const;

/** Part 2 §6.12, TPM_CAP. */
export const TPM_CAP = { ALGS: 0, HANDLES: 1, COMMANDS: 2, TPM_PROPERTIES: 6 } as const;

/** Part 2 §6.13, TPM_PT. */
export const TPM_PT = {
  MANUFACTURER: 0x105,
  VENDOR_STRING_1: 0x106,
  VENDOR_STRING_2: 0x107,
  VENDOR_STRING_3: 0x108,
  VENDOR_STRING_4: 0x109,
  FIRMWARE_VERSION_1: 0x10b,
  FIRMWARE_VERSION_2: 0x10c,
  NV_COUNTERS_MAX: 0x115,
  PERMANENT: 0x200,
  STARTUP_CLEAR: 0x201,
  NV_COUNTERS: 0x20a,
  NV_COUNTERS_AVAIL: 0x20b,
  LOCKOUT_COUNTER: 0x20e,
  MAX_AUTH_FAIL: 0x20f,
  LOCKOUT_INTERVAL: 0x210,
  LOCKOUT_RECOVERY: 0x211,
} as const;

/** Part 2 §8.6, TPMA_PERMANENT. */
export const TPMA_PERMANENT = {
  OWNER_AUTH_SET: 1 << 0,
  ENDORSEMENT_AUTH_SET: 1 << 1,
  LOCKOUT_AUTH_SET: 1 << 2,
  DISABLE_CLEAR: 1 << 8,
  IN_LOCKOUT: 1 << 9,
} as const;

/** Part 2 §8.3, TPMA_OBJECT. */
export const TPMA_OBJECT = {
  FIXED_TPM: 1 << 1,
  ST_CLEAR: 1 << 2,
  FIXED_PARENT: 1 << 4,
  SENSITIVE_DATA_ORIGIN: 1 << 5,
  USER_WITH_AUTH: 1 << 6,
  ADMIN_WITH_POLICY: 1 << 7,
  NO_DA: 1 << 10,
  ENCRYPTED_DUPLICATION: 1 << 11,
  RESTRICTED: 1 << 16,
  DECRYPT: 1 << 17,
  SIGN_ENCRYPT: 1 << 18,
} as const;

/** Part 2 §8.4, TPMA_SESSION. */
export const TPMA_SESSION = {
  CONTINUE: 0x01,
  AUDIT_EXCLUSIVE: 0x02,
  DECRYPT: 0x20,
  ENCRYPT: 0x40,
  AUDIT: 0x80,
} as const;

/** Part 2 §13.4, TPMA_NV; the type of the index is in bits 7:4. */
export const TPMA_NV = {
  PPWRITE: 1 << 0,
  OWNERWRITE: 1 << 1,
  AUTHWRITE: 1 << 2,
  POLICYWRITE: 1 << 3,
  TYPE_COUNTER: 1 << 4,
  POLICY_DELETE: 1 << 10,
  PPREAD: 1 << 16,
  OWNERREAD: 1 << 17,
  AUTHREAD: 1 << 18,
  POLICYREAD: 1 << 19,
  NO_DA: 1 << 25,
  ORDERLY: 1 << 26,
  WRITTEN: 1 << 29,
} as const;

/** First handle of each range, Part 2 §7.2 and §13. */
export const HANDLE_RANGE = {
  NV_INDEX: 0x01000000,
  HMAC_SESSION: 0x02000000,
  POLICY_SESSION: 0x03000000,
  TRANSIENT: 0x80000000,
  PERSISTENT: 0x81000000,
} as const;

/** What PT_PERMANENT and friends are read as: the largest command or response a TPM 2.0 exchanges here. */
export const MAX_COMMAND_SIZE = 4096;
