/**
 * One pass through the unlock policy inside the TPM: a policy session is satisfied factor by factor, closed by the
 * epoch and the authority, and left ready for the one command that it may authorise. Nothing here decides; the TPM does.
 * A pass may be begun before all factors are there: what they do not change is then loaded ahead.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import {
  cpHashOf,
  emptyAuth,
  type LoadedObject,
  load,
  type ObjectBlob,
  type PublicArea,
  policyNv,
  policyOr,
  policySecret,
  policySigned,
  type Session,
  type Signature,
  sessionAuth,
  startAuthSession,
  type Ticket,
  TPM_CC,
  TPM_EO,
  type Tpm,
} from '../../drivers/tpm2/index.ts';
import type { Grant } from '../policy/grant.ts';
import { type ApprovedPolicy, authorizePolicy, verifyApproval } from './approval.ts';
import { type CompiledBranch, type CompiledPolicy, epochOperand } from './compile/compile.ts';
import { type CounterIdentity, writtenCounter } from './counter.ts';
import { nameOfBlob } from './objects.ts';
import { assertReference } from './references.ts';
import type { RootSession } from './root.ts';

/** Seconds that an assertion is good for; the signer fixes it, never the caller. */
export const ASSERTION_SECONDS = 30;

/** All that a signer is told of a pass. Never a cpHash, a reference or an expiration: it makes these itself. */
export interface AssertionRequest {
  /** By which the pass is made; null: by none, and a signer of the product signs nothing for it. */
  readonly grant: Grant | null;
  /** Of the policy session. */
  readonly nonceTPM: Uint8Array;
  /** The Name of the object that the session is to open. */
  readonly sealedName: Uint8Array;
}

/** What proves a factor to the TPM. */
export type FactorProof =
  | { readonly check: 'secret'; readonly blob: ObjectBlob; readonly authValue: Secret }
  | {
      readonly check: 'signed';
      /** The signer's key. */
      readonly key: ObjectBlob;
      /** Has the observation asserted by its signer, in the TPM of that session. */
      readonly assert: (request: AssertionRequest, root: RootSession) => Promise<Signature>;
    };

/** Everything of a container that a pass needs; assembled from a state file or from a change that is not yet one. */
export interface PassPlan {
  readonly compiled: CompiledPolicy;
  readonly counter: CounterIdentity;
  readonly authority: PublicArea;
  readonly policyRef: Uint8Array;
  readonly signature: Signature;
  /** What the TPM said of the signature earlier in the same ceremony. */
  readonly ticket?: Ticket | null;
}

const approvalOf = (plan: PassPlan): ApprovedPolicy => ({
  digest: plan.compiled.digest,
  policyRef: plan.policyRef,
  signature: plan.signature,
});

/** Has the TPM check the signature of a plan ahead of the pass. @throws {ERR_TPM_RESPONSE} 0x2DB: not by the authority */
export const verifyPlan = (tpm: Tpm, plan: PassPlan): Promise<Ticket> =>
  verifyApproval(tpm, plan.authority, approvalOf(plan));

/** A pass under way. It owns what it has loaded, and flushes all of it when it is closed. */
export class PolicyPass implements AsyncDisposable {
  readonly root: RootSession;
  readonly #policy: Session;
  readonly #proved: FactorKind[] = [];
  /** Loaded ahead, by what it is for. */
  readonly #ahead = new Map<FactorKind | 'sealed', LoadedObject>();

  private constructor(root: RootSession, policy: Session) {
    this.root = root;
    this.#policy = policy;
  }

  static async begin(root: RootSession): Promise<PolicyPass> {
    const { tpm, session } = root;
    const policy = await startAuthSession(tpm, { kind: 'policy', sessions: [{ session, flags: { audit: true } }] });
    return new PolicyPass(root, policy);
  }

  /** The policy session; satisfied once {@link complete} has returned. */
  get policy(): Session {
    return this.#policy;
  }

  /** Loads an object before it is needed. A TPM without a resource manager has three slots, one of them for the parent. */
  async loadAhead(what: FactorKind | 'sealed', blob: ObjectBlob): Promise<void> {
    this.#ahead.set(what, await this.#load(blob));
  }

