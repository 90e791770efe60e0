/** From a grant to the container key: the door is opened, and the TPM is passed for what the operation needs. */

import { isUnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { Signature } from '../../drivers/tpm2/index.ts';
import type { Approval } from '../container/authority/local-authority.ts';
import { LocalAuthority } from '../container/authority/local-authority.ts';
import type { PolicyStatement } from '../container/authority/statement.ts';
import { type ChangeParts, changeContainer, type Draft, type Unsealer } from '../container/change.ts';
import { nameOfBlob } from '../container/objects.ts';
import type { PolicyPass } from '../container/pass.ts';
import { type ContainerView, changePlanOf, planOf, viewOf } from '../container/plan.ts';
import { CHANGE_CONTEXT, type RequestContext, requestContext, UNLOCK_CONTEXT } from '../container/references.ts';
import type { RootSession } from '../container/root.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import { missingWords, stillMissing } from '../policy/explain.ts';
import type { Grant } from '../policy/grant.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { type Door, openDoor } from '../release/release.ts';
import { Denied } from './ceremony-run.ts';
import type { Collected } from './collect.ts';
import { authorityElsewhere, changePolicyOf, policyInForce } from './context.ts';
import type { ServiceParts } from './parts.ts';

const throughDoor =
  (door: Door, root: RootSession): Unsealer =>
  (plan, proofs, sealed) =>
    door.release({ root, plan, proofs, sealed });

/** What is at hand while the door is open. */
export interface OpenContainer {
  readonly root: RootSession;
  readonly unseal: Unsealer;
  readonly containerKey: Secret;
}

/** Why a pass that was begun earlier is begun anew: whatever the TPM has against it, it says again and better of a whole one. */
const mayBeginAnew = (error: unknown): boolean =>
  isUnlockdError(error) && /^ERR_(TPM|HAL)_/.test(error.code) && error.code !== 'ERR_HAL_TIMEOUT';

/** @param use gets the pass that was begun earlier, if that is what opened the container: it is still loaded */
async function openThen<T>(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerView,
  collected: Collected,
  signal: AbortSignal,
  use: (open: OpenContainer, begun: PolicyPass | null) => Promise<T>,
): Promise<T> {
  const { proofs, ticket, hold } = collected;
  const sealed = state.sealedKey;
  const held = await hold?.use(async ({ pass: begun, plan }): Promise<{ readonly value: T } | null> => {
    const { root } = begun;
    const grant = collected.mint();
    // What is observed comes before the PIN in a branch: a pass that the PIN has begun leads elsewhere.
    if (!begun.leadsTo(plan, grant.branch.factors)) return null;
    using door = openDoor(grant, parts.clock);
    using containerKey = await door.release({ root, plan, proofs, sealed, begun }).catch((error: unknown) => {
      if (!mayBeginAnew(error)) throw error;
      return null;
    });
    if (containerKey === null) return null;
    return { value: await use({ root, unseal: throughDoor(door, root), containerKey }, begun) };
  });
  if (held) return held.value;
  return await parts.tpm.withRoot(signal, machine, async (root) => {
    // Minted when the TPM is at hand: what was presented may not wait in a queue.
    using door = openDoor(collected.mint(), parts.clock);
    const unseal = throughDoor(door, root);
    using containerKey = await unseal({ ...planOf(state), ticket }, proofs, sealed);
    return await use({ root, unseal, containerKey }, null);
  });
}

/**
 * Mints a grant, spends it and opens the container for one operation: by the pass that the PIN has begun, where it is
 * still held, or by a whole one.
 * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_RESPONSE | …} the TPM refuses
 */
export const withOpenContainer = <T>(
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerView,
  collected: Collected,
  signal: AbortSignal,
  use: (open: OpenContainer) => Promise<T>,
): Promise<T> =>
  openThen(parts, machine, state, collected, signal, async (open, begun) => {
    // The operation needs the slots.
    await begun?.close();
    return await use(open);
  });

/** As {@link withOpenContainer}, for the key alone: it is handed on before anything is flushed. The caller owns it. */
export const releaseContainerKey = (
  parts: ServiceParts,
  machine: MachineState,
  state: ContainerView,
  collected: Collected,
  signal: AbortSignal,
): Promise<Secret> =>
  openThen(parts, machine, state, collected, signal, async ({ containerKey }) => containerKey.clone());

/** What an outside signer has approved, and the number that its request burned; null: this TPM signs. */
export interface ExternalApproval {
  readonly n: number;
  readonly approval: Approval;
  /** Of every context. */
  readonly policies: ReadonlyMap<RequestContext, Signature>;
}

interface Approver extends Disposable, Pick<ChangeParts, 'approve' | 'approvePolicy'> {
  /** Null: the authority is elsewhere. */
  readonly authValue: Secret | null;
}

/**
 * The grant of a change: what every context asks for is there.
 * @throws {ERR_POLICY_DENIED} with the reasons of the context that asks for more
 */
function mintChange(state: ContainerState, collected: Collected): Grant {
  const views = state.contexts.flatMap(({ context }) => viewOf(state, context) ?? []);
  for (const view of views.length === 0 ? [] : [state as ContainerView, ...views]) {
    const decision = collected.judge(policyInForce(view));
    if (decision.verdict === 'granted') continue;
    const context = view.context ?? UNLOCK_CONTEXT;
    const missing = missingWords(stillMissing(decision));
    const message = `a change takes what ${context} asks for as well; missing: ${missing}`;
    throw new Denied(message, { cause: null, missing, context }, decision);
  }
  return collected.mint(changePolicyOf(state), state.authority.change === null ? UNLOCK_CONTEXT : CHANGE_CONTEXT);
}

async function approverOf(
  parts: ServiceParts,
  open: OpenContainer,
  state: ContainerState,
  collected: Collected,
  external: ExternalApproval | null,
): Promise<Approver> {
  const { key, sealedAuth } = state.authority;
  if (key === null || sealedAuth === null) {
    if (external === null) throw authorityElsewhere();
    const { approval, policies } = external;
    const approvePolicy = async ({ context }: PolicyStatement): Promise<Signature> => {
      const known = requestContext(context);
      const signature = known === null ? undefined : policies.get(known);
      if (signature === undefined) throw authorityElsewhere();
      return signature;
    };
    return {
      authValue: null,
      approve: async () => approval,
      approvePolicy,
      [Symbol.dispose]: () => undefined,
    };
  }
  // A second whole pass: who is merely in an unlocked session does not get here.
  using door = openDoor(mintChange(state, collected), parts.clock);
  const authValue = await throughDoor(door, open.root)(changePlanOf(state), collected.proofs, sealedAuth);
  const authority = new LocalAuthority(open.root, key, nameOfBlob(key), authValue);
  return {
    authValue,
    approve: (statement) => authority.approve(statement),
    approvePolicy: (statement) => authority.approvePolicy(statement),
    [Symbol.dispose]: () => authValue.dispose(),
  };
}

/** How a change is made, where it is more than new objects under the same policy. */
export interface ChangeOptions {
  readonly external?: ExternalApproval | null;
  /** The policy that will be in force: the rehearsal is granted under it. */
  readonly under?: UnlockPolicy;
  readonly rehearseFurther?: ChangeParts['rehearseFurther'];
}

/**
 * Changes an open container by the one protocol of changes.
 * @param draft gets the authority's authValue; null: that one is elsewhere
 * @throws {ERR_POLICY_DENIED} what was presented does not satisfy it; nothing has changed
 * @throws {ERR_CHANGE_NOT_REVOKED} changed, not revoked yet; everything else: nothing has changed
 */
export async function changeOpenContainer(
  parts: ServiceParts,
  open: OpenContainer,
  state: ContainerState,
  collected: Collected,
  draft: (authValue: Secret | null) => Promise<Draft>,
  { external = null, under, rehearseFurther }: ChangeOptions = {},
): Promise<ContainerState> {
  using door = under === undefined ? null : openDoor(collected.mint(under), parts.clock);
  using approver = await approverOf(parts, open, state, collected, external);
  return await changeContainer({
    root: open.root,
    state,
    write: (next) => parts.store.writeContainer(next),
    unseal: door === null ? open.unseal : throughDoor(door, open.root),
    approve: approver.approve,
    approvePolicy: approver.approvePolicy,
    draft: () => draft(approver.authValue),
    ...(rehearseFurther === undefined ? {} : { rehearseFurther }),
    containerKey: open.containerKey,
    ...(external === null ? {} : { burned: external.n }),
  });
}
