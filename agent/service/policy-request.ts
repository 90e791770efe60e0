/**
 * Managed machines, the way out: what the authority elsewhere is asked to sign next for the caller's container. The
 * number of a policy is burned before its request leaves, so that no two policies are ever signed under one number.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { type RequestedContext, requestToJson, type SigningRequest } from '../container/authority/signing-request.ts';
import { MAX_EPOCH_STEP } from '../container/authority/statement.ts';
import { statementOf } from '../container/change.ts';
import { readCounter } from '../container/counter.ts';
import { epochGap } from '../container/epoch.ts';
import type { PendingRequest } from '../container/pending-request.ts';
import { counterOf } from '../container/plan.ts';
import type { RootSession } from '../container/root.ts';
import { hasSigners, signersFor } from '../container/signers.ts';
import type { ContainerState, MachineState, PolicyState } from '../container/state.ts';
import { enforcedSets } from '../policy/branches.ts';
import { contextsOf, policyFor } from '../policy/model.ts';
import {
  currentPolicy,
  documentOf,
  enrolledFactors,
  provableBranches,
  requireContainer,
  requireMachine,
  requireVerifiedKeys,
} from './context.ts';
import type { ServiceParts } from './parts.ts';

/** The machine's policy as a container would be sealed to it, with every context that it names; `unlock` first. */
export interface WantedPolicy extends Pick<PolicyState, 'version' | 'document'> {
  readonly contexts: PendingRequest['contexts'];
}

/** @throws {ERR_POLICY_NOT_MANAGED} */
export function requireManaged(state: ContainerState): void {
  if (state.authority.kind === 'managed') return;
  throw new UnlockdError('ERR_POLICY_NOT_MANAGED', 'the policy of this container is signed by this machine itself');
}

/** @returns null: the counter of a pending enrolment has not been written yet @throws {ERR_EPOCH_LOST} */
export async function valueOrNull(root: RootSession, state: ContainerState): Promise<number | null> {
  try {
    return await readCounter(root, counterOf(state));
  } catch (error) {
    // Before its first write the counter of a pending enrolment reads as lost.
    if (state.policy === null && isUnlockdError(error, 'ERR_EPOCH_LOST')) return null;
    throw error;
  }
}

/**
 * A signer approves the document that it is shown, whole: where one of its contexts cannot be sealed to what is enrolled,
 * nothing of it is asked for, and what is in force stays.
 * @throws {ERR_POLICY_NO_BRANCH | ERR_POLICY_KEY_NOT_VERIFYING | ERR_POLICY_ASSERTED_BRANCH} naming the context
 */
export async function wantedPolicy(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
): Promise<WantedPolicy> {
  const { version, document: text } = await currentPolicy(parts);
  const document = documentOf(text);
  const contexts = contextsOf(document).map((context) => {
    try {
      const policy = policyFor(document, context);
      const branches = enforcedSets(provableBranches(policy, enrolledFactors(state), machine));
      requireVerifiedKeys(policy, state);
      return { context, branches };
    } catch (error) {
      if (!isUnlockdError(error)) throw error;
      throw new UnlockdError(error.code, `the context ${context}: ${error.message}`, {
        detail: { ...error.detail, context },
      });
    }
  });
  return { version, document: text, contexts };
}

const allBranches = ({ contexts }: Pick<WantedPolicy, 'contexts'>): PolicyState['branches'] =>
  contexts.flatMap(({ branches }) => branches);

/**
 * The request whose answer may still be applied: of this container, under the last number that was burned, and not in
 * force yet. One that cannot be read is none; it is made anew.
 */
export async function pendingRequest(parts: ServiceParts, state: ContainerState): Promise<PendingRequest | null> {
  let kept: PendingRequest | null;
  try {
    kept = await parts.store.readRequest(state.uid);
  } catch (error) {
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) return null;
    throw error;
  }
  if (kept === null || !bytesEqual(kept.containerId, state.containerId)) return null;
  return kept.n === state.highestSigned && kept.n > (state.policy?.n ?? 0) ? kept : null;
}

