/**
 * Managed machines: the policy authority is elsewhere. A request says what is to be signed next for the caller's
 * container and burns the number that it asks for, so that no two policies are ever signed under one number; applying
 * the answer takes the person's factors, because nothing is relied on that was not rehearsed.
 */

import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { decodePublicArea } from '../../drivers/tpm2/index.ts';
import type { Approval } from '../container/authority/local-authority.ts';
import {
  isApprovedBy,
  parseApproval,
  requestToJson,
  type SigningApproval,
  type SigningRequest,
} from '../container/authority/signing-request.ts';
import { firstWriteDigest, MAX_EPOCH_STEP } from '../container/authority/statement.ts';
import { commit, revoke, statementOf } from '../container/change.ts';
import { bumpDigest } from '../container/compile/compile.ts';
import { bumpCounter, firstWrite, readCounter, writtenCounter } from '../container/counter.ts';
import { epochGap } from '../container/epoch.ts';
import { counterOf, fromSignature, planOf, policyOf } from '../container/plan.ts';
import { openRecords, wipeRecords } from '../container/records.ts';
import { epochReference } from '../container/references.ts';
import type { RootSession } from '../container/root.ts';
import type { ContainerState, MachineState, PolicyState } from '../container/state.ts';
import { enforcedSets } from '../policy/branches.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import { collectFactors } from './collect.ts';
import {
  currentPolicy,
  enrolledFactors,
  policyInForce,
  provableBranches,
  requireContainer,
  requireMachine,
  requireVerifiedKeys,
} from './context.ts';
import { changeOpenContainer, withOpenContainer } from './open-container.ts';
import type { ServiceParts } from './parts.ts';

function requireManaged(state: ContainerState): void {
  if (state.authority.kind === 'managed') return;
  throw new UnlockdError('ERR_POLICY_NOT_MANAGED', 'the policy of this container is signed by this machine itself');
}

async function valueOrNull(root: RootSession, state: ContainerState): Promise<number | null> {
  try {
    return await readCounter(root, counterOf(state));
  } catch (error) {
    // Before its first write the counter of a pending enrolment reads as lost.
    if (state.policy === null && error instanceof UnlockdError && error.code === 'ERR_EPOCH_LOST') return null;
    throw error;
  }
}

/** The machine's policy as this container would be sealed to it. @throws {ERR_POLICY_NO_BRANCH} */
async function wantedPolicy(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
): Promise<Pick<PolicyState, 'version' | 'document' | 'branches'>> {
  const { version, document, policy } = await currentPolicy(parts);
  const branches = enforcedSets(provableBranches(policy, enrolledFactors(state), machine));
  requireVerifiedKeys(policy, state);
  return { version, document, branches };
}

/**
 * What has to be signed next for the container of `uid`. The number of a policy is burned before the request leaves:
 * two requests never ask for the same one, and what was signed for an earlier one dies with the next that is applied.
 * @throws {ERR_POLICY_NOT_MANAGED | ERR_CONTAINER_MISSING | ERR_EPOCH_LOST} or the signal's reason: nothing is burned
 */
export async function policyRequest(parts: ServiceParts, uid: number, signal: AbortSignal): Promise<unknown> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, uid);
  requireManaged(state);
  const value = await parts.tpm.withRoot(signal, machine, (root) => valueOrNull(root, state));
  signal.throwIfAborted();
  const policy = await wantedPolicy(parts, machine, state);
  const n = Math.max(value ?? 0, state.highestSigned) + 1;
  if (n - (value ?? 0) > MAX_EPOCH_STEP) throw epochGap(n, value ?? 0);
  const known = statementOf(state, { factors: state.factors, policy }, value ?? 0, n);
  const closing = known.closing && { ...known.closing, counterValue: value };
  const wants = value === null ? 'first-write' : 'policy';
  const request: SigningRequest = { statement: { ...known, closing }, document: policy.document, wants };
  if (wants === 'policy') await parts.store.writeContainer({ ...state, highestSigned: n });
  return requestToJson(request);
}

const unfit = (reason: string): UnlockdError =>
  new UnlockdError('ERR_POLICY_SIGNATURE', `the signed answer does not fit: ${reason}`);

function authorityOf(state: ContainerState): { x: Uint8Array; y: Uint8Array } {
  const area = decodePublicArea(state.authority.publicArea);
  if (area.type !== 'ecc') throw unfit('the authority of this container has no key on P-256');
  return { x: area.x, y: area.y };
}

