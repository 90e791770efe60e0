/**
 * Managed machines, the way back: the answer of the authority elsewhere is applied. It is good for what the last request
 * has shown and for nothing else, and it takes the person's factors, for every context: nothing is relied on that was not
 * rehearsed.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { decodePublicArea, type Signature } from '../../drivers/tpm2/index.ts';
import { isApprovedBy } from '../container/authority/authority-key.ts';
import { parseApproval, type SigningApproval } from '../container/authority/signing-approval.ts';
import { firstWriteDigest } from '../container/authority/statement.ts';
import { type Draft, putInForce } from '../container/change.ts';
import { bumpDigest } from '../container/compile/compile.ts';
import { firstWrite, writtenCounter } from '../container/counter.ts';
import type { PendingRequest } from '../container/pending-request.ts';
import { counterOf, fromSignature, planOfContext, policyOf } from '../container/plan.ts';
import { openRecords, wipeRecords } from '../container/records.ts';
import { epochReference, type RequestContext, UNLOCK_CONTEXT } from '../container/references.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { policyFor } from '../policy/model.ts';
import type { CeremonyRun } from './ceremony-run.ts';
import { documentOf, policyInForce, requireContainer, requireMachine } from './context.ts';
import { ContextKeys } from './context-keys.ts';
import type { PlannedContext } from './context-plan.ts';
import { collectForAll } from './managed-factors.ts';
import { changeOpenContainer, type ExternalApproval, withOpenContainer } from './open-container.ts';
import type { ServiceParts } from './parts.ts';
import { pendingRequest, requireManaged, valueOrNull, wantedPolicy } from './policy-request.ts';

const unfit = (reason: string): UnlockdError =>
  new UnlockdError('ERR_POLICY_SIGNATURE', `the signed answer does not fit: ${reason}`);

function authorityOf(state: ContainerState): { x: Uint8Array; y: Uint8Array } {
  const area = decodePublicArea(state.authority.publicArea);
  if (area.type !== 'ecc') throw unfit('the authority of this container has no key on P-256');
  return { x: area.x, y: area.y };
}

/** The container as it will be, without the contexts beside `unlock`, and the signatures that make it so. */
interface Approved extends ExternalApproval {
  readonly next: ContainerState;
  /** Beside `unlock`, each signed; those that have no key get one. */
  readonly contexts: readonly PlannedContext[];
}

/** Whether this machine compiles a context to what the authority has signed for it. */
function requireApproved(
  next: ContainerState,
  { context, branches }: PendingRequest['contexts'][number],
  signature: Signature,
): void {
  const { compiled, policyRef } = planOfContext(next, context, branches);
  if (isApprovedBy(authorityOf(next), compiled.digest, policyRef, fromSignature(signature))) return;
  throw unfit(`the policy of this machine for ${context} is not what the authority has signed`);
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
  const wanted = await wantedPolicy(parts, machine, state);
  // The signer has judged a document: another one is not put in force in its name, even if it compiles to the same.
  if (wanted.document !== shown.document) {
    throw new UnlockdError('ERR_POLICY_CHANGED_SINCE', 'the policy of this machine is not the one that was signed');
  }
  const { version, document } = wanted;
  const signatureOf = (context: RequestContext): Signature => {
    const signature = answer.policies.get(context);
    if (signature === undefined) throw unfit(`the signature of the context ${context} is missing`);
    return signature;
  };
  if (answer.policies.size !== wanted.contexts.length) throw unfit('it is for other contexts than were asked for');
  const unlock = wanted.contexts.find(({ context }) => context === UNLOCK_CONTEXT);
  if (unlock === undefined) throw unfit('the policy has no context unlock');
  const approval = { policy: signatureOf(UNLOCK_CONTEXT), bump: answer.counter };
  const signed = { signature: fromSignature(approval.policy), bump: fromSignature(approval.bump) };
  const next: ContainerState = { ...state, policy: { version, document, branches: unlock.branches, n, ...signed } };
  for (const context of wanted.contexts) requireApproved(next, context, signatureOf(context.context));
  const moved = bumpDigest(writtenCounter(counterOf(next)).name, n);
  if (!isApprovedBy(authorityOf(state), moved, epochReference(state.containerId), signed.bump)) {
    throw unfit('the move of the counter is not signed by the authority');
  }
  const contexts = wanted.contexts.flatMap(({ context, branches }): PlannedContext[] => {
    if (context === UNLOCK_CONTEXT) return [];
    const known = state.contexts.find((entry) => entry.context === context);
    const kept = { sealedKey: known?.sealedKey ?? null, recovery: known?.recovery ?? null };
    const policy = policyFor(documentOf(document), context);
    return [{ entry: { context, version, document: null, branches, ...kept }, policy }];
  });
  return { next, n, contexts, approval, policies: answer.policies };
}

async function applyFirstWrite(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerState,
  answer: SigningApproval,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { counter: signature } = answer;
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
  { next, contexts: planned, policies }: Approved,
): Promise<ContainerState> {
  const further = planned.flatMap(({ policy }) => policy ?? []);
  using collected = await collectForAll(parts, machine, next, policyInForce(next), further, run, { settle: false });
  return await withOpenContainer(parts, machine, next, collected, run.signal, async (open) => {
    wipeRecords(openRecords(open.containerKey, next.containerId, next.records));
    using keys = new ContextKeys(parts, open.root, next, open.containerKey);
    const contexts = (await keys.entries(planned)).map((entry) => {
      const signature = policies.get(entry.context);
      if (signature === undefined) throw unfit(`the signature of the context ${entry.context} is missing`);
      return { ...entry, signature: fromSignature(signature) };
    });
    const whole: ContainerState = { ...next, contexts };
    await keys.rehearse(whole, planned, collected);
    await putInForce(open.root, whole, (state) => parts.store.writeContainer(state));
    return whole;
  });
}

/** A newer policy of the machine for a container that has one already. */
async function applyNextPolicy(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  { next, contexts: planned, ...external }: Approved,
): Promise<ContainerState> {
  const under = policyInForce(next);
  const further = [under, ...planned.flatMap(({ policy }) => policy ?? [])];
  using collected = await collectForAll(parts, machine, state, policyInForce(state), further, run);
  const { version, document, branches } = policyOf(next);
  const { factors, records } = state;
  return await withOpenContainer(parts, machine, state, collected, run.signal, async (open) => {
    using keys = new ContextKeys(parts, open.root, state, open.containerKey);
    const draft = async (): Promise<Draft> => ({
      factors,
      policy: { version, document, branches },
      contexts: await keys.entries(planned),
      records,
      proofs: collected.proofs,
    });
    return await changeOpenContainer(parts, open, state, collected, draft, {
      external,
      under,
      rehearseFurther: (made) => keys.rehearse(made, planned, collected),
    });
  });
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
  const contexts = next.contexts.map(({ context }) => context).join(' ');
  const further = contexts === '' ? {} : { contexts };
  await parts.audit('policy-in-force', run.uid, { version, epoch: n, ...further });
  return { applied: true, epoch: n, ...further };
}
