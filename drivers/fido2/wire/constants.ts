/**
 * Numbers of CTAP 2.1 that both sides of the wire use, with the names of the specification (§6 commands, §6.4 members
 * of authenticatorGetInfo, §6.5 clientPIN, §6.5.5.7 permissions) and of COSE (RFC 9052, RFC 9053, RFC 8230).
 */

/** §6: command bytes in front of the CBOR of a request. */
export const CTAP_COMMAND = {
  authenticatorMakeCredential: 0x01,
  authenticatorGetAssertion: 0x02,
  authenticatorGetInfo: 0x04,
  authenticatorClientPIN: 0x06,
  authenticatorReset: 0x07,
  authenticatorGetNextAssertion: 0x08,
  authenticatorBioEnrollment: 0x09,
  authenticatorCredentialManagement: 0x0a,
  authenticatorSelection: 0x0b,
  authenticatorLargeBlobs: 0x0c,
  authenticatorConfig: 0x0d,
  /** CTAP 2.1 preview, as keys of before speak it. */
  authenticatorBioEnrollmentPreview: 0x40,
  authenticatorCredentialManagementPreview: 0x41,
} as const;

/** §6.4: members of the authenticatorGetInfo response. */
export const GET_INFO = {
  versions: 0x01,
  extensions: 0x02,
  aaguid: 0x03,
  options: 0x04,
  maxMsgSize: 0x05,
  pinUvAuthProtocols: 0x06,
  maxCredentialCountInList: 0x07,
  maxCredentialIdLength: 0x08,
  transports: 0x09,
  algorithms: 0x0a,
  maxSerializedLargeBlobArray: 0x0b,
  forcePINChange: 0x0c,
  minPINLength: 0x0d,
  firmwareVersion: 0x0e,
  maxCredBlobLength: 0x0f,
  maxRPIDsForSetMinPINLength: 0x10,
  preferredPlatformUvAttempts: 0x11,
  uvModality: 0x12,
  certifications: 0x13,
  remainingDiscoverableCredentials: 0x14,
  vendorPrototypeConfigCommands: 0x15,
} as const;

/** §6.1: parameters of authenticatorMakeCredential, and members of its response. */
export const MAKE_CREDENTIAL = {
  clientDataHash: 0x01,
  rp: 0x02,
  user: 0x03,
  pubKeyCredParams: 0x04,
  excludeList: 0x05,
  extensions: 0x06,
  options: 0x07,
  pinUvAuthParam: 0x08,
  pinUvAuthProtocol: 0x09,
  enterpriseAttestation: 0x0a,
} as const;
export const MAKE_CREDENTIAL_RESPONSE = {
  fmt: 0x01,
  authData: 0x02,
  attStmt: 0x03,
  epAtt: 0x04,
  largeBlobKey: 0x05,
} as const;

/** §6.2: parameters of authenticatorGetAssertion, and members of its response. */
export const GET_ASSERTION = {
  rpId: 0x01,
  clientDataHash: 0x02,
  allowList: 0x03,
  extensions: 0x04,
  options: 0x05,
  pinUvAuthParam: 0x06,
  pinUvAuthProtocol: 0x07,
} as const;
export const GET_ASSERTION_RESPONSE = {
  credential: 0x01,
  authData: 0x02,
  signature: 0x03,
  user: 0x04,
  numberOfCredentials: 0x05,
  userSelected: 0x06,
  largeBlobKey: 0x07,
} as const;

/** §6.5.5: parameters of authenticatorClientPIN. */
export const CLIENT_PIN = {
  pinUvAuthProtocol: 0x01,
  subCommand: 0x02,
  keyAgreement: 0x03,
  pinUvAuthParam: 0x04,
  newPinEnc: 0x05,
  pinHashEnc: 0x06,
  permissions: 0x09,
  rpId: 0x0a,
} as const;
export const CLIENT_PIN_RESPONSE = {
  keyAgreement: 0x01,
  pinUvAuthToken: 0x02,
  pinRetries: 0x03,
  powerCycleState: 0x04,
  uvRetries: 0x05,
} as const;
export const CLIENT_PIN_SUBCOMMAND = {
  getPINRetries: 0x01,
  getKeyAgreement: 0x02,
  setPIN: 0x03,
  changePIN: 0x04,
  getPinToken: 0x05,
  getPinUvAuthTokenUsingUvWithPermissions: 0x06,
  getUVRetries: 0x07,
  getPinUvAuthTokenUsingPinWithPermissions: 0x09,
} as const;

/** §6.5.5.7: permissions of a pinUvAuthToken. */
export const PERMISSION = {
  /** MakeCredential */
  mc: 0x01,
  /** GetAssertion */
  ga: 0x02,
  /** Credential Management */
  cm: 0x04,
  /** Bio Enrollment */
  be: 0x08,
  /** Large Blob Write */
  lbw: 0x10,
  /** Authenticator Configuration */
  acfg: 0x20,
} as const;

/** §6.8: parameters of authenticatorCredentialManagement, of its subcommands, and members of its response. */
export const CREDENTIAL_MANAGEMENT = {
  subCommand: 0x01,
  subCommandParams: 0x02,
  pinUvAuthProtocol: 0x03,
  pinUvAuthParam: 0x04,
} as const;
export const CREDENTIAL_MANAGEMENT_SUBCOMMAND = {
  getCredsMetadata: 0x01,
  enumerateRPsBegin: 0x02,
  enumerateRPsGetNextRP: 0x03,
  enumerateCredentialsBegin: 0x04,
  enumerateCredentialsGetNextCredential: 0x05,
  deleteCredential: 0x06,
  updateUserInformation: 0x07,
} as const;
export const CREDENTIAL_MANAGEMENT_PARAM = { rpIDHash: 0x01, credentialID: 0x02, user: 0x03 } as const;
export const CREDENTIAL_MANAGEMENT_RESPONSE = {
  existingResidentCredentialsCount: 0x01,
  maxPossibleRemainingResidentCredentialsCount: 0x02,
  rp: 0x03,
  rpIDHash: 0x04,
  totalRPs: 0x05,
  user: 0x06,
  credentialID: 0x07,
  publicKey: 0x08,
  totalCredentials: 0x09,
  credProtect: 0x0a,
  largeBlobKey: 0x0b,
} as const;

