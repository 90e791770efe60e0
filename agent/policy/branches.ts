/**
 * The front of the policy compiler, pure: two lists become branches of two distinct factors. Cartesian product, pairs
 * of one factor dropped, supersets absorbed, canonical order; the TPM policy is built from the result, one PolicyOR
 * leaf a branch, so the same policy always has the same digest.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { Branch, Strength } from './branch.ts';
import { familyOf, type UnlockPolicy } from './model.ts';
import { factorsWords } from './words.ts';

export type { Branch, Strength };

export interface BranchOptions {
  /** True: the PIN is under the TPM's dictionary-attack protection, with lockoutAuth set. Otherwise it is not bound. */
  readonly pinIsBound: boolean;
}

/** Assertions first; the PIN before the security key, so that a wrong PIN is refused before a touch is asked for. */
export const CANONICAL_ORDER = ['fingerprint', 'face', 'phone', 'network', 'pin', 'securityKey'] as const;

const indexOf = (factor: FactorKind): number => CANONICAL_ORDER.indexOf(factor);

const compareSets = (a: readonly FactorKind[], b: readonly FactorKind[]): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = indexOf(a[i] as FactorKind) - indexOf(b[i] as FactorKind);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
};

/** The sets of which no other one is a subset: whatever satisfies the larger one satisfies the smaller one too. */
export function absorbSupersets(sets: readonly (readonly FactorKind[])[]): (readonly FactorKind[])[] {
  const unique = sets.filter((set, i) => sets.findIndex((other) => compareSets(set, other) === 0) === i);
  return unique.filter(
    (set) =>
      !unique.some(
        (other) => other !== set && other.length < set.length && other.every((factor) => set.includes(factor)),
      ),
  );
}

/** Distinct factor sets of an AND of ORs, in canonical order. */
export function factorSets(lists: readonly (readonly FactorKind[])[]): (readonly FactorKind[])[] {
  const product = lists.reduce<FactorKind[][]>(
    (sets, list) => sets.flatMap((set) => list.map((f) => [...set, f])),
    [[]],
  );
  const sets = product
    .map((set) => [...new Set(set)].sort((a, b) => indexOf(a) - indexOf(b)))
    .filter((set) => new Set(set.map(familyOf)).size >= 2);
  return absorbSupersets(sets).sort(compareSets);
}

const classify = (factors: readonly FactorKind[], { pinIsBound }: BranchOptions): Branch => {
  const bound = factors.filter((factor) => factor === 'securityKey' || (factor === 'pin' && pinIsBound));
  const strength: Strength = bound.length >= 2 ? 'bound-2' : bound.length === 1 ? 'bound-1' : 'asserted';
  return Object.freeze({ factors: Object.freeze([...factors]), bound: Object.freeze(bound), strength });
};

/** Every branch of the policy, asserted ones included; empty when no pair of two different factors comes out. */
export const branchesOf = (policy: Pick<UnlockPolicy, 'first' | 'then'>, options: BranchOptions): readonly Branch[] =>
  factorSets([policy.first, policy.then]).map((factors) => classify(factors, options));

/**
 * The branches that a container may be sealed to.
 * @throws {ERR_POLICY_NO_BRANCH} when nothing could ever satisfy the policy
 * @throws {ERR_POLICY_ASSERTED_BRANCH} when a branch has no bound factor and the policy does not accept that
 */
export function compileBranches(
  policy: Pick<UnlockPolicy, 'first' | 'then' | 'acceptAsserted'>,
  options: BranchOptions,
): readonly Branch[] {
  const branches = branchesOf(policy, options);
  if (branches.length === 0) {
    throw new UnlockdError('ERR_POLICY_NO_BRANCH', 'the two lists contain no pair of two different factors');
  }
  const asserted = branches.filter(({ strength }) => strength === 'asserted');
  if (asserted.length > 0 && !policy.acceptAsserted) {
    const words = asserted.map(({ factors }) => factorsWords(factors)).join('; ');
    const unprotected = !options.pinIsBound && asserted.some(({ factors }) => factors.includes('pin'));
    throw new UnlockdError(
      'ERR_POLICY_ASSERTED_BRANCH',
      `no factor is enforced by the TPM in: ${words}${unprotected ? ' (the TPM does not limit tries at the PIN)' : ''}`,
      { detail: { branches: asserted.length, pinIsBound: options.pinIsBound } },
    );
  }
  return branches;
}
