/**
 * A container with every kind of branch, made of the same parts as an enrolled one: a PIN and a security key that are
 * proved, a fingerprint, a face and a phone that are asserted by signers of this TPM, for grants of a policy that says so.
 */
import { LocalAuthority } from '../../../agent/container/authority/local-authority.ts';
import { compileStatement, type FactorClaim } from '../../../agent/container/authority/statement.ts';
import {
  bumpCounter,
  type CounterIdentity,
  counterPublicArea,
  defineCounter,
  firstWrite,
  freeCounterIndex,
  readCounter,
} from '../../../agent/container/counter.ts';
import { createFactor, createSealed, createSigningKey, nameOfBlob } from '../../../agent/container/objects.ts';
import type { FactorProof, PassPlan } from '../../../agent/container/pass.ts';
import { policyReference, type SealedContext, UNLOCK_CONTEXT } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import { type AssertedContainer, ObservationSigner } from '../../../agent/container/signer.ts';
import { evaluate } from '../../../agent/policy/evaluate.ts';
import { type Grant, grantFor } from '../../../agent/policy/grant.ts';
import { monotonicMs } from '../../../drivers/base/brand.ts';
import { toHex } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import {
  decodePublicArea,
  type ObjectBlob,
  policyAuthorizeDigest,
  type Signature,
} from '../../../drivers/tpm2/index.ts';
import { policyOf, satisfied, snapshotOf, USER } from '../policy-fixtures.ts';

/** "(PIN or fingerprint or face) and (phone or PIN or security key)". */
export const EIGHT_BRANCHES: readonly (readonly FactorKind[])[] = [
  ['phone', 'pin'],
  ['securityKey', 'pin'],
  ['fingerprint', 'phone'],
  ['fingerprint', 'pin'],
  ['fingerprint', 'securityKey'],
  ['face', 'phone'],
  ['face', 'pin'],
  ['face', 'securityKey'],
];

export interface ObservedContainer {
  readonly containerId: Uint8Array;
  readonly blobs: ReadonlyMap<FactorKind, ObjectBlob>;
  readonly auth: ReadonlyMap<FactorKind, Secret>;
  readonly claims: readonly FactorClaim[];
  readonly authorityKey: ObjectBlob;
  readonly authorityAuth: Secret;
  readonly counter: CounterIdentity;
  readonly sealed: ObjectBlob;
  /** Another object under the same authPolicy: the one that holds the authority's authValue in an enrolled container. */
  readonly sibling: ObjectBlob;
  readonly secret: Secret;
  readonly plan: PassPlan;
  readonly bump: Signature;
}

const ASSERTED: readonly FactorKind[] = ['fingerprint', 'face', 'phone'];

export async function makeObserved(
  root: RootSession,
  branches: readonly (readonly FactorKind[])[] = EIGHT_BRANCHES,
): Promise<ObservedContainer> {
  const containerId = systemEntropy.bytes(16);
  const random = () => Secret.take(systemEntropy.bytes(31));
  const auth = new Map<FactorKind, Secret>();
  const blobs = new Map<FactorKind, ObjectBlob>();
  for (const factor of ['pin', 'securityKey', ...ASSERTED] as const) {
    const value = random();
    auth.set(factor, value);
    const asserted = ASSERTED.includes(factor);
    blobs.set(
      factor,
      asserted ? await createSigningKey(root, value) : await createFactor(root, factor, value, systemEntropy),
    );
  }
  const claims = [...blobs].map(
    ([factor, { publicArea }]): FactorClaim => ({
      factor,
      publicArea,
      check: ASSERTED.includes(factor) ? 'signed' : 'secret',
    }),
  );
  const authorityAuth = random();
  const authorityKey = await createSigningKey(root, authorityAuth);
  const authorityName = nameOfBlob(authorityKey);
  const area = decodePublicArea(authorityKey.publicArea);
  const index = await freeCounterIndex(root.tpm, systemEntropy);
  const counter: CounterIdentity = { index, containerId, authority: area, authorityName };
  const policyRef = policyReference(containerId, UNLOCK_CONTEXT);
  const authPolicy = policyAuthorizeDigest(authorityName, policyRef);
  const secret = random();
  const sealed = await createSealed(root, authPolicy, secret);
  const sibling = await createSealed(root, authPolicy, authorityAuth);
  const authority = new LocalAuthority(root, authorityKey, authorityName, authorityAuth);
  await defineCounter(root, counter);
  await firstWrite(root, counter, await authority.approveFirstWrite(counterPublicArea(counter), containerId));
  const counterValue = await readCounter(root, counter);
  const statement = {
    containerId,
    context: UNLOCK_CONTEXT,
    factors: claims,
    branches,
    closing: { counter: counterPublicArea(counter), counterValue, n: counterValue + 1 },
    highestSigned: 0,
  };
  const { compiled } = compileStatement(statement, authorityName);
  const approval = await authority.approve(statement);
  await bumpCounter(root, counter, counterValue + 1, approval.bump);
  const plan: PassPlan = { compiled, counter, authority: area, policyRef, signature: approval.policy };
  const bump = approval.bump;
  return {
    containerId,
    blobs,
    auth,
    claims,
    authorityKey,
    authorityAuth,
    counter,
    sealed,
    sibling,
    secret,
    plan,
    bump,
  };
}

