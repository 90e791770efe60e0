/**
 * What root should know of a policy before anybody stands before a machine that it keeps out: factors that this machine
 * cannot observe, pairs that got weaker, users who cannot follow. None of it is an error: the policy is set all the same.
 */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { type Branch, branchesOf } from '../policy/branches.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { factorsIn } from '../policy/requirement.ts';
import { compareStrength, factorName, factorWords, opensWith, weakest } from '../policy/words.ts';
import { enrolledFactors, provableBranches, requireVerifiedKeys, SECRET_FACTORS } from './context.ts';
import type { ServiceParts } from './parts.ts';

/** Whether this machine can prove or observe it. */
function isWithinReach({ sensors }: ServiceParts, factor: FactorKind): boolean {
  switch (factor) {
    case 'phone':
      return sensors.has('bluetooth');
    case 'network':
      return sensors.has('ipConfig') || sensors.has('wifi');
    default:
      return SECRET_FACTORS.some((secret) => secret === factor) || sensors.has(factor);
  }
}

/** Factors of the policy that this machine has no way to observe. */
function absentFactors(parts: ServiceParts, policy: UnlockPolicy, branches: readonly Branch[]): string[] {
  const named = factorsIn(policy.require);
  const without = named.filter((factor) => !isWithinReach(parts, factor));
  const out: string[] = [];
  if (without.length > 0) {
    const names = without.map(factorName).join(', ');
    out.push(`there is no driver here for: ${names}; pairs with ${without.length === 1 ? 'it' : 'them'} never open`);
  }
  if (parts.hid === null && named.includes('securityKey')) out.push('this machine does not use security keys');
  if (!branches.some(({ factors }) => factors.every((factor) => isWithinReach(parts, factor))))
    out.push('nobody can satisfy this policy here: every pair needs a factor without a driver');
  return out;
}

/** What became weaker; empty when nothing did, or nothing is known of before. */
function weakened(before: readonly Branch[], after: readonly Branch[]): string[] {
  const [was, is] = [weakest(before), weakest(after)];
  if (was === null || is === null || compareStrength(is, was) >= 0) return [];
  return [`its weakest pair is weaker than before: ${was} -> ${is}, opens with ${opensWith(after)}`];
}

const onlyEnrolled = (state: ContainerState): string =>
  `enrolled are only ${enrolledFactors(state).map(factorWords).join(' and ')}`;

/** Why the container of `uid` cannot follow; null: it can, or it cannot be read. */
async function hindrance(parts: ServiceParts, policy: UnlockPolicy, machine: MachineState, uid: number) {
  const state = await parts.store.readContainer(uid).catch(() => null);
  if (state === null) return null;
  try {
    requireVerifiedKeys(policy, state);
    const branches = provableBranches(policy, enrolledFactors(state), machine);
    if (branches.some(({ factors }) => factors.every((factor) => isWithinReach(parts, factor)))) return null;
    return onlyEnrolled(state);
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return error.code === 'ERR_POLICY_NO_BRANCH' ? onlyEnrolled(state) : error.message;
  }
}

/**
 * @param machine null: not set up yet
 * @param before the policy that it replaces; null: none, or it cannot be read
 */
export async function policyWarnings(
  parts: ServiceParts,
  machine: MachineState | null,
  policy: UnlockPolicy,
  before: UnlockPolicy | null,
): Promise<readonly string[]> {
  const pinIsBound = machine?.lockout.protects ?? true;
  const branches = branchesOf(policy, { pinIsBound });
  const out = absentFactors(parts, policy, branches);
  if (before !== null) out.push(...weakened(branchesOf(before, { pinIsBound }), branches));
  if (machine === null) return out;
  for (const uid of await parts.store.enrolled()) {
    const why = await hindrance(parts, policy, machine, uid);
    if (why !== null) {
      out.push(`${parts.userName(uid)} cannot follow and stays under the older policy until enrolled anew: ${why}`);
    }
  }
  return out;
}
