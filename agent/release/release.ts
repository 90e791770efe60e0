/**
 * The only door to a secret. A grant, minted by the policy room from a decision that grants, is spent when the door is
 * opened; the door then lets passes through the TPM's policy for that container and branch, for the length of one
 * operation. The TPM decides all over again: a forged grant would open nothing.
 */

import { toHex } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import { load, type ObjectBlob, sessionAuth, unseal } from '../../drivers/tpm2/index.ts';
import { nameOfBlob } from '../container/objects.ts';
import { type FactorProof, type PassPlan, satisfyPolicy } from '../container/pass.ts';
import type { RootSession } from '../container/root.ts';
import { assertGrant, type Grant } from '../policy/grant.ts';

/** What the release room needs of a container beside the grant. */
export interface Release {
  readonly root: RootSession;
  readonly plan: PassPlan;
  readonly proofs: ReadonlyMap<FactorKind, FactorProof>;
  readonly sealed: ObjectBlob;
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
  const { container } = grant.context;
  const { factors } = grant.branch;
  let open = true;
  return {
    release: async ({ root, plan, proofs, sealed }) => {
      if (!open) throw invalid('the grant has ended');
      if (toHex(plan.counter.containerId) !== container) throw invalid('the grant is for another container');
      await using policy = await satisfyPolicy(root, plan, factors, proofs, nameOfBlob(sealed));
      const { tpm, srk, session } = root;
      await using object = await load(tpm, srk, sealed, { auth: sessionAuth(session) });
      return await unseal(tpm, object, sessionAuth(policy), [{ session, flags: { encrypt: true } }]);
    },
    [Symbol.dispose]: () => {
      open = false;
    },
  };
}