/** §6.7: parameters of authenticatorBioEnrollment, of its subcommands, and members of its response. */
export const BIO_ENROLLMENT = {
  modality: 0x01,
  subCommand: 0x02,
  subCommandParams: 0x03,
  pinUvAuthProtocol: 0x04,
  pinUvAuthParam: 0x05,
  getModality: 0x06,
} as const;
export const BIO_ENROLLMENT_SUBCOMMAND = {
  enrollBegin: 0x01,
  enrollCaptureNextSample: 0x02,
  cancelCurrentEnrollment: 0x03,
  enumerateEnrollments: 0x04,
  setFriendlyName: 0x05,
  removeEnrollment: 0x06,
  getFingerprintSensorInfo: 0x07,
} as const;
export const BIO_ENROLLMENT_PARAM = {
  templateId: 0x01,
  templateFriendlyName: 0x02,
  timeoutMilliseconds: 0x03,
} as const;
export const BIO_ENROLLMENT_RESPONSE = {
  modality: 0x01,
  fingerprintKind: 0x02,
  maxCaptureSamplesRequiredForEnroll: 0x03,
  templateId: 0x04,
  lastEnrollSampleStatus: 0x05,
  remainingSamples: 0x06,
  templateInfos: 0x07,
  maxTemplateFriendlyName: 0x08,
} as const;
/** §6.7.1: the one modality there is, and what kind of sensor reads it. */
export const BIO_MODALITY_FINGERPRINT = 0x01;
export const FINGERPRINT_KIND = { touch: 0x01, swipe: 0x02 } as const;
/** §6.7.2: lastEnrollSampleStatus. */
export const SAMPLE_STATUS = {
  good: 0x00,
  tooHigh: 0x01,
  tooLow: 0x02,
  tooLeft: 0x03,
  tooRight: 0x04,
  tooFast: 0x05,
  tooSlow: 0x06,
  poorQuality: 0x07,
  tooSkewed: 0x08,
  tooShort: 0x09,
  mergeFailure: 0x0a,
  exists: 0x0b,
  noUserActivity: 0x0d,
  noUserPresenceTransition: 0x0e,
} as const;

/** §6.10: parameters of authenticatorLargeBlobs, and the one member of its response. */
export const LARGE_BLOBS = {
  get: 0x01,
  set: 0x02,
  offset: 0x03,
  length: 0x04,
  pinUvAuthParam: 0x05,
  pinUvAuthProtocol: 0x06,
} as const;
export const LARGE_BLOBS_RESPONSE = { config: 0x01 } as const;
/** §6.10.3: members of an element of the large-blob array. */
export const LARGE_BLOB_ELEMENT = { ciphertext: 0x01, nonce: 0x02, origSize: 0x03 } as const;
/** §6.10.2: what of maxMsgSize is not a fragment's. */
export const LARGE_BLOB_OVERHEAD = 64;

/** §6.11: parameters of authenticatorConfig, its subcommands, and the parameters of setMinPINLength. */
export const AUTHENTICATOR_CONFIG = {
  subCommand: 0x01,
  subCommandParams: 0x02,
  pinUvAuthProtocol: 0x03,
  pinUvAuthParam: 0x04,
} as const;
export const AUTHENTICATOR_CONFIG_SUBCOMMAND = {
  enableEnterpriseAttestation: 0x01,
  toggleAlwaysUv: 0x02,
  setMinPINLength: 0x03,
} as const;
export const SET_MIN_PIN_LENGTH = { newMinPINLength: 0x01, minPinLengthRPIDs: 0x02, forceChangePin: 0x03 } as const;

/** §12.5: members of the hmac-secret input of authenticatorGetAssertion. */
export const HMAC_SECRET_INPUT = {
  keyAgreement: 0x01,
  saltEnc: 0x02,
  saltAuth: 0x03,
  pinUvAuthProtocol: 0x04,
} as const;

/** WebAuthn §6.1: flags of authenticator data. */
export const AUTH_DATA_FLAG = { UP: 0x01, UV: 0x04, BE: 0x08, BS: 0x10, AT: 0x40, ED: 0x80 } as const;

/** COSE algorithm identifiers. */
export const COSE_ALG = { ES256: -7, EdDSA: -8, ECDH_ES_HKDF_256: -25, RS256: -257 } as const;
/** COSE key common and key type parameters. */
export const COSE_KEY = { kty: 1, alg: 3, crv: -1, x: -2, y: -3, rsaN: -1, rsaE: -2 } as const;
export const COSE_KTY = { OKP: 1, EC2: 2, RSA: 3 } as const;
export const COSE_CRV = { P256: 1, Ed25519: 6 } as const;

/** §6.5.1: a PIN is at most 63 bytes of UTF-8, and at least 4 code points. */
export const PIN_MAX_BYTES = 63;
export const PIN_MIN_CODE_POINTS = 4;
export const PIN_PADDED_LENGTH = 64;
/** §5.4 of CTAP 2.0: what maxMsgSize is where an authenticator does not say. */
export const DEFAULT_MAX_MSG_SIZE = 1024;
