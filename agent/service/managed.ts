/**
 * Managed machines: the policy authority is elsewhere. A request says what is to be signed next for the caller's
 * container; applying the answer takes the person's factors, because nothing is relied on that was not rehearsed.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Approval } from '../container/authority/local-authority.ts';
import {
  parseApproval,
  requestToJson,
  type SigningApproval,
  type SigningRequest,
} from '../container/authority/signing-request.ts';
import type { PolicyStatement } from '../container/authority/statement.ts';
import { statementOf } from '../container/change.ts';
import { bumpCounter, firstWrite, readCounter } from '../container/counter.ts';
import { counterOf, fromSignature, policyOf } from '../container/plan.ts';
import { openRecords, wipeRecords } from '../container/records.ts';
import type { RootSession } from '../container/root.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import { collectFactors } from './collect.ts';
import {
  currentPolicy,
  enrolledFactors,
  policyInForce,
  provableBranches,
  requireContainer,
  requireMachine,
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

/** What has to be signed next for this container. */
async function nextRequest(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  signal: AbortSignal,
): Promise<SigningRequest> {
  const value = await parts.tpm.withRoot(signal, machine, (root) => valueOrNull(root, state));
  const { version, document, policy } = await currentPolicy(parts);
  const branches = provableBranches(policy, enrolledFactors(state), machine).map(({ factors }) => factors);
  const n = Math.max(value ?? 0, state.highestSigned) + 1;
  const draft = { factors: state.factors, policy: { version, document, branches } };
  const statement = statementOf(state, draft, value ?? 0, n);
  return { statement, document, wants: value === null ? 'first-write' : 'policy' };
}

/** @throws {ERR_POLICY_NOT_MANAGED | ERR_CONTAINER_MISSING} */
export async function policyRequest(parts: ServiceParts, uid: number): Promise<unknown> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, uid);
  requireManaged(state);
  return requestToJson(await nextRequest(parts, machine, state, new AbortController().signal));
}

const unfit = (reason: string): UnlockdError =>
  new UnlockdError('ERR_POLICY_SIGNATURE', `the signed answer does not fit: ${reason}`);

/** Takes nothing from the answer but the signatures, and those only for the statement at hand. */
function approvalFor(approval: SigningApproval, statement: PolicyStatement): Approval {
  if (approval.wants !== 'policy') throw unfit('a policy was to be signed');
  if (!bytesEqual(approval.containerId, statement.containerId)) throw unfit('it is for another container');
  if (approval.n !== statement.closing?.n) throw unfit(`it is for number ${approval.n}, not ${statement.closing?.n}`);
  const [policy, bump] = approval.signatures;
  if (policy === undefined || bump === undefined) throw unfit('a signature is missing');
  return { policy, bump };
}

async function applyFirstWrite(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  approval: SigningApproval,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const [signature] = approval.signatures;
  if (signature === undefined || !bytesEqual(approval.containerId, state.containerId)) {
    throw unfit('it is for another container');
  }
  await parts.tpm.withRoot(signal, machine, (root) => firstWrite(root, counterOf(state), signature));
  return { counterWritten: true, next: 'unlockctl policy request' };
}

/** The first policy of a pending enrolment: rehearsed, committed, and the counter moved. */
async function applyFirstPolicy(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  approval: SigningApproval,
): Promise<ContainerState> {
  const { statement, document } = await nextRequest(parts, machine, state, run.signal);
  const { policy, bump } = approvalFor(approval, statement);
  const { version, policy: unlockPolicy } = await currentPolicy(parts);
  const n = statement.closing?.n ?? 0;
  const next: ContainerState = {
    ...state,
    highestSigned: n,
    policy: {
      version,
      document,
      branches: statement.branches,
      n,
      signature: fromSignature(policy),
      bump: fromSignature(bump),
    },
  };
  using collected = await collectFactors(parts, machine, next, unlockPolicy, run, { settle: false });
  await withOpenContainer(parts, machine, next, collected, run.signal, async (open) => {
    wipeRecords(openRecords(open.containerKey, next.containerId, next.records));
    await parts.store.writeContainer(next);
    await bumpCounter(open.root, counterOf(next), n, bump);
  });
  return next;
}

/** A newer policy of the machine for a container that has one already. */
async function applyNextPolicy(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  approval: SigningApproval,
): Promise<ContainerState> {
  const { version, document, policy } = await currentPolicy(parts);
  const branches = provableBranches(policy, enrolledFactors(state), machine).map(({ factors }) => factors);
  using collected = await collectFactors(parts, machine, state, policyInForce(state), run);
  const { factors, records } = state;
  const draft = async () => ({ factors, policy: { version, document, branches }, records, proofs: collected.proofs });
  return await withOpenContainer(parts, machine, state, collected, run.signal, (open) =>
    changeOpenContainer(parts, open, state, collected, draft, async (statement) => approvalFor(approval, statement)),
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
  const approval = parseApproval(document);
  if (approval.wants === 'first-write') return await applyFirstWrite(parts, machine, state, approval, run.signal);
  const next =
    state.policy === null
      ? await applyFirstPolicy(parts, run, machine, state, approval)
      : await applyNextPolicy(parts, run, machine, state, approval);
  const { n, version } = policyOf(next);
  await parts.audit('policy-in-force', run.uid, { version, epoch: n });
  return { applied: true, epoch: n };
}
