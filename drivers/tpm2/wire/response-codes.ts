/**
 * TPM_RC (TPM 2.0 Part 2 §6.6): the table of response codes under the spec's names, and how the bits of a code say
 * which handle, session or parameter it is about. Unknown codes keep their number.
 */

/** Format 0, version 2 (§6.6.3 Table 16, RC_VER1 = 0x100): errors that are about no handle, session or parameter. */
const ERRORS = [
  [0x100, 'INITIALIZE', 'the TPM was not started by TPM2_Startup, or already was'],
  [0x101, 'FAILURE', 'the TPM is in failure mode and accepts no commands'],
  [0x103, 'SEQUENCE', 'the handle of a sequence was used wrongly'],
  [0x10b, 'PRIVATE', 'not used at present'],
  [0x119, 'HMAC', 'not used at present'],
  [0x120, 'DISABLED', 'the command is disabled'],
  [0x121, 'EXCLUSIVE', 'the audit session had to be exclusive and was not'],
  [0x124, 'AUTH_TYPE', 'this kind of authorization is not right for the command'],
  [0x125, 'AUTH_MISSING', 'a handle needs an authorization session and has none'],
  [0x126, 'POLICY', 'a comparison of the policy failed, or the authPolicy is not valid'],
  [0x127, 'PCR', 'a PCR check failed'],
  [0x128, 'PCR_CHANGED', 'a PCR has changed since it was checked'],
  [0x12d, 'UPGRADE', 'the TPM is being upgraded, or for TPM2_FieldUpgradeData, is not'],
  [0x12e, 'TOO_MANY_CONTEXTS', 'the counter of context ids is at its maximum'],
  [0x12f, 'AUTH_UNAVAILABLE', 'the authValue or authPolicy may not be used for this entity'],
  [0x130, 'REBOOT', 'the machine has to be restarted before the TPM goes on'],
  [0x131, 'UNBALANCED', 'the hash is too short for the key of the symmetric algorithm'],
  [0x142, 'COMMAND_SIZE', 'commandSize is not the size of the command'],
  [0x143, 'COMMAND_CODE', 'the command is not supported'],
  [0x144, 'AUTHSIZE', 'authorizationSize is out of range or not what the sessions need'],
  [0x145, 'AUTH_CONTEXT', 'a session was given to a command that cannot have one'],
  [0x146, 'NV_RANGE', 'offset and size reach beyond the NV index'],
  [0x147, 'NV_SIZE', 'the NV index would be too large'],
  [0x148, 'NV_LOCKED', 'the NV index is locked'],
  [0x149, 'NV_AUTHORIZATION', 'the NV index may not be used by this authorization'],
  [0x14a, 'NV_UNINITIALIZED', 'the NV index was never written, or its state could not be restored'],
  [0x14b, 'NV_SPACE', 'there is not enough NV space'],
  [0x14c, 'NV_DEFINED', 'the NV index or persistent object exists already'],
  [0x150, 'BAD_CONTEXT', 'the saved context is not valid'],
  [0x151, 'CPHASH', 'a cpHash was set already, or is not that of the command'],
  [0x152, 'PARENT', 'the handle is not that of a parent'],
  [0x153, 'NEEDS_TEST', 'a function has to be tested first'],
  [0x154, 'NO_RESULT', 'an internal function could not process the request'],
  [0x155, 'SENSITIVE', 'the sensitive area is not well formed after decryption'],
] as const;