const sameContexts = (a: readonly RequestedContext[], b: readonly RequestedContext[]): boolean =>
  JSON.stringify(a.map(({ context, branches }) => [context, branches])) ===
  JSON.stringify(b.map(({ context, branches }) => [context, branches]));

/** What the contexts of a request share. */
function sharedStatement(state: ContainerState, policy: WantedPolicy, counterValue: number, n: number) {
  const unused = { version: policy.version, document: policy.document, branches: [] };
  const {
    context: _context,
    branches: _branches,
    ...shared
  } = statementOf(state, { factors: state.factors, policy: unused }, counterValue, n);
  return shared;
}

/** The request goes out with the highest number before its own was burned, now and whenever it is asked for again. */
function requestFor(state: ContainerState, policy: WantedPolicy, kept: PendingRequest): SigningRequest {
  const before = { ...state, highestSigned: kept.highestSigned };
  const statement = sharedStatement(before, policy, kept.counterValue, kept.n);
  return { statement, contexts: policy.contexts, document: policy.document, wants: 'policy' };
}

/** Burns the next number and keeps what is asked under it. @throws {ERR_EPOCH_GAP | ERR_STATE_WRITE_FAILED} */
async function burn(
  parts: ServiceParts,
  state: ContainerState,
  { document, contexts }: WantedPolicy,
  counterValue: number,
): Promise<PendingRequest> {
  const { containerId, highestSigned } = state;
  const n = Math.max(counterValue, highestSigned) + 1;
  if (n - counterValue > MAX_EPOCH_STEP) throw epochGap(n, counterValue);
  const kept: PendingRequest = { containerId, n, highestSigned, counterValue, document, contexts };
  // In this order: a number that was not burned durably must not look as if it had been asked for.
  await parts.store.writeContainer({ ...state, highestSigned: n });
  await parts.store.writeRequest(state.uid, kept);
  return kept;
}

function firstWriteRequest(state: ContainerState, policy: WantedPolicy): SigningRequest {
  const known = sharedStatement(state, policy, 0, state.highestSigned + 1);
  const statement = { ...known, closing: known.closing && { ...known.closing, counterValue: null } };
  return { statement, contexts: policy.contexts, document: policy.document, wants: 'first-write' };
}

/**
 * The container with a signer for whatever the policy observes: what is to be signed names its key. Kept at once, which
 * changes nothing of what opens the container.
 */
async function withSigners(
  parts: ServiceParts,
  root: RootSession,
  state: ContainerState,
  policy: WantedPolicy,
): Promise<ContainerState> {
  const observed = allBranches(policy).flat();
  if (hasSigners(observed, state.signers)) return state;
  // Those that are there stay, of whatever machine they are: the policy in force names them.
  const added = await signersFor(root, parts.entropy, observed, state.signers, parts.simulated);
  const missing = added.filter(({ kind }) => !state.signers.some((signer) => signer.kind === kind));
  const next = { ...state, signers: [...state.signers, ...missing] };
  await parts.store.writeContainer(next);
  return next;
}

/**
 * What has to be signed next for the container of `uid`. Asked again with nothing changed it is the same request under
 * the same number; otherwise a new number is burned, and what was signed under an earlier one is good for nothing.
 * @throws {ERR_POLICY_NOT_MANAGED | ERR_CONTAINER_MISSING | ERR_EPOCH_LOST} or the signal's reason: nothing is burned
 */
export async function policyRequest(parts: ServiceParts, uid: number, signal: AbortSignal): Promise<unknown> {
  const machine = await requireMachine(parts);
  const before = await requireContainer(parts, uid);
  requireManaged(before);
  const policy = await wantedPolicy(parts, machine, before);
  const { value, state } = await parts.tpm.withRoot(signal, machine, async (root) => ({
    value: await valueOrNull(root, before),
    state: await withSigners(parts, root, before, policy),
  }));
  signal.throwIfAborted();
  if (value === null) return requestToJson(firstWriteRequest(state, policy));
  const pending = await pendingRequest(parts, state);
  const unchanged =
    pending?.counterValue === value &&
    pending.document === policy.document &&
    sameContexts(pending.contexts, policy.contexts);
  return requestToJson(requestFor(state, policy, unchanged ? pending : await burn(parts, state, policy, value)));
}
