/**
 * The only door to a secret. A grant, minted by the policy room from a decision that grants, is spent when the door is
 * opened; the door then lets passes through the TPM's policy for that container and branch, for the length of one
 * operation. The TPM decides all over again: a forged grant would open nothing.
 */

import { bytesEqual, toHex } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import { type ObjectBlob, sessionAuth, unseal } from '../../drivers/tpm2/index.ts';
import { nameOfBlob } from '../container/objects.ts';
import { type FactorProof, type PassPlan, PolicyPass } from '../container/pass.ts';
import { policyReference } from '../container/references.ts';
import type { RootSession } from '../container/root.ts';
import { assertGrant, type Grant } from '../policy/grant.ts';

/** What the release room needs of a container beside the grant. */
export interface Release {
  readonly root: RootSession;
  readonly plan: PassPlan;
  readonly proofs: ReadonlyMap<FactorKind, FactorProof>;
  readonly sealed: ObjectBlob;
  /**
   * A pass that was begun when the first factor was there, and stays the caller's to close. It is gone on with where it
   * leads to the grant's branch.
   */
  readonly begun?: PolicyPass;
}

export interface Door extends Disposable {
  /**
   * Opens one sealed object by a whole pass through the policy.
   * @returns the secret, which the caller owns
   * @throws {ERR_GRANT_INVALID} for another container than the grant's, or after the door was closed
   * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_LOCKED_OUT | ERR_TPM_RESPONSE} the TPM refuses
   */
  release(what: Release): Promise<Secret>;
}

const invalid = (reason: string): UnlockdError =>
  new UnlockdError('ERR_GRANT_INVALID', `nothing is released: ${reason}`);

/**
 * Spends the grant.
 * @throws {ERR_POLICY_GRANT_FORGED | ERR_POLICY_GRANT_SPENT | ERR_POLICY_GRANT_EXPIRED}
 */
export function openDoor(grant: Grant, clock: Clock): Door {
  assertGrant(grant);
  grant.spend(clock.now());
  const { container, context } = grant.context;
  const { factors } = grant.branch;
  let open = true;
  return {
    release: async ({ root, plan, proofs, sealed, begun }) => {
      if (!open) throw invalid('the grant has ended');
      if (toHex(plan.counter.containerId) !== container) throw invalid('the grant is for another container');
      if (!bytesEqual(plan.policyRef, policyReference(plan.counter.containerId, context)))
        throw invalid('the grant is for another context');
      const through = async (pass: PolicyPass): Promise<Secret> => {
        await pass.complete(plan, factors, proofs, nameOfBlob(sealed), grant);
        const encrypted = [{ session: pass.root.session, flags: { encrypt: true } }];
        return await pass.withObject('sealed', sealed, (object) =>
          // The session is good for this one command, and the TPM frees it by itself.
          unseal(pass.root.tpm, object, sessionAuth(pass.policy, undefined, { continueSession: false }), encrypted),
        );
      };
      if (begun?.leadsTo(plan, factors)) return await through(begun);
      await using pass = await PolicyPass.begin(root);
      return await through(pass);
    },
    [Symbol.dispose]: () => {
      open = false;
    },
  };
}
