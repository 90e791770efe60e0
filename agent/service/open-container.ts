/** From a grant to the container key: the door is opened, and the TPM is passed for what the operation needs. */

import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { Approval } from '../container/authority/local-authority.ts';
import { LocalAuthority } from '../container/authority/local-authority.ts';
import type { PolicyStatement } from '../container/authority/statement.ts';
import { changeContainer, type Draft, type Unsealer } from '../container/change.ts';
import { nameOfBlob } from '../container/objects.ts';
import type { PolicyPass } from '../container/pass.ts';
import { planOf } from '../container/plan.ts';
import type { RootSession } from '../container/root.ts';
import type { ContainerState, MachineState } from '../container/state.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { type Door, openDoor } from '../release/release.ts';
import type { Collected } from './collect.ts';
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
  state: ContainerState,
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
  state: ContainerState,
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
  state: ContainerState,
  collected: Collected,
  signal: AbortSignal,
): Promise<Secret> =>
  openThen(parts, machine, state, collected, signal, async ({ containerKey }) => containerKey.clone());

/** What an outside signer has approved, and the number that its request burned; null: this TPM signs. */
export interface ExternalApproval {
  readonly n: number;
  readonly approval: Approval;
}

async function approverOf(
  open: OpenContainer,
  state: ContainerState,
  collected: Collected,
  external: ExternalApproval | null,
): Promise<{ approve: (statement: PolicyStatement) => Promise<Approval> } & Disposable> {
  const { key, sealedAuth } = state.authority;
  if (key === null || sealedAuth === null) {
    if (external === null) {
      throw new UnlockdError('ERR_POLICY_SIGNER_UNREACHABLE', 'the policy authority of this machine is elsewhere');
    }
    return { approve: async () => external.approval, [Symbol.dispose]: () => undefined };
  }
  // A second whole pass: who is merely in an unlocked session does not get here.
  const authorityAuth = await open.unseal(planOf(state), collected.proofs, sealedAuth);
  const authority = new LocalAuthority(open.root, key, nameOfBlob(key), authorityAuth);
  return {
    approve: (statement) => authority.approve(statement),
    [Symbol.dispose]: () => authorityAuth.dispose(),
  };
}

/**
 * Changes an open container by the one protocol of changes.
 * @param under the policy that will be in force: the rehearsal is granted under it; null: the one that is
 * @throws {ERR_POLICY_DENIED} what was presented does not satisfy it; nothing has changed
 * @throws {ERR_CHANGE_NOT_REVOKED} changed, not revoked yet; everything else: nothing has changed
 */
export async function changeOpenContainer(
  parts: ServiceParts,
  open: OpenContainer,
  state: ContainerState,
  collected: Collected,
  draft: () => Promise<Draft>,
  external: ExternalApproval | null = null,
  under: UnlockPolicy | null = null,
): Promise<ContainerState> {
  using door = under === null ? null : openDoor(collected.mint(under), parts.clock);
  using approver = await approverOf(open, state, collected, external);
  return await changeContainer({
    root: open.root,
    state,
    write: (next) => parts.store.writeContainer(next),
    unseal: door === null ? open.unseal : throughDoor(door, open.root),
    approve: approver.approve,
    draft,
    containerKey: open.containerKey,
    ...(external === null ? {} : { burned: external.n }),
  });
}
