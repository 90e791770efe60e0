/** What a user may know of the own container, and root of who is enrolled. */
import { toHex } from '../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { ContainerStatus, PolicyView, UserLine } from '../api/ports.ts';
import { type Lockout, protectsPin } from '../container/lockout.ts';
import { type ContainerView, viewOf } from '../container/plan.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { type Branch, branchesOf } from '../policy/branches.ts';
import { branchOpensWith, factorsWords, opensWith, requirementWords, weakest } from '../policy/words.ts';
import { currentPolicy, policyInForce } from './context.ts';
import { lacksContexts } from './context-plan.ts';
import { enrolledKeys } from './enrolled-keys.ts';
import type { ServiceParts } from './parts.ts';
import { pinTriesLeft } from './pin-check.ts';
import { policyWarnings } from './policy-warnings.ts';

const NONE = { unlockedUntil: null, policy: null, policyPending: false, strength: null, opensWith: null } as const;

/** The branches that the container is sealed to, classed as this machine is protected now. */
function sealedBranches(state: ContainerView, pinIsBound: boolean): readonly Branch[] {
  const policy = policyInForce(state);
  const sealed = state.policy?.branches ?? [];
  return branchesOf(policy, { pinIsBound }).filter((branch) =>
    sealed.some((factors) => factors.every((factor) => branch.factors.includes(factor))),
  );
}

/** The contexts beside `unlock`, as each is sealed. */
function contextLines(parts: ServiceParts, state: ContainerState, pinIsBound: boolean): ContainerStatus['contexts'] {
  const views = state.contexts.flatMap(({ context }) => viewOf(state, context) ?? []);
  return views.map((view) => {
    const context = view.context ?? UNLOCK_CONTEXT;
    const branches = sealedBranches(view, pinIsBound);
    return {
      context,
      unlocked: parts.unlocked.stateOf(state.uid, context) !== null,
      policy: requirementWords(policyInForce(view).require),
      strength: weakest(branches),
      opensWith: opensWith(branches),
    };
  });
}

/**
 * Whether the policy of the machine, or that of one of its contexts, is not in force yet. One that cannot be read is as good
 * as pending until root sets one again.
 */
async function isPolicyPending(parts: ServiceParts, state: ContainerState, version: number): Promise<boolean> {
  try {
    const current = await currentPolicy(parts);
    return current.version > version || (current.version === version && lacksContexts(state, current));
  } catch (error) {
    if (isUnlockdError(error)) return true;
    throw error;
  }
}

/** @param look sees whether the state that was found belongs to where its counter stands */
export async function containerStatus(
  parts: ServiceParts,
  uid: number,
  machine: MachineState | null,
  lockout: Lockout | null,
  look: (state: ContainerState) => Promise<void> = async () => undefined,
): Promise<ContainerStatus> {
  const base = { uid, user: parts.userName(uid), pinTriesLeft: null, epoch: null, keys: 0, ...NONE };
  let state: ContainerState | null;
  try {
    state = await parts.store.readContainer(uid);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) throw error;
    return { ...base, state: 'recovery-needed' };
  }
  if (state === null) return { ...base, state: 'none' };
  const securityKeys = enrolledKeys(state);
  const keys = securityKeys.length;
  const listed = keys === 0 ? {} : { securityKeys };
  const pinTries = state.factors.pin === null ? null : await pinTriesLeft(parts, uid, lockout);
  if (state.policy === null) return { ...base, keys, ...listed, pinTriesLeft: pinTries, state: 'pending-signature' };
  await look(state);
  const protects = machine?.lockout.protects ?? false;
  const pinIsBound = protects && (lockout === null || protectsPin(lockout));
  const branches = sealedBranches(state, pinIsBound);
  const contexts = contextLines(parts, state, pinIsBound);
  const unlocked = parts.unlocked.stateOf(uid);
  return {
    ...base,
    keys,
    ...listed,
    pinTriesLeft: pinTries,
    state: unlocked === null ? (parts.unsettled.has(uid) ? 'recovery-needed' : 'locked') : 'unlocked',
    unlockedUntil: unlocked?.until ?? null,
    policy: requirementWords(policyInForce(state).require),
    policyPending: await isPolicyPending(parts, state, state.policy.version),
    strength: weakest(branches),
    opensWith: opensWith(branches),
    epoch: state.policy.n,
    ...(contexts === undefined || contexts.length === 0 ? {} : { contexts }),
  };
}

/** Root sees who is enrolled and how strongly, not how somebody's tries or session stand. */
export async function userLines(parts: ServiceParts, machine: MachineState | null): Promise<readonly UserLine[]> {
  const lines: UserLine[] = [];
  for (const uid of await parts.store.enrolled()) {
    const { user, state, strength, policyPending } = await containerStatus(parts, uid, machine, null);
    lines.push({ uid, user, state: state === 'unlocked' ? 'locked' : state, strength, policyPending });
  }
  return lines;
}

/** @param before the document that was replaced just now, JSON text; null: none was */
export async function policyView(
  parts: ServiceParts,
  machine: MachineState | null,
  before: string | null = null,
): Promise<PolicyView> {
  const { policy, document, signature } = await currentPolicy(parts);
  const branches = branchesOf(policy, { pinIsBound: machine?.lockout.protects ?? false });
  const users = await userLines(parts, machine);
  return {
    document: JSON.parse(document) as unknown,
    words: requirementWords(policy.require),
    branches: branches.map((branch) => ({
      factors: branch.factors,
      strength: branch.strength,
      words: `${factorsWords(branch.factors)}: opens with ${branchOpensWith(branch)}`,
    })),
    authority: (machine?.managedAuthority ?? null) === null ? 'this-machine' : 'managed',
    signed: signature && { version: signature.documentVersion, key: toHex(signature.key) },
    pending: users.filter(({ policyPending }) => policyPending).map(({ user }) => user),
    warnings: await policyWarnings(parts, machine, { current: document, before }),
  };
}