export const blobOf = (container: ObservedContainer, factor: FactorKind): ObjectBlob => {
  const blob = container.blobs.get(factor);
  if (blob === undefined) throw new Error(`no object of ${factor}`);
  return blob;
};

export const authOf = (container: ObservedContainer, factor: FactorKind): Secret => {
  const value = container.auth.get(factor);
  if (value === undefined) throw new Error(`no value of ${factor}`);
  return value;
};

/** The policy of {@link EIGHT_BRANCHES}. */
const POLICY = policyOf(['pin', 'fingerprint', 'face'], ['phone', 'pin', 'securityKey']);

export interface SeenMore {
  readonly simulated?: boolean;
  /** Milliseconds since it was observed, and since the grant. */
  readonly ageMs?: number;
  /** For whom the decision is made. */
  readonly user?: number;
  readonly containerId?: Uint8Array;
  readonly context?: SealedContext;
  /** False: it has opened no door. */
  readonly spent?: boolean;
}

/** A grant by a branch of these factors, observed and decided just now, as the door of the release room leaves it. */
export function grantBy(container: ObservedContainer, factors: readonly FactorKind[], more: SeenMore = {}): Grant {
  const { ageMs = 0, simulated = false, user = USER, containerId = container.containerId } = more;
  const { context = UNLOCK_CONTEXT, spent = true } = more;
  const now = monotonicMs(systemClock.now() - ageMs);
  const snapshot = snapshotOf(...factors.map((factor) => satisfied(factor, { observedAt: now, simulated })));
  const decision = evaluate(POLICY, snapshot, now, { machineSimulated: simulated, pinIsBound: true, user });
  const grant = grantFor(decision, { container: toHex(containerId), context });
  if (spent) grant.spend();
  return grant;
}

/** A grant that rests on this factor, and on another one that goes with it. */
export const seen = (container: ObservedContainer, factor: FactorKind, more: SeenMore = {}): Grant =>
  grantBy(container, [factor, factor === 'phone' ? 'pin' : 'securityKey'], more);

/** What a signer has stored of it. */
export const storedOf = ({ containerId, sealed, sibling }: ObservedContainer): AssertedContainer => ({
  containerId,
  uid: USER,
  sealed: [sealed, sibling].map((blob) => ({ context: UNLOCK_CONTEXT, blob })),
});

export function signerOf(root: RootSession, container: ObservedContainer, kind: FactorKind): ObservationSigner {
  const key = blobOf(container, kind);
  const authValue = authOf(container, kind);
  return new ObservationSigner({ root, clock: systemClock, kind, key, authValue, simulated: false });
}

/** What the rightful user has: all factors, the observed ones through their signers. */
export function observedProofs(
  root: RootSession,
  container: ObservedContainer,
  factors: readonly FactorKind[],
): Map<FactorKind, FactorProof> {
  const stored = storedOf(container);
  return new Map(
    factors.map((factor): [FactorKind, FactorProof] => {
      if (!ASSERTED.includes(factor)) {
        const authValue = authOf(container, factor);
        return [factor, { check: 'secret', blob: blobOf(container, factor), authValue }];
      }
      const signer = signerOf(root, container, factor);
      const assert: Extract<FactorProof, { check: 'signed' }>['assert'] = (request) =>
        signer.assertObservation(stored, { ...request, grant: seen(container, factor) });
      return [factor, { check: 'signed', key: signer.key, assert }];
    }),
  );
}
