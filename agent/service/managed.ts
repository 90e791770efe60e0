/**
 * Managed machines, the way back: the answer of the authority elsewhere is applied. It is good for what the last request
 * has shown and for nothing else, and it takes the person's factors: nothing is relied on that was not rehearsed.
 */

import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { decodePublicArea } from '../../drivers/tpm2/index.ts';
import type { Approval } from '../container/authority/local-authority.ts';
import { isApprovedBy, parseApproval, type SigningApproval } from '../container/authority/signing-request.ts';
import { firstWriteDigest } from '../container/authority/statement.ts';
import { putInForce } from '../container/change.ts';
import { bumpDigest } from '../container/compile/compile.ts';
import { firstWrite, writtenCounter } from '../container/counter.ts';
import { counterOf, fromSignature, planOf, policyOf } from '../container/plan.ts';
import { openRecords, wipeRecords } from '../container/records.ts';
import { epochReference } from '../container/references.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import { collectFactors } from './collect.ts';
import { policyInForce, requireContainer, requireMachine } from './context.ts';
import { changeOpenContainer, withOpenContainer } from './open-container.ts';
import type { ServiceParts } from './parts.ts';
import { pendingRequest, requireManaged, valueOrNull, wantedPolicy } from './policy-request.ts';

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
 * @throws {ERR_POLICY_SIGNATURE | ERR_POLICY_CHANGED_SINCE} nothing has changed
 */
async function approvedState(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  answer: SigningApproval,
): Promise<Approved> {
  const shown = await pendingRequest(parts, state);
  if (shown === null) throw unfit('no request is open');
  const { n } = shown;
  if (answer.n !== n) throw unfit(`it is for number ${answer.n}, and the last request asked for ${n}`);
  const [policy, bump] = answer.signatures;
  if (policy === undefined || bump === undefined) throw unfit('a signature is missing');
  const wanted = await wantedPolicy(parts, machine, state);
  // The signer has judged a document: another one is not put in force in its name, even if it compiles to the same.
  if (wanted.document !== shown.document) {
    throw new UnlockdError('ERR_POLICY_CHANGED_SINCE', 'the policy of this machine is not the one that was signed');
  }
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
  { next }: Approved,
): Promise<ContainerState> {
  using collected = await collectFactors(parts, machine, next, policyInForce(next), run, { settle: false });
  await withOpenContainer(parts, machine, next, collected, run.signal, async (open) => {
    wipeRecords(openRecords(open.containerKey, next.containerId, next.records));
    await putInForce(open.root, next, (state) => parts.store.writeContainer(state));
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
    changeOpenContainer(parts, open, state, collected, draft, {
      external: { n, approval },
      under: policyInForce(next),
    }),
  );
}

/** @throws {ERR_POLICY_SIGNATURE | ERR_POLICY_CHANGED_SINCE | ERR_POLICY_NOT_MANAGED | ERR_POLICY_DENIED}: nothing changed */
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