/** The container as it will be, and the signatures that make it so. */
interface Approved {
  readonly next: ContainerState;
  readonly n: number;
  readonly approval: Approval;
}

/**
 * Takes nothing from the answer but the signatures, and those only for what the last request asked and what this
 * machine compiles itself. Everything is held against the authority's key here, before anybody is asked for a factor.
 * @throws {ERR_POLICY_SIGNATURE} nothing has changed
 */
async function approvedState(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  answer: SigningApproval,
): Promise<Approved> {
  const n = state.highestSigned;
  if (n <= (state.policy?.n ?? 0)) throw unfit('no request is open');
  if (answer.n !== n) throw unfit(`it is for number ${answer.n}, and the last request asked for ${n}`);
  const [policy, bump] = answer.signatures;
  if (policy === undefined || bump === undefined) throw unfit('a signature is missing');
  const wanted = await wantedPolicy(parts, machine, state);
  const signed = { signature: fromSignature(policy), bump: fromSignature(bump) };
  const next: ContainerState = { ...state, policy: { ...wanted, n, ...signed } };
  const { compiled, policyRef, counter } = planOf(next);
  const authority = authorityOf(state);
  if (!isApprovedBy(authority, compiled.digest, policyRef, signed.signature)) {
    throw unfit('the policy of this machine is not what the authority has signed');
  }
  const moved = bumpDigest(writtenCounter(counter).name, n);
  if (!isApprovedBy(authority, moved, epochReference(state.containerId), signed.bump)) {
    throw unfit('the move of the counter is not signed by the authority');
  }
  return { next, n, approval: { policy, bump } };
}

async function applyFirstWrite(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  answer: SigningApproval,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const [signature] = answer.signatures;
  if (signature === undefined) throw unfit('the signature is missing');
  if (state.policy !== null) throw unfit('the counter of this container has been written before');
  const approved = isApprovedBy(
    authorityOf(state),
    firstWriteDigest(),
    epochReference(state.containerId),
    fromSignature(signature),
  );
  if (!approved) throw unfit('the first write of the counter is not signed by the authority');
  await parts.tpm.withRoot(signal, machine, async (root) => {
    if ((await valueOrNull(root, state)) !== null) throw unfit('the counter has been written before');
    await firstWrite(root, counterOf(state), signature);
  });
  return { counterWritten: true, next: 'unlockctl policy request' };
}

/** The first policy of a pending enrolment: rehearsed, committed, and the counter moved. */
async function applyFirstPolicy(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  { next, n, approval }: Approved,
): Promise<ContainerState> {
  using collected = await collectFactors(parts, machine, next, policyInForce(next), run, { settle: false });
  await withOpenContainer(parts, machine, next, collected, run.signal, async (open) => {
    wipeRecords(openRecords(open.containerKey, next.containerId, next.records));
    await commit(() => parts.store.writeContainer(next));
    await revoke(() => bumpCounter(open.root, counterOf(next), n, approval.bump));
  });
  return next;
}

/** A newer policy of the machine for a container that has one already. */
async function applyNextPolicy(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  { next, n, approval }: Approved,
): Promise<ContainerState> {
  using collected = await collectFactors(parts, machine, state, policyInForce(state), run);
  const { version, document, branches } = policyOf(next);
  const { factors, records } = state;
  const draft = async () => ({ factors, policy: { version, document, branches }, records, proofs: collected.proofs });
  return await withOpenContainer(parts, machine, state, collected, run.signal, (open) =>
    changeOpenContainer(parts, open, state, collected, draft, { n, approval }),
  );
}

/** @throws {ERR_POLICY_SIGNATURE | ERR_POLICY_NOT_MANAGED | ERR_POLICY_DENIED}: nothing has changed */
export async function policyApplyScript(
  parts: ServiceParts,
  run: CeremonyRun,
  document: string,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  requireManaged(state);
  const answer = parseApproval(document);
  if (!bytesEqual(answer.containerId, state.containerId)) throw unfit('it is for another container');
  if (answer.wants === 'first-write') return await applyFirstWrite(parts, machine, state, answer, run.signal);
  const approved = await approvedState(parts, machine, state, answer);
  const next =
    state.policy === null
      ? await applyFirstPolicy(parts, run, machine, approved)
      : await applyNextPolicy(parts, run, machine, state, approved);
  const { n, version } = policyOf(next);
  await parts.audit('policy-in-force', run.uid, { version, epoch: n });
  return { applied: true, epoch: n };
}
