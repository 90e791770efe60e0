/** Reading what a ceremony starts from: the machine, its policy, and the caller's container. */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { FactorKind, GestureKind } from '../../drivers/signal.ts';
import type { MachinePolicy } from '../container/machine-policy.ts';
import { type ContainerView, policyOf } from '../container/plan.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { type Branch, compileBranches } from '../policy/branches.ts';
import { formatDocument, parseDocument } from '../policy/forms/native-json.ts';
import {
  DEFAULT_DOCUMENT,
  DEFAULT_POLICY,
  type PolicyDocument,
  policyFor,
  type UnlockPolicy,
} from '../policy/model.ts';
import { factorsIn, familyOf } from '../policy/requirement.ts';
import type { ServiceParts } from './parts.ts';

/** Factors that a container proves to the TPM by a secret; the others are observations. */
export const SECRET_FACTORS = ['pin', 'securityKey'] as const satisfies readonly FactorKind[];
export type SecretFactor = (typeof SECRET_FACTORS)[number];

/** What only the authority can sign, and it is not on this machine. */
export const authorityElsewhere = (): UnlockdError =>
  new UnlockdError('ERR_POLICY_SIGNER_UNREACHABLE', 'the policy authority of this machine is elsewhere');

/** @throws {ERR_POLICY_SIGNER_UNREACHABLE} before anything is asked for that only the authority could sign */
export function requireOwnAuthority({ authority }: Pick<ContainerState, 'authority'>): void {
  if (authority.kind === 'managed') throw authorityElsewhere();
}

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

/** Documents do not change once they are read, and every unlock reads the same few again. */
const REMEMBERED = 4;
const remembered = new Map<string, PolicyDocument>();

/** What a kept document says. @throws {ERR_POLICY_INVALID} */
export function documentOf(text: string): PolicyDocument {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const document = parseDocument(text);
  const [oldest] = remembered.keys();
  if (oldest !== undefined && remembered.size >= REMEMBERED) remembered.delete(oldest);
  remembered.set(text, document);
  return document;
}

let defaultText: string | undefined;

export interface CurrentPolicy extends MachinePolicy {
  readonly policy: UnlockPolicy;
}

/** The policy of the machine; the default one until root sets another. @throws {ERR_POLICY_INVALID} */
export async function currentPolicy(parts: ServiceParts): Promise<CurrentPolicy> {
  const stored = await parts.store.readPolicy();
  if (stored === null) {
    defaultText ??= formatDocument(DEFAULT_DOCUMENT);
    return { version: 1, document: defaultText, signature: null, signedUpTo: 0, policy: DEFAULT_POLICY };
  }
  return { ...stored, policy: policyFor(documentOf(stored.document), UNLOCK_CONTEXT) };
}

/**
 * The policy that a container is sealed to now, or a context of it.
 * @throws {ERR_CONTAINER_PENDING_SIGNATURE | ERR_POLICY_INVALID}
 */
export const policyInForce = (state: ContainerView): UnlockPolicy =>
  policyFor(documentOf(policyOf(state).document), state.context ?? UNLOCK_CONTEXT);

/**
 * What a change of the container takes: the policies of all its contexts at once. Rules and time windows of each are
 * looked at apart; this is what the TPM asks.
 * @throws {ERR_CONTAINER_PENDING_SIGNATURE | ERR_POLICY_INVALID}
 */
export function changePolicyOf(state: ContainerState): UnlockPolicy {
  const policy = policyInForce(state);
  const sets = state.authority.change?.branches ?? [];
  if (state.contexts.length === 0 || sets.length === 0) return policy;
  return Object.freeze({ ...policy, require: { any: sets.map((all) => ({ all })) } });
}

/** Secret factors that a policy can ever ask for. */
export const secretFactorsOf = (policy: UnlockPolicy): readonly SecretFactor[] =>
  SECRET_FACTORS.filter((factor) => factorsIn(policy.require).includes(factor));

/**
 * The branches that a container with these factors is sealed to: those of the policy, without the ones of which a factor
 * is not enrolled. A phone and a network can be asserted on every machine; whether they ever are seen is another question.
 * A finger or a face has to be enrolled like a secret: otherwise a way that nobody uses would stand open to the machine.
 * @throws {ERR_POLICY_NO_BRANCH | ERR_POLICY_ASSERTED_BRANCH}
 */
export function provableBranches(
  policy: UnlockPolicy,
  factors: readonly FactorKind[],
  machine: MachineState,
): readonly Branch[] {
  const branches = compileBranches(policy, { pinIsBound: machine.lockout.protects });
  const provable = branches.filter((branch) =>
    branch.factors.every((factor) => familyOf(factor) === 'trustedSignal' || factors.includes(factor)),
  );
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

export const enrolledFactors = (state: Pick<ContainerState, 'factors' | 'biometrics'>): readonly GestureKind[] => [
  ...SECRET_FACTORS.filter((factor) => state.factors[factor] !== null),
  ...state.biometrics,
];

/**
 * A key that was enrolled without user verification gives its secret without it: a policy that asks for verification
 * cannot be in force with such a key.
 * @throws {ERR_POLICY_KEY_NOT_VERIFYING}
 */
export function requireVerifiedKeys(policy: UnlockPolicy, state: Pick<ContainerState, 'factors'>): void {
  if (policy.securityKey.userVerification !== 'required') return;
  const unverified = state.factors.securityKey?.credentials.find(({ uvUsed }) => !uvUsed);
  if (unverified === undefined) return;
  throw new UnlockdError(
    'ERR_POLICY_KEY_NOT_VERIFYING',
    `the policy asks the key to verify its user, and ${unverified.label} was enrolled without`,
  );
}

/** The number of the next policy of the machine: above every one that was ever in force, also when the file is damaged. */
export async function nextPolicyVersion(parts: ServiceParts): Promise<number> {
  try {
    return (await currentPolicy(parts)).version + 1;
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_POLICY_INVALID')) throw error;
  }
  let highest = 1;
  for (const uid of await parts.store.enrolled()) {
    const state = await parts.store.readContainer(uid).catch(() => null);
    highest = Math.max(highest, state?.policy?.version ?? 0);
  }
  return highest + 1;
}
