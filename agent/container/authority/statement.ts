/**
 * What the policy authority signs, and the rules by which it refuses. It is handed a structure, never a digest, and
 * compiles it itself: whoever can use the authority could otherwise have an empty policy approved, which would open
 * the container for ever. Pure; the same rules run in this machine and in the signer of a managed one.
 */
import { bytesEqual, toHex } from '../../../drivers/base/bytes.ts';
import { isUnlockdError, UnlockdError } from '../../../drivers/base/errors.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import {
  authorizationHash,
  COUNTER_ATTRIBUTES,
  decodeNvPublic,
  decodePublicArea,
  emptyPolicy,
  factorTemplate,
  nameOf,
  nvNameOf,
  policyAuthorizeDigest,
  policyNvWrittenDigest,
  SIGNING_KEY,
  TPM_ALG,
  TPMA_NV,
} from '../../../drivers/tpm2/index.ts';
import { bumpDigest, type CompiledPolicy, compilePolicy, type Leaf } from '../compile/compile.ts';
import {
  assertReference,
  CONTAINER_ID_BYTES,
  epochReference,
  isSealedContext,
  policyReference,
} from '../references.ts';

/**
 * How far a policy's number may be ahead of its counter. A policy far ahead would outlive the changes after it, and
 * moving the counter that far would keep the TPM from everybody.
 */
export const MAX_EPOCH_STEP = 256;

/** NV indexes of the owner that the product may use (TCG registry of reserved handles). */
export const COUNTER_RANGE = { first: 0x01800000, last: 0x01bfffff } as const;

export interface FactorClaim {
  readonly factor: FactorKind;
  readonly check: Leaf['check'];
  /** TPMT_PUBLIC of the factor object or of the signer's key. */
  readonly publicArea: Uint8Array;
}

export interface PolicyStatement {
  readonly containerId: Uint8Array;
  readonly context: string;
  readonly factors: readonly FactorClaim[];
  readonly branches: readonly (readonly FactorKind[])[];
  /** The closing PolicyNV; without it a policy could never be revoked, so null is refused. */
  readonly closing: {
    /** TPMS_NV_PUBLIC of the counter. */
    readonly counter: Uint8Array;
    /** What the counter says now; null: not written yet. */
    readonly counterValue: number | null;
    /** The policy is good while the counter is at most `n`. */
    readonly n: number;
  } | null;
  /** The highest number that was ever signed or burned for this container. */
  readonly highestSigned: number;
}

/** The three things an authority signs: digests of approved policies with their references. */
export interface ApprovalHashes {
  readonly policy: Uint8Array;
  readonly bump: Uint8Array;
}

const refuse = (reason: string, field: string): UnlockdError =>
  new UnlockdError('ERR_AUTHORITY_REFUSED', `the policy authority refuses to sign: ${reason}`, { detail: { field } });

/** What cannot be read cannot be signed: a statement comes from outside. */
function understood<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    throw refuse(error.message, field);
  }
}

function checkedLeaf(claim: FactorClaim, containerId: Uint8Array): Leaf {
  const area = understood('factors', () => decodePublicArea(claim.publicArea));
  const name = understood('factors', () => nameOf(area));
  if (area.nameAlg !== TPM_ALG.SHA256 || area.authPolicy.length !== 0) {
    throw refuse(`the object of ${claim.factor} has a policy or a digest of its own`, 'factors');
  }
  if (claim.check === 'secret') {
    const wanted = factorTemplate(claim.factor === 'pin').attributes;
    if (claim.factor !== 'pin' && claim.factor !== 'securityKey') {
      throw refuse(`${claim.factor} is an observation and cannot be a secret`, 'factors');
    }
    if (area.type !== 'keyedhash' || area.attributes !== wanted) {
      throw refuse(`the object of ${claim.factor} has not the attributes of a factor object`, 'factors');
    }
    return { check: 'secret', name };
  }
  if (claim.factor === 'pin' || claim.factor === 'securityKey') {
    throw refuse(`${claim.factor} has to be proved, not asserted`, 'factors');
  }
  if (area.type !== 'ecc' || area.attributes !== SIGNING_KEY.attributes) {
    throw refuse(`the signer of ${claim.factor} is not a signing key of this TPM`, 'factors');
  }
  return { check: 'signed', name, policyRef: assertReference(claim.factor, containerId) };
}

