/**
 * What root should know of a policy before anybody stands before a machine that it keeps out: factors that this machine
 * cannot observe, pairs that got weaker, users who cannot follow. None of it is an error: the policy is set all the same.
 */
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { type Branch, branchesOf } from '../policy/branches.ts';
import { type ContextName, contextsOf, type PolicyDocument, policyFor, type UnlockPolicy } from '../policy/model.ts';
import { factorsIn } from '../policy/requirement.ts';
import { weakerContexts, weakerWords } from '../policy/study/weaker.ts';
import { factorName, factorWords } from '../policy/words.ts';
import { documentOf, enrolledFactors, provableBranches, requireVerifiedKeys, SECRET_FACTORS } from './context.ts';
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

/** Rules of two documents up to which the daemon compares them: it answers nobody meanwhile. */
const COMPARED_RULES = 100;
/** Older policies of containers that are compared. */
const COMPARED_POLICIES = 3;

/** What the new document gives up against an older one; empty when nothing, or the older one cannot be read. */
function weakened(before: string, after: PolicyDocument, pinIsBound: boolean): readonly string[] {
  try {
    const options = { pinIsBound, rules: COMPARED_RULES };
    return weakerContexts(documentOf(before), after, options).flatMap(weakerWords);
  } catch (error) {
    if (isUnlockdError(error)) return [];
    throw error;
  }
}

/** The documents that containers are still under, each with its users. */
async function olderDocuments(parts: ServiceParts, current: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const out = new Map<string, readonly string[]>();
  for (const uid of await parts.store.enrolled()) {
    const state = await parts.store.readContainer(uid).catch(() => null);
    const document = state?.policy?.document;
    if (document === undefined || document === current) continue;
    out.set(document, [...(out.get(document) ?? []), parts.userName(uid)]);
  }
  return out;
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

/** What `uid` would have to enrol for a context; for `unlock`, why the older policy stays. */
const cannotFollow = (user: string, context: ContextName, why: string): string =>
  context === 'unlock'
    ? `${user} cannot follow and stays under the older policy until enrolled anew: ${why}`
    : `${user} cannot have the context ${context} until enrolled anew: ${why}`;

/** JSON text, as it is kept. */
interface WarnedPolicy {
  readonly current: string;
  /** The document that was replaced just now; null: none. */
  readonly before: string | null;
}

/**
 * @param machine null: not set up yet
 * @param policies the document, and the one that it has just replaced; what containers are still under is looked at as well
 */
export async function policyWarnings(
  parts: ServiceParts,
  machine: MachineState | null,
  { current, before }: WarnedPolicy,
): Promise<readonly string[]> {
  const pinIsBound = machine?.lockout.protects ?? true;
  const document = documentOf(current);
  const contexts = contextsOf(document);
  const out = contexts.flatMap((context) => {
    const policy = policyFor(document, context);
    const absent = absentFactors(parts, policy, branchesOf(policy, { pinIsBound }));
    return context === 'unlock' ? absent : absent.map((words) => `${context}: ${words}`);
  });
  if (before !== null) out.push(...weakened(before, document, pinIsBound));
  const older = [...(await olderDocuments(parts, current))].filter(([text]) => text !== before);
  for (const [text, users] of older.slice(0, COMPARED_POLICIES))
    out.push(...weakened(text, document, pinIsBound).map((words) => `for ${users.join(', ')}: ${words}`));
  if (older.length > COMPARED_POLICIES)
    out.push(`${older.length - COMPARED_POLICIES} more older policies are in force here and were not compared`);
  if (machine === null) return out;
  for (const uid of await parts.store.enrolled()) {
    for (const context of contexts) {
      const why = await hindrance(parts, policyFor(document, context), machine, uid);
      if (why !== null) out.push(cannotFollow(parts.userName(uid), context, why));
      // Whoever cannot follow at all need not hear it of every context.
      if (why !== null && context === 'unlock') break;
    }
  }
  return out;
}
