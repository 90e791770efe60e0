/**
 * The local signer of observations (PolicySigned, Part 3 §23.3): a signing key of this TPM for each kind of factor that
 * is only seen, not proved. aHash = H(nonceTPM ‖ expiration ‖ cpHashA ‖ policyRef) has no length fields, so a caller who
 * may choose them gets a signature that reads a second way. Here the caller chooses none of them.
 */

import type { Milliseconds, MonotonicMs } from '../../drivers/base/brand.ts';
import { bytesEqual } from '../../drivers/base/bytes.ts';
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
import { nameOfBlob } from './objects.ts';
import { ASSERTION_SECONDS, type AssertionRequest } from './pass.ts';
import { assertReference, CONTAINER_ID_BYTES } from './references.ts';
import type { RootSession } from './root.ts';

/** Bytes of nonceTPM of the sessions that the product starts: with any other length the signature could read otherwise. */
const NONCE_TPM_BYTES = 32;

/** What the signer has stored of a container: the only objects that its assertions are good for. */
export interface AssertedContainer {
  readonly containerId: Uint8Array;
  readonly sealed: readonly ObjectBlob[];
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

/** One factor as it was observed: a gesture's signal, or what a rule has made of the surroundings. */
export interface FactorObservation {
  readonly factor: FactorKind;
  readonly state: 'satisfied' | 'unsatisfied' | 'unavailable';
  readonly observedAt: MonotonicMs;
  readonly validFor: Milliseconds;
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
   * @throws {ERR_ASSERTION_REFUSED} the observation does not satisfy, the nonce is not of a session of ours, or the
   *   object is not one that is stored for this container
   * @throws {ERR_TPM_AUTH_FAILED | ERR_TPM_RESPONSE} the TPM does not sign
   */
  async assertObservation(
    observation: FactorObservation,
    container: AssertedContainer,
    request: AssertionRequest,
  ): Promise<Signature> {
    const { kind, root, key: blob, authValue } = this.#parts;
    this.#checkObservation(observation);
    if (container.containerId.length !== CONTAINER_ID_BYTES) throw refuse(kind, 'that is no container id');
    if (request.nonceTPM.length !== NONCE_TPM_BYTES) throw refuse(kind, `nonceTPM is not ${NONCE_TPM_BYTES} bytes`);
    const sealedName = container.sealed.map(nameOfBlob).find((name) => bytesEqual(name, request.sealedName));
    if (sealedName === undefined) throw refuse(kind, 'the object is not one of this container');
    const hash = signedAssertionHash({
      nonceTPM: request.nonceTPM,
      expiration: ASSERTION_SECONDS,
      cpHashA: cpHashOf(TPM_CC.Unseal, [sealedName]),
      policyRef: assertReference(kind, container.containerId),
    });
    await using key = await load(root.tpm, root.srk, blob, { auth: sessionAuth(root.session) });
    return await sign(root.tpm, key, hash, sessionAuth(root.session, authValue));
  }

  #checkObservation(observation: FactorObservation): void {
    const { kind, clock, simulated } = this.#parts;
    if (observation.factor !== kind) throw refuse(kind, `that is an observation of ${observation.factor}`);
    if (observation.state !== 'satisfied') throw refuse(kind, 'the observation does not satisfy');
    if (observation.simulated !== simulated) throw refuse(kind, 'a simulated observation and a real one never mix');
    const age = clock.now() - observation.observedAt;
    if (!(age >= 0 && age <= observation.validFor)) throw refuse(kind, 'the observation is stale');
  }
}
