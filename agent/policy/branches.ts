/**
 * The front of the policy compiler, pure: a requirement becomes branches of at least two different factors. Cartesian
 * product, a factor spent once, supersets absorbed, canonical order; the TPM policy is built from the result, one
 * PolicyOR leaf for each set of factors, so the same policy always has the same digest.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { Branch, Strength } from './branch.ts';
import type { UnlockPolicy } from './model.ts';
import { absorbSupersets, compareFactors, type FactorSet, factorSetsOf } from './requirement.ts';
import { factorsWords } from './words.ts';

export type { Branch };

export interface BranchOptions {
  /** True: the PIN is under the TPM's dictionary-attack protection, with lockoutAuth set. Otherwise it is not bound. */
  readonly pinIsBound: boolean;
}

function classify({ factors, rules, during }: FactorSet, { pinIsBound }: BranchOptions): Branch {
  const bound = factors.filter((factor) => factor === 'securityKey' || (factor === 'pin' && pinIsBound));
  const strength: Strength = bound.length >= 2 ? 'bound-2' : bound.length === 1 ? 'bound-1' : 'asserted';
  return Object.freeze({
    factors: Object.freeze([...factors]),
    bound: Object.freeze(bound),
    rules: Object.freeze([...rules]),
    during: Object.freeze([...during]),
    strength,
  });
}

/** Every branch of the policy, asserted ones included; empty when no two different factors come together. */
export const branchesOf = (
  policy: Pick<UnlockPolicy, 'require' | 'rules'>,
  options: BranchOptions,
): readonly Branch[] => Object.freeze(factorSetsOf(policy.require, policy.rules).map((set) => classify(set, options)));

/**
 * The branches that a container may be sealed to.
 * @throws {ERR_POLICY_NO_BRANCH} when nothing could ever satisfy the policy
 * @throws {ERR_POLICY_ASSERTED_BRANCH} when a branch has no bound factor and the policy does not accept that
 */
export function compileBranches(
  policy: Pick<UnlockPolicy, 'require' | 'rules' | 'acceptAsserted'>,
  options: BranchOptions,
): readonly Branch[] {
  const branches = branchesOf(policy, options);
  if (branches.length === 0) {
    throw new UnlockdError('ERR_POLICY_NO_BRANCH', 'nothing satisfies the policy with two different factors');
  }
  const asserted = branches.filter(({ strength }) => strength === 'asserted');
  if (asserted.length > 0 && !policy.acceptAsserted) {
    const words = [...new Set(asserted.map(({ factors }) => factorsWords(factors)))].join('; ');
    const unprotected = !options.pinIsBound && asserted.some(({ factors }) => factors.includes('pin'));
    throw new UnlockdError(
      'ERR_POLICY_ASSERTED_BRANCH',
      `no factor is enforced by the TPM in: ${words}${unprotected ? ' (the TPM does not limit tries at the PIN)' : ''}`,
      { detail: { branches: asserted.length, pinIsBound: options.pinIsBound } },
    );
  }
  return branches;
}

/**
 * The sets of factors that the TPM is to enforce: rules and time windows are gates, so branches that differ in them
 * alone are one, and supersets are absorbed.
 */
export const enforcedSets = (branches: readonly Branch[]): readonly (readonly FactorKind[])[] =>
  absorbSupersets(branches.map(({ factors }) => factors)).toSorted(compareFactors);
