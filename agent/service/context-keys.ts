/**
 * The keys of new contexts, from the moment that they are made until the TPM was seen to give them back: random, sealed
 * under the reference of their context, in memory for the length of one change.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import { Secret } from '../../drivers/base/secret.ts';
import { policyAuthorizeDigest } from '../../drivers/tpm2/index.ts';
import { openRecoveryKey, wrapContextKey } from '../container/context-recovery.ts';
import { createSealed } from '../container/objects.ts';
import { changePlanOf, counterOf, planOf, viewOf } from '../container/plan.ts';
import { CHANGE_CONTEXT, type FurtherContext, policyReference, type SealedContext } from '../container/references.ts';
import type { RootSession } from '../container/root.ts';
import type { ContainerState, ContextState } from '../container/state.ts';
import { openDoor } from '../release/release.ts';
import type { Collected } from './collect.ts';
import { changePolicyOf } from './context.ts';
import type { PlannedContext } from './context-plan.ts';
import { observedProofsOf } from './observed-proofs.ts';
import type { ServiceParts } from './parts.ts';

export class ContextKeys implements Disposable {
  readonly #parts: ServiceParts;
  readonly #root: RootSession;
  readonly #state: ContainerState;
  readonly #containerKey: Secret;
  readonly #made = new Map<FurtherContext, Secret>();

  /** @param containerKey of the state; stays the caller's */
  constructor(parts: ServiceParts, root: RootSession, state: ContainerState, containerKey: Secret) {
    this.#parts = parts;
    this.#root = root;
    this.#state = state;
    this.#containerKey = containerKey;
  }

  /** Seals a secret so that only the approved policy of that context opens it. */
  seal(context: SealedContext, secret: Secret): Promise<ContextState['sealedKey']> {
    const { authorityName } = counterOf(this.#state);
    const authPolicy = policyAuthorizeDigest(authorityName, policyReference(this.#state.containerId, context));
    return createSealed(this.#root, authPolicy, secret);
  }

  /** For the sheet; null: that of the container cannot hold it. @throws {ERR_STATE_CORRUPT} its key is another one */
  #wrap(context: FurtherContext, key: Secret): Uint8Array | null {
    const { recovery, containerId } = this.#state;
    if (recovery.publicKey === null) return null;
    const publicKey = openRecoveryKey(this.#containerKey, containerId, recovery.publicKey);
    return wrapContextKey(publicKey, containerId, context, key, this.#parts.entropy);
  }

  /** The contexts of a draft; those that have no key get one. */
  async entries(planned: readonly PlannedContext[]): Promise<readonly Omit<ContextState, 'signature'>[]> {
    const out: Omit<ContextState, 'signature'>[] = [];
    for (const { entry } of planned) {
      if (entry.sealedKey !== null) {
        out.push({ ...entry, sealedKey: entry.sealedKey });
        continue;
      }
      const key = Secret.take(this.#parts.entropy.bytes(32));
      this.#made.set(entry.context, key);
      out.push({ ...entry, sealedKey: await this.seal(entry.context, key), recovery: this.#wrap(entry.context, key) });
    }
    return out;
  }

  /**
   * Opens every context that was planned anew, each by a grant under its own policy, and the authority's authValue where
   * what was presented is enough for it.
   * @throws {ERR_REHEARSAL_FAILED} one opens to something else {ERR_TPM_RESPONSE} the TPM refuses
   */
  async rehearse(next: ContainerState, planned: readonly PlannedContext[], collected: Collected): Promise<void> {
    const { clock } = this.#parts;
    for (const { entry, policy } of planned) {
      const view = policy === null ? null : viewOf(next, entry.context);
      if (policy === null || view === null) continue;
      using door = openDoor(collected.mint(policy, entry.context), clock);
      const proofs = new Map([...collected.proofs, ...observedProofsOf(this.#parts, view)]);
      using opened = await door.release({ root: this.#root, plan: planOf(view), proofs, sealed: view.sealedKey });
      const made = this.#made.get(entry.context);
      if (made !== undefined && !opened.equals(made)) {
        throw new UnlockdError('ERR_REHEARSAL_FAILED', `the context ${entry.context} opens to something else`);
      }
    }
    const { sealedAuth, change } = next.authority;
    const all = changePolicyOf(next);
    if (sealedAuth === null || change === null || collected.judge(all).verdict === 'denied') return;
    using door = openDoor(collected.mint(all, CHANGE_CONTEXT), clock);
    const proofs = new Map([...collected.proofs, ...observedProofsOf(this.#parts, next)]);
    using _opened = await door.release({ root: this.#root, plan: changePlanOf(next), proofs, sealed: sealedAuth });
  }

  [Symbol.dispose](): void {
    for (const key of this.#made.values()) key.dispose();
  }
}