  #load(blob: ObjectBlob): Promise<LoadedObject> {
    const { tpm, srk, session } = this.root;
    return load(tpm, srk, blob, { auth: sessionAuth(session) });
  }

  /** Runs `use` with the object: the one that was loaded ahead, which stays, or one that is flushed afterwards. */
  async withObject<T>(
    what: FactorKind | 'sealed',
    blob: ObjectBlob,
    use: (object: LoadedObject) => Promise<T>,
  ): Promise<T> {
    const ahead = this.#ahead.get(what);
    if (ahead !== undefined && bytesEqual(ahead.name, nameOfBlob(blob))) return await use(ahead);
    await using object = await this.#load(blob);
    return await use(object);
  }

  /** Frees the slots of the factors that are proved. */
  async flushProved(): Promise<void> {
    for (const factor of this.#proved) {
      const ahead = this.#ahead.get(factor);
      this.#ahead.delete(factor);
      await ahead?.close();
    }
  }

  /**
   * Proves the next factor. The session's own nonce is in every assertion: otherwise somebody between us and the TPM puts
   * a session of his own under our handle and collects the factors.
   * @param sealedName of the object that the session is to open
   * @param grant shown to the signers of observations
   * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_LOCKED_OUT} a wrong PIN or key
   */
  async prove(
    factor: FactorKind,
    proof: FactorProof,
    containerId: Uint8Array,
    sealedName: Uint8Array,
    grant: Grant | null = null,
  ): Promise<void> {
    const { tpm, session } = this.root;
    const policy = this.#policy;
    const { nonceTPM } = policy;
    if (proof.check === 'secret') {
      const auth = sessionAuth(session, proof.authValue);
      await this.withObject(factor, proof.blob, (object) => policySecret(tpm, policy, object, auth, { nonceTPM }));
    } else {
      const assertion = {
        nonceTPM,
        cpHashA: cpHashOf(TPM_CC.Unseal, [sealedName]),
        policyRef: assertReference(factor, containerId),
        expiration: ASSERTION_SECONDS,
      };
      const signature = await proof.assert({ grant, nonceTPM, sealedName }, this.root);
      await this.withObject(factor, proof.key, (key) => policySigned(tpm, policy, key, signature, assertion));
    }
    this.#proved.push(factor);
  }

  /** Whether what is proved so far is how this branch of the plan begins. */
  leadsTo(plan: PassPlan, branchFactors: readonly FactorKind[]): boolean {
    const { factors } = branchOf(plan, branchFactors);
    return this.#proved.every((factor, i) => factors[i] === factor);
  }

  /**
   * Proves what is missing of a branch and closes the policy.
   * @param grant shown to the signers of observations
   * @throws {ERR_GRANT_INVALID} there is no such branch, or no proof of one of its factors
   * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_LOCKED_OUT} a wrong PIN or key
   * @throws {ERR_TPM_RESPONSE} 0x126 the policy is revoked, 0x2DB not signed by the authority, 0x1C4 not this policy
   */
  async complete(
    plan: PassPlan,
    branchFactors: readonly FactorKind[],
    proofs: ReadonlyMap<FactorKind, FactorProof>,
    sealedName: Uint8Array,
    grant: Grant | null = null,
  ): Promise<void> {
    const { tpm } = this.root;
    const branch = branchOf(plan, branchFactors);
    for (const factor of branch.factors.slice(this.#proved.length)) {
      const proof = proofs.get(factor);
      if (proof === undefined) throw new UnlockdError('ERR_GRANT_INVALID', `no proof of ${factor}`);
      await this.prove(factor, proof, plan.counter.containerId, sealedName, grant);
    }
    for (const digests of branch.orPath) await policyOr(tpm, this.#policy, digests);
    const operand = epochOperand(plan.compiled.n);
    await policyNv(tpm, this.#policy, writtenCounter(plan.counter), emptyAuth, operand, TPM_EO.UNSIGNED_LE);
    await authorizePolicy(tpm, this.#policy, plan.authority, approvalOf(plan), plan.ticket);
  }

  /** Flushes what is loaded. Idempotent. */
  async close(): Promise<void> {
    const ahead = [...this.#ahead.values()];
    this.#ahead.clear();
    for (const object of ahead) await object.close();
    await this.#policy.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * The branch that the factors of a grant satisfy: their own, or one that asks for fewer of them. The policy tells branches
 * apart by time windows and rules that the TPM knows nothing of, so of those only the smallest sets are compiled.
 */
function branchOf(plan: PassPlan, factors: readonly FactorKind[]): CompiledBranch {
  const satisfied = plan.compiled.branches.filter((compiled) => compiled.factors.every((f) => factors.includes(f)));
  const branch = satisfied.find((compiled) => compiled.factors.length === factors.length) ?? satisfied[0];
  if (branch !== undefined) return branch;
  throw new UnlockdError('ERR_GRANT_INVALID', `the policy has no branch ${factors.join(' + ')}`);
}

/**
 * A whole pass at once.
 * @param sealedName the Name of the object that the session is to open: assertions are made for it alone
 * @returns a policy session that is satisfied; the caller closes it
 * @throws as {@link PolicyPass.complete}
 */
export async function satisfyPolicy(
  root: RootSession,
  plan: PassPlan,
  branchFactors: readonly FactorKind[],
  proofs: ReadonlyMap<FactorKind, FactorProof>,
  sealedName: Uint8Array,
  grant: Grant | null = null,
): Promise<Session> {
  branchOf(plan, branchFactors);
  const pass = await PolicyPass.begin(root);
  try {
    await pass.complete(plan, branchFactors, proofs, sealedName, grant);
    return pass.policy;
  } catch (error) {
    await pass.close();
    throw error;
  }
}
