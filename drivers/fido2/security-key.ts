/**
 * The security key as a factor: everything the agent needs of this room. Enrolment makes a credential and its first
 * secret, derivation gives the secret again; both wait for the key, for touches and for the key's PIN.
 */
export type {
  InsertRequest,
  KeyPinRequest,
  SecurityKeyCeremony,
  TouchRequest,
} from './ceremony.ts';
export {
  type DerivationCeremony,
  type DerivedSecret,
  deriveFromSecurityKey,
  type EnrolledCredential,
} from './derive-from-security-key.ts';
export {
  type EnrolledSecurityKey,
  type EnrolmentCeremony,
  enrolSecurityKey,
  type SecurityKeyInfo,
  type UserVerification,
} from './enrol-security-key.ts';
export { MAX_METADATA_FILE, parseFidoMetadata, readFidoMetadata } from './fido-metadata.ts';
export type { KeyModels } from './key-models.ts';
export { parseMetadataRoots } from './metadata-blob.ts';
