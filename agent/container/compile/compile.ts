/**
 * From an unlock policy to a TPM policy: a PolicyOR over branches of two or more factors, closed by PolicyNV on the
 * container's epoch counter. Pure; the authority compiles the same way before it signs, so what is signed is what was
 * understood.
 */
import { u64 } from '../../../drivers/base/bytes.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import {
  emptyPolicy,
  type PolicyDigest,
  policyNvDigest,
  policyOrTree,
  policySecretDigest,
  policySignedDigest,
  TPM_EO,
} from '../../../drivers/tpm2/index.ts';

/** How the TPM checks one factor. */
export type Leaf =
  /** PolicySecret: the caller proves the authValue of the object with this Name. */
  | { readonly check: 'secret'; readonly name: Uint8Array }
  /** PolicySigned: the key with this Name has signed the observation under this reference. */
  | { readonly check: 'signed'; readonly name: Uint8Array; readonly policyRef: Uint8Array };

export interface CompiledBranch {
  readonly factors: readonly FactorKind[];
  readonly digest: PolicyDigest;
  /** The PolicyOR lists to execute after the leaves, one after the other. */
  readonly orPath: readonly (readonly Uint8Array[])[];
}

export interface CompiledPolicy {
  readonly branches: readonly CompiledBranch[];
  /** What the authority approves. */
  readonly digest: PolicyDigest;
  /** The epoch up to which the policy is good. */
  readonly n: number;
}

const leafDigest = (digest: Uint8Array, leaf: Leaf): PolicyDigest =>
  leaf.check === 'secret'
    ? policySecretDigest(digest, leaf.name)
    : policySignedDigest(digest, leaf.name, leaf.policyRef);

/** The operand of PolicyNV on a counter: eight bytes, big-endian. */
export const epochOperand = (n: number): Uint8Array => u64(BigInt(n));

/**
 * @param branches in canonical order, each with its factors in the order in which they are proved
 * @throws {RangeError} no branch, or a factor without a leaf: the caller has checked both
 */
export function compilePolicy(
  branches: readonly (readonly FactorKind[])[],
  leaves: ReadonlyMap<FactorKind, Leaf>,
  counterName: Uint8Array,
  n: number,
): CompiledPolicy {
  const digests = branches.map((factors) =>
    factors.reduce((digest, factor) => {
      const leaf = leaves.get(factor);
      if (leaf === undefined) throw new RangeError(`no leaf for ${factor}`);
      return leafDigest(digest, leaf);
    }, emptyPolicy()),
  );
  const tree = policyOrTree(digests);
  return {
    branches: branches.map((factors, index) => ({
      factors,
      digest: digests[index] ?? emptyPolicy(),
      orPath: tree.paths[index] ?? [],
    })),
    digest: policyNvDigest(tree.digest, counterName, epochOperand(n), TPM_EO.UNSIGNED_LE),
    n,
  };
}

/** The policy under which the counter may be moved up to `n` and no further: PolicyNV(self < n). */
export const bumpDigest = (counterName: Uint8Array, n: number): PolicyDigest =>
  policyNvDigest(emptyPolicy(), counterName, epochOperand(n), TPM_EO.UNSIGNED_LT);
