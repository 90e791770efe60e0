/**
 * The local signer of observations (PolicySigned, Part 3 §23.3): a signing key of this TPM for each kind of factor that
 * is only seen, not proved. aHash = H(nonceTPM ‖ expiration ‖ cpHashA ‖ policyRef) has no length fields, so a caller who
 * may choose them gets a signature that reads a second way. Here the caller chooses none of them.
 */
import { bytesEqual, toHex } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import {
  cpHashOf,
  load,
  type ObjectBlob,
  type Signature,
  sessionAuth,
  sign,
  signedAssertionHash,
  TPM_CC,
} from '../../drivers/tpm2/index.ts';
import { Grant } from '../policy/grant.ts';
import { observedIn } from '../policy/observed.ts';
import { nameOfBlob } from './objects.ts';
import { ASSERTION_SECONDS, type AssertionRequest } from './pass.ts';
import { assertReference, CONTAINER_ID_BYTES, type SealedContext } from './references.ts';
import type { RootSession } from './root.ts';

/** Bytes of nonceTPM of the sessions that the product starts: with any other length the signature could read otherwise. */
const NONCE_TPM_BYTES = 32;

/** What the signer has stored of a container: the only objects that its assertions are good for. */
export interface AssertedContainer {
  readonly containerId: Uint8Array;
  /** Whose it is. */
  readonly uid: number;
  readonly sealed: readonly SealedObject[];
}

/** A sealed object, and the context by whose approval it opens. */
export interface SealedObject {
  readonly context: SealedContext;
  readonly blob: ObjectBlob;
}

export interface SignerParts {
  readonly root: RootSession;
  readonly clock: Clock;
  readonly kind: FactorKind;
  /** The signing key of this kind; simulated machines have keys of their own. */
  readonly key: ObjectBlob;
  /** Of the key; stays the caller's. */
  readonly authValue: Secret;
  /** True for the signer of a simulated machine: it asserts simulated observations, and no others. */
  readonly simulated: boolean;
}

const refuse = (kind: FactorKind, reason: string): UnlockdError =>
  new UnlockdError('ERR_ASSERTION_REFUSED', `${kind} is not asserted: ${reason}`, { detail: { factor: kind } });

export class ObservationSigner {
  readonly #parts: SignerParts;

  /** @throws {ERR_ASSERTION_REFUSED} for a factor that is proved and never asserted */
  constructor(parts: SignerParts) {
    if (parts.kind === 'pin' || parts.kind === 'securityKey') throw refuse(parts.kind, 'it has to be proved');
    this.#parts = parts;
  }

  /** The blob whose Name stands in the policy. */
  get key(): ObjectBlob {
    return this.#parts.key;
  }

  /**
   * Asserts what was observed, for one policy session and one sealed object of one container, for
   * {@link ASSERTION_SECONDS} seconds.
   * @param request with a grant by a branch with this factor, for this container, by which a door was opened
   * @throws {ERR_ASSERTION_REFUSED} the grant is none, opened no door, is of another container or of a branch without this
   *   factor; the
   *   observation does not hold any more; the nonce is not of a session of ours; the object is not one of this container, or of
   *   another context than the grant
   * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_RESPONSE} the TPM does not sign
   */
  async assertObservation(container: AssertedContainer, request: AssertionRequest): Promise<Signature> {
    const { kind, root, key: blob, authValue } = this.#parts;
    this.#checkGrant(request.grant, container);
    if (request.nonceTPM.length !== NONCE_TPM_BYTES) throw refuse(kind, `nonceTPM is not ${NONCE_TPM_BYTES} bytes`);
    const { sealedName } = request;
    const sealed = container.sealed.find(({ blob }) => bytesEqual(nameOfBlob(blob), sealedName));
    if (sealed === undefined) throw refuse(kind, 'the object is not one of this container');
    // A factor is one factor to the TPM, whatever the rules of a context are: only the grant tells them apart.
    if (sealed.context !== request.grant?.context.context) throw refuse(kind, 'the grant is for another context');
    const hash = signedAssertionHash({
      nonceTPM: request.nonceTPM,
      expiration: ASSERTION_SECONDS,
      cpHashA: cpHashOf(TPM_CC.Unseal, [sealedName]),
      policyRef: assertReference(kind, container.containerId),
    });
    await using key = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
    return await sign(root.tpm, key, hash, sessionAuth(root.session, authValue));
  }

  #checkGrant(grant: Grant | null, { containerId, uid }: AssertedContainer): void {
    const { kind, clock, simulated } = this.#parts;
    if (containerId.length !== CONTAINER_ID_BYTES) throw refuse(kind, 'that is no container id');
    if (!Grant.isGrant(grant)) throw refuse(kind, 'nothing was granted');
    // The door spends it and looks at its age first: what was never shown there could be kept and shown here again and again.
    if (!grant.spent) throw refuse(kind, 'the grant has opened no door');
    if (grant.context.container !== toHex(containerId)) throw refuse(kind, 'the grant is for another container');
    const observed = observedIn(grant.decision, kind, clock.now());
    if (observed === null) throw refuse(kind, 'the grant does not rest on it, or it does not hold any more');
    if (observed.user !== uid) throw refuse(kind, 'it was observed for another user');
    if (observed.signals.some((signal) => signal.simulated !== simulated))
      throw refuse(kind, 'a simulated observation and a real one never mix');
  }
}