/** Format 1 (§6.6.3 Table 17, RC_FMT1 = 0x080): errors of one handle, session or parameter. */
const FORMAT_ONE = [
  [0x081, 'ASYMMETRIC', 'the asymmetric algorithm is not supported or not correct'],
  [0x082, 'ATTRIBUTES', 'the attributes contradict each other or the use'],
  [0x083, 'HASH', 'the hash algorithm is not supported or not appropriate'],
  [0x084, 'VALUE', 'the value is out of range or not correct in this place'],
  [0x085, 'HIERARCHY', 'the hierarchy is not enabled or not correct for the use'],
  [0x087, 'KEY_SIZE', 'the key size is not supported'],
  [0x088, 'MGF', 'the mask generation function is not supported'],
  [0x089, 'MODE', 'the mode of operation is not supported'],
  [0x08a, 'TYPE', 'the type of the value is not appropriate for the use'],
  [0x08b, 'HANDLE', 'the handle is not correct for the use'],
  [0x08c, 'KDF', 'the key derivation function is not supported or not appropriate'],
  [0x08d, 'RANGE', 'the value is out of the allowed range'],
  [0x08e, 'AUTH_FAIL', 'the authorization is wrong, and counts against the dictionary-attack limit'],
  [0x08f, 'NONCE', 'the nonce has a wrong size or value'],
  [0x090, 'PP', 'somebody has to be physically present'],
  [0x092, 'SCHEME', 'the scheme is not supported or does not fit'],
  [0x095, 'SIZE', 'the structure has the wrong size'],
  [0x096, 'SYMMETRIC', 'the symmetric algorithm or key size is not supported or not appropriate'],
  [0x097, 'TAG', 'the structure has the wrong tag'],
  [0x098, 'SELECTOR', 'the selector of a union is not correct'],
  [0x09a, 'INSUFFICIENT', 'the command ends in the middle of a value'],
  [0x09b, 'SIGNATURE', 'the signature is not valid'],
  [0x09c, 'KEY', 'the fields of the key do not fit the use'],
  [0x09d, 'POLICY_FAIL', 'the policy is not satisfied'],
  [0x09f, 'INTEGRITY', 'the integrity check failed'],
  [0x0a0, 'TICKET', 'the ticket is not valid'],
  [0x0a1, 'RESERVED_BITS', 'reserved bits are not zero'],
  [0x0a2, 'BAD_AUTH', 'the authorization is wrong, outside dictionary-attack protection'],
  [0x0a3, 'EXPIRED', 'the policy has expired'],
  [0x0a4, 'POLICY_CC', 'the command is not the one that the policy is for'],
  [0x0a5, 'BINDING', 'the public and the sensitive part do not belong together'],
  [0x0a6, 'CURVE', 'the curve is not supported'],
  [0x0a7, 'ECC_POINT', 'the point is not on the curve'],
] as const;

/** Warnings (§6.6.3 Table 18, RC_WARN = 0x900): the command may succeed another time. */
const WARNINGS = [
  [0x901, 'CONTEXT_GAP', 'the gap between context ids is too large'],
  [0x902, 'OBJECT_MEMORY', 'no memory for another object'],
  [0x903, 'SESSION_MEMORY', 'no memory for another session'],
  [0x904, 'MEMORY', 'no memory for objects, sessions or the operation itself'],
  [0x905, 'SESSION_HANDLES', 'no handle for another session: flush one first'],
  [0x906, 'OBJECT_HANDLES', 'no handle for another object: a restart is needed'],
  [0x907, 'LOCALITY', 'the locality is not right'],
  [0x908, 'YIELDED', 'the TPM has interrupted the command: repeat it'],
  [0x909, 'CANCELED', 'the command was cancelled'],
  [0x90a, 'TESTING', 'the TPM is testing itself'],
  [0x910, 'REFERENCE_H0', 'the 1st handle refers to what is not loaded'],
  [0x911, 'REFERENCE_H1', 'the 2nd handle refers to what is not loaded'],
  [0x912, 'REFERENCE_H2', 'the 3rd handle refers to what is not loaded'],
  [0x913, 'REFERENCE_H3', 'the 4th handle refers to what is not loaded'],
  [0x914, 'REFERENCE_H4', 'the 5th handle refers to what is not loaded'],
  [0x915, 'REFERENCE_H5', 'the 6th handle refers to what is not loaded'],
  [0x916, 'REFERENCE_H6', 'the 7th handle refers to what is not loaded'],
  [0x918, 'REFERENCE_S0', 'the 1st session is not loaded'],
  [0x919, 'REFERENCE_S1', 'the 2nd session is not loaded'],
  [0x91a, 'REFERENCE_S2', 'the 3rd session is not loaded'],
  [0x91b, 'REFERENCE_S3', 'the 4th session is not loaded'],
  [0x91c, 'REFERENCE_S4', 'the 5th session is not loaded'],
  [0x91d, 'REFERENCE_S5', 'the 6th session is not loaded'],
  [0x91e, 'REFERENCE_S6', 'the 7th session is not loaded'],
  [0x920, 'NV_RATE', 'the TPM slows writes down to spare its NV memory'],
  [0x921, 'LOCKOUT', 'the TPM is in dictionary-attack lockout, for right and wrong values alike'],
  [0x922, 'RETRY', 'the TPM could not start the command: repeat it'],
  [0x923, 'NV_UNAVAILABLE', 'the NV memory cannot be written now'],
  [0x97f, 'NOT_USED', 'reserved: a TPM never sends it'],
] as const;

