/** Reading what a ceremony starts from: the machine, its policy, and the caller's container. */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { MachinePolicy } from '../container/machine-policy.ts';
import { policyOf } from '../container/plan.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { type Branch, compileBranches } from '../policy/branches.ts';
import { formatPolicy, parsePolicy } from '../policy/forms/native-json.ts';
import { DEFAULT_POLICY, type UnlockPolicy } from '../policy/model.ts';
import type { ServiceParts } from './parts.ts';

/** Factors that a container proves to the TPM by a secret; the others are observations. */
export const SECRET_FACTORS = ['pin', 'securityKey'] as const satisfies readonly FactorKind[];

/** @throws {ERR_SETUP_NEEDED} */
export async function requireMachine(parts: ServiceParts): Promise<MachineState> {
  const machine = await parts.store.readMachine();
  if (machine === null) throw new UnlockdError('ERR_SETUP_NEEDED', 'this machine has not been set up');
  if (!machine.complete) throw new UnlockdError('ERR_SETUP_NEEDED', 'the set-up of this machine was not finished');
  return machine;
}

/** @throws {ERR_CONTAINER_MISSING} */
export async function requireContainer(parts: ServiceParts, uid: number): Promise<ContainerState> {
  const state = await parts.store.readContainer(uid);
  if (state === null) throw new UnlockdError('ERR_CONTAINER_MISSING', `${parts.userName(uid)} is not enrolled`);
  return state;
}

export interface CurrentPolicy extends MachinePolicy {
  readonly policy: UnlockPolicy;
}

/** The policy of the machine; the default one until root sets another. @throws {ERR_POLICY_INVALID} */
export async function currentPolicy(parts: ServiceParts): Promise<CurrentPolicy> {
  const stored = await parts.store.readPolicy();
  if (stored === null) return { version: 1, document: formatPolicy(DEFAULT_POLICY), policy: DEFAULT_POLICY };
  return { ...stored, policy: parsePolicy(stored.document) };
}

/** The policy that a container is sealed to now. @throws {ERR_CONTAINER_PENDING_SIGNATURE | ERR_POLICY_INVALID} */
export const policyInForce = (state: ContainerState): UnlockPolicy => parsePolicy(policyOf(state).document);

/** Secret factors that a policy can ever ask for. */
export const secretFactorsOf = (policy: UnlockPolicy): readonly FactorKind[] =>
  SECRET_FACTORS.filter((factor) => policy.first.includes(factor) || policy.then.includes(factor));

/**
 * The branches that a container with these factors is sealed to: those of the policy, without the ones whose factors
 * this machine cannot prove to the TPM yet.
 * @throws {ERR_POLICY_NO_BRANCH | ERR_POLICY_ASSERTED_BRANCH}
 */
export function provableBranches(
  policy: UnlockPolicy,
  factors: readonly FactorKind[],
  machine: MachineState,
): readonly Branch[] {
  const branches = compileBranches(policy, { pinIsBound: machine.lockout.protects });
  const provable = branches.filter((branch) => branch.factors.every((factor) => factors.includes(factor)));
  if (provable.length === 0) {
    throw new UnlockdError(
      'ERR_POLICY_NO_BRANCH',
      'no pair of the policy can be satisfied with what is enrolled here',
      {
        detail: { enrolled: factors.join(' ') },
      },
    );
  }
  return provable;
}

export const enrolledFactors = (state: Pick<ContainerState, 'factors'>): readonly FactorKind[] =>
  SECRET_FACTORS.filter((factor) => state.factors[factor] !== null);