function checkedLeaves(statement: PolicyStatement): Map<FactorKind, Leaf> {
  const leaves = new Map<FactorKind, Leaf>();
  const names = new Set<string>();
  for (const claim of statement.factors) {
    const leaf = checkedLeaf(claim, statement.containerId);
    if (leaves.has(claim.factor)) throw refuse(`${claim.factor} is there twice`, 'factors');
    if (names.has(toHex(leaf.name))) throw refuse('two factors share one object', 'factors');
    names.add(toHex(leaf.name));
    leaves.set(claim.factor, leaf);
  }
  return leaves;
}

function checkBranches(statement: PolicyStatement, leaves: ReadonlyMap<FactorKind, Leaf>): void {
  if (statement.branches.length === 0) throw refuse('there is no branch', 'branches');
  if (statement.branches.length > 64) throw refuse('there are more than 64 branches', 'branches');
  for (const branch of statement.branches) {
    if (new Set(branch).size < 2) throw refuse('a branch has fewer than two different factors', 'branches');
    if (new Set(branch).size !== branch.length) throw refuse('a branch names a factor twice', 'branches');
    for (const factor of branch) if (!leaves.has(factor)) throw refuse(`${factor} is not enrolled`, 'branches');
  }
}

/** Checks the counter and returns the Name that it has once it is written. */
export function checkedCounter(counter: Uint8Array, containerId: Uint8Array, authorityName: Uint8Array): Uint8Array {
  const nv = understood('counter', () => decodeNvPublic(counter));
  if (nv.index < COUNTER_RANGE.first || nv.index > COUNTER_RANGE.last)
    throw refuse('the counter is out of range', 'counter');
  if (nv.nameAlg !== TPM_ALG.SHA256 || nv.dataSize !== 8) throw refuse('that index is not a counter', 'counter');
  if ((nv.attributes & ~TPMA_NV.WRITTEN) !== COUNTER_ATTRIBUTES) {
    throw refuse('the counter has other attributes than an epoch counter', 'counter');
  }
  const wanted = policyAuthorizeDigest(authorityName, epochReference(containerId));
  if (!bytesEqual(nv.authPolicy, wanted))
    throw refuse('the counter belongs to another container or authority', 'counter');
  return nvNameOf({ ...nv, attributes: nv.attributes | TPMA_NV.WRITTEN });
}

/**
 * Checks a statement against every rule and compiles it.
 * @param authorityName the Name of the key that is asked to sign
 * @throws {ERR_AUTHORITY_REFUSED} naming the field and the rule
 */
export function compileStatement(
  statement: PolicyStatement,
  authorityName: Uint8Array,
): { readonly compiled: CompiledPolicy; readonly hashes: ApprovalHashes } {
  if (statement.containerId.length !== CONTAINER_ID_BYTES)
    throw refuse('the container id is not 16 bytes', 'containerId');
  if (!isSealedContext(statement.context)) throw refuse(`unknown context ${statement.context}`, 'context');
  const leaves = checkedLeaves(statement);
  checkBranches(statement, leaves);
  const { closing } = statement;
  if (closing === null) throw refuse('the policy does not end in PolicyNV: it could never be revoked', 'closing');
  if (closing.counterValue === null) throw refuse('the counter has not been written yet', 'closing');
  const next = Math.max(closing.counterValue, statement.highestSigned) + 1;
  if (!Number.isSafeInteger(next) || next < 1) throw refuse('there is no such number', 'closing');
  if (next - closing.counterValue > MAX_EPOCH_STEP) throw refuse(`${next} is too far ahead of the counter`, 'closing');
  if (closing.n !== next) throw refuse(`the next number is ${next}, not ${closing.n}`, 'closing');
  const counterName = checkedCounter(closing.counter, statement.containerId, authorityName);
  const compiled = compilePolicy(statement.branches, leaves, counterName, closing.n);
  for (const { digest } of [...compiled.branches, compiled]) {
    if (digest.every((byte) => byte === 0)) throw refuse('a digest is zero', 'branches');
  }
  return {
    compiled,
    hashes: {
      policy: authorizationHash(compiled.digest, policyReference(statement.containerId, statement.context)),
      bump: authorizationHash(bumpDigest(counterName, closing.n), epochReference(statement.containerId)),
    },
  };
}

/** What is signed once, before the counter exists in earnest: its first write, by PolicyNvWritten(NO). */
export const firstWriteDigest = (): Uint8Array => policyNvWrittenDigest(emptyPolicy(), false);

/** @throws {ERR_AUTHORITY_REFUSED} when the counter is not one of this container and authority */
export function firstWriteHash(counter: Uint8Array, containerId: Uint8Array, authorityName: Uint8Array): Uint8Array {
  checkedCounter(counter, containerId, authorityName);
  return authorizationHash(firstWriteDigest(), epochReference(containerId));
}