/** Every code of the tables without handle, session or parameter number, as [number, name, words]. */
export const RESPONSE_CODES: readonly (readonly [code: number, name: `TPM_RC_${string}`, words: string])[] = [
  [0x000, 'TPM_RC_SUCCESS', 'the command succeeded'],
  [0x01e, 'TPM_RC_BAD_TAG', 'the tag of the command is not one of TPM 2.0'],
  ...[...ERRORS, ...FORMAT_ONE, ...WARNINGS].map(([code, name, words]) => [code, `TPM_RC_${name}`, words] as const),
];

const BY_CODE = new Map(RESPONSE_CODES.map((row) => [row[0], row]));

export interface DecodedResponseCode {
  /** The spec's name, or `TPM_RC 0x…` for a code that the tables do not have. */
  readonly name: string;
  /** §6.6.2: 1 when the code is about one handle, session or parameter. */
  readonly format: 0 | 1;
  /** Format 0 only. */
  readonly severity?: 'error' | 'warning';
  /** 1–7: which handle; present in format 1 only, when the TPM says which. */
  readonly handle?: number;
  /** 1–7. */
  readonly session?: number;
  /** 1–15. */
  readonly parameter?: number;
  /** The code without the number of handle, session or parameter. */
  readonly base: number;
  /** What it means, for people. */
  readonly words: string;
  /** Name with its place: `TPM_RC_AUTH_FAIL (session 1)`. */
  readonly text: string;
}

const FMT1 = 0x080;
const PARAMETER = 0x040;
const SESSION = 0x800;
const VER2 = 0x100;
const VENDOR = 0x400;
const WARNING = 0x800;

const hex = (rc: number): string => `0x${rc.toString(16).toUpperCase().padStart(3, '0')}`;

type Place = { readonly handle: number } | { readonly session: number } | { readonly parameter: number };

/** Bits 11:8 (§6.6.2 Table 14). A zero in them means that the TPM does not say which one. */
function placeOf(rc: number): Place | null {
  const parameter = (rc >> 8) & 0xf;
  const other = parameter & 0x7;
  if ((rc & PARAMETER) !== 0) return parameter === 0 ? null : { parameter };
  if (other === 0) return null;
  return (rc & SESSION) !== 0 ? { session: other } : { handle: other };
}

function unknownWords(rc: number): string {
  if (rc > 0xfff) return 'not a response code of a TPM: a layer of software has put its mark on it';
  if ((rc & FMT1) !== 0) return 'a code that Part 2 does not list';
  if ((rc & VER2) === 0) return 'a code of TPM 1.2';
  return (rc & VENDOR) !== 0 ? 'a code of the vendor' : 'a code that Part 2 does not list';
}

/**
 * What a response code says. Total: every number has an answer.
 * @param rc as the TPM sent it, 32 bits
 */
export function decodeResponseCode(rc: number): DecodedResponseCode {
  const format = rc <= 0xfff && (rc & FMT1) !== 0 ? 1 : 0;
  const base = format === 1 ? rc & 0x0bf : rc;
  const row = BY_CODE.get(base);
  const place = format === 1 ? placeOf(rc) : null;
  const [kind, number] = Object.entries(place ?? {})[0] ?? [];
  const name = row?.[1] ?? `TPM_RC ${hex(base)}`;
  return {
    name,
    format,
    ...(format === 1 ? place : { severity: (rc & WARNING) !== 0 && rc <= 0xfff ? 'warning' : 'error' }),
    base,
    words: row?.[2] ?? unknownWords(rc),
    text: kind === undefined ? name : `${name} (${kind} ${number})`,
  };
}
