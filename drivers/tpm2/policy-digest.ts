/**
 * Policy digests in software (Part 1 §19.7 and the command descriptions of Part 3 §23), SHA-256. A policy starts from
 * 32 zero bytes; each function takes the digest so far and returns the next.
 */
import { u16, u32 } from '../base/bytes.ts';
import { TPM_CC } from './wire/constants.ts';
import { sha256 } from './wire/hash.ts';
import { encodePcrSelections, type PcrSelection } from './wire/pcr.ts';

export type PolicyDigest = Uint8Array<ArrayBuffer>;

/** The empty policy: what a session starts from. As an authPolicy it would be satisfied by anybody. */
export const emptyPolicy = (): PolicyDigest => new Uint8Array(32);

const NOTHING = new Uint8Array(0);

/** PolicyUpdate (Part 3 §23.2.4): used by PolicySecret, PolicySigned and PolicyAuthorize. */
const update = (digest: Uint8Array, code: number, name: Uint8Array, ref: Uint8Array): PolicyDigest =>
  sha256(sha256(digest, u32(code), name), ref);

export const policySecretDigest = (
  digest: Uint8Array,
  entityName: Uint8Array,
  policyRef: Uint8Array = NOTHING,
): PolicyDigest => update(digest, TPM_CC.PolicySecret, entityName, policyRef);

export const policySignedDigest = (
  digest: Uint8Array,
  keyName: Uint8Array,
  policyRef: Uint8Array = NOTHING,
): PolicyDigest => update(digest, TPM_CC.PolicySigned, keyName, policyRef);

export const policyAuthValueDigest = (digest: Uint8Array): PolicyDigest => sha256(digest, u32(TPM_CC.PolicyAuthValue));

/** The digest so far does not matter: PolicyOR replaces it. @throws {RangeError} not two to eight branches */
export function policyOrDigest(branches: readonly Uint8Array[]): PolicyDigest {
  if (branches.length < 2 || branches.length > 8) throw new RangeError('PolicyOR takes two to eight digests');
  return sha256(emptyPolicy(), u32(TPM_CC.PolicyOR), ...branches);
}

/** The digest so far does not matter: PolicyAuthorize replaces it. */
export const policyAuthorizeDigest = (keyName: Uint8Array, policyRef: Uint8Array = NOTHING): PolicyDigest =>
  update(emptyPolicy(), TPM_CC.PolicyAuthorize, keyName, policyRef);

export function policyNvDigest(
  digest: Uint8Array,
  nvName: Uint8Array,
  operand: Uint8Array,
  operation: number,
  offset = 0,
): PolicyDigest {
  const args = sha256(operand, u16(offset), u16(operation));
  return sha256(digest, u32(TPM_CC.PolicyNV), args, nvName);
}

export const policyNvWrittenDigest = (digest: Uint8Array, written: boolean): PolicyDigest =>
  sha256(digest, u32(TPM_CC.PolicyNvWritten), Uint8Array.of(written ? 1 : 0));

/** @param pcrDigest H(concatenation of the selected PCR values) */
export const policyPcrDigest = (
  digest: Uint8Array,
  pcrs: readonly PcrSelection[],
  pcrDigest: Uint8Array,
): PolicyDigest => sha256(digest, u32(TPM_CC.PolicyPCR), encodePcrSelections(pcrs), pcrDigest);

/** What a PolicyAuthorize key signs: H(approvedPolicy ‖ policyRef), Part 3 §23.16. */
export const authorizationHash = (approvedPolicy: Uint8Array, policyRef: Uint8Array): PolicyDigest =>
  sha256(approvedPolicy, policyRef);

/** What a PolicySigned key signs: H(nonceTPM ‖ expiration ‖ cpHashA ‖ policyRef), Part 3 §23.3. */
export const signedAssertionHash = (assertion: {
  nonceTPM: Uint8Array;
  expiration: number;
  cpHashA: Uint8Array;
  policyRef: Uint8Array;
}): PolicyDigest => sha256(assertion.nonceTPM, u32(assertion.expiration >>> 0), assertion.cpHashA, assertion.policyRef);

/** cpHash of a command without parameters on one object, e.g. TPM2_Unseal (Part 1 §18.7). */
export const cpHashOf = (code: number, names: readonly Uint8Array[], parameters: Uint8Array = NOTHING): PolicyDigest =>
  sha256(u32(code), ...names, parameters);

/** One level of a nested PolicyOR: what to execute, from the leaf up. */
export interface OrTree {
  /** The digest of the whole. */
  readonly digest: PolicyDigest;
  /** For each leaf, the PolicyOR lists to execute one after the other; empty when there is only one leaf. */
  readonly paths: readonly (readonly (readonly Uint8Array[])[])[];
}

/**
 * PolicyOR over any number of branches: lists of at most eight, nested. A single branch needs none.
 * @throws {RangeError} no branch
 */
export function policyOrTree(branches: readonly Uint8Array[]): OrTree {
  const [first] = branches;
  if (first === undefined) throw new RangeError('a policy without branches');
  if (branches.length === 1) return { digest: new Uint8Array(first), paths: [[]] };
  if (branches.length <= 8) {
    return { digest: policyOrDigest(branches), paths: branches.map(() => [branches]) };
  }
  const groupCount = Math.ceil(branches.length / 8);
  const size = Math.ceil(branches.length / groupCount);
  const groups: OrTree[] = [];
  for (let at = 0; at < branches.length; at += size) groups.push(policyOrTree(branches.slice(at, at + size)));
  const top = policyOrTree(groups.map((group) => group.digest));
  const paths = groups.flatMap((group, index) => group.paths.map((path) => [...path, ...(top.paths[index] ?? [])]));
  return { digest: top.digest, paths };
}
