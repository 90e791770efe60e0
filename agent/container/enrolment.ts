/**
 * A new container: authority, counter, factors and sealed keys are made, the policy is signed and the whole unlock
 * rehearsed before the first state file is written. Recovery takes the same way, with the records of the old container.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import type { Entropy } from '../../drivers/base/entropy.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { closeAtScopeEnd } from '../../drivers/base/scope-end.ts';
import { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import {
  decodePublicArea,
  encodePublicArea,
  externalKey,
  nameOf,
  type ObjectBlob,
  type PublicArea,
  policyAuthorizeDigest,
} from '../../drivers/tpm2/index.ts';
import { LocalAuthority } from './authority/local-authority.ts';
import { statementOf, type Unsealer } from './change.ts';
import { recoveryPublicKey, sealRecoveryKey } from './context-recovery.ts';
import {
  bumpCounter,
  type CounterIdentity,
  counterPublicArea,
  defineCounter,
  firstWrite,
  freeCounterIndex,
  readCounter,
  undefineCounter,
} from './counter.ts';
import { createSealed, createSigningKey } from './objects.ts';
import type { FactorProof } from './pass.ts';
import { fromSignature, planOf, toSignature } from './plan.ts';
import { type Records, sealRecords } from './records.ts';
import { wrapForRecovery } from './recovery.ts';
import { CHANGE_CONTEXT, policyReference, UNLOCK_CONTEXT } from './references.ts';
import type { RootSession } from './root.ts';
import type { ContainerState, EnrolmentIntent, MachineState, PolicyState } from './state.ts';

export interface EnrolmentParts {
  readonly root: RootSession;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly machine: MachineState;
  readonly uid: number;
  readonly containerId: Uint8Array;
  readonly factors: ContainerState['factors'];
  /** What a reader recognised of the user just now; left out: nothing. */
  readonly biometrics?: ContainerState['biometrics'];
  /** Of the factors that the policy only observes; left out: none. */
  readonly signers?: ContainerState['signers'];
  readonly proofs: ReadonlyMap<FactorKind, FactorProof>;
  readonly policy: Pick<PolicyState, 'version' | 'document' | 'branches'>;
  readonly records: Records;
  /** The secret of the recovery sheet that was shown. */
  readonly sheet: Secret;
  /** Written durably before the TPM is asked to define anything. */
  readonly writeIntent: (intent: EnrolmentIntent) => Promise<void>;
}

/** A container that is whole in memory and in the TPM, and not yet on disk. */
export interface PreparedContainer {
  readonly state: ContainerState;
  /** Moves the counter to the policy's number: to be called after the state was written. Managed: nothing to do yet. */
  readonly finish: (root: RootSession) => Promise<void>;
  /** Frees the counter again when the enrolment is given up. */
  readonly abandon: (root: RootSession) => Promise<void>;
}

interface AuthorityParts {
  readonly kind: 'this-machine' | 'managed';
  readonly area: PublicArea;
  readonly key: ObjectBlob | null;
  readonly authValue: Secret | null;
}

async function makeAuthority(parts: EnrolmentParts): Promise<AuthorityParts> {
  const managed = parts.machine.managedAuthority;
  if (managed) return { kind: 'managed', area: externalKey(managed.x, managed.y), key: null, authValue: null };
  const authValue = Secret.take(parts.entropy.bytes(32));
  const key = await createSigningKey(parts.root, authValue);
  return { kind: 'this-machine', area: decodePublicArea(key.publicArea), key, authValue };
}

/**
 * @param unseal opens a sealed object through a pass, for the rehearsal
 * @throws {ERR_TPM_NO_COUNTER_LEFT | ERR_TPM_OWNER_AUTH_SET | ERR_REHEARSAL_FAILED | ERR_AUTHORITY_REFUSED}
 */
export async function prepareContainer(parts: EnrolmentParts, unseal: Unsealer): Promise<PreparedContainer> {
  const { root, entropy, containerId } = parts;
  const authority = await makeAuthority(parts);
  using containerKey = Secret.take(entropy.bytes(32));
  try {
    const authorityName = nameOf(authority.area);
    const authPolicy = policyAuthorizeDigest(authorityName, policyReference(containerId, UNLOCK_CONTEXT));
    const sealedKey = await createSealed(root, authPolicy, containerKey);
    const changePolicy = policyAuthorizeDigest(authorityName, policyReference(containerId, CHANGE_CONTEXT));
    const sealedAuth = authority.authValue ? await createSealed(root, changePolicy, authority.authValue) : null;
    const index = await freeCounterIndex(root.tpm, entropy);
    const counter: CounterIdentity = { index, containerId, authority: authority.area, authorityName };
    const publicArea = encodePublicArea(authority.area);
    await parts.writeIntent({ containerId, counterIndex: index, authority: publicArea });
    await defineCounter(root, counter);
    try {
      const unsigned: ContainerState = {
        containerId,
        uid: parts.uid,
        createdAt: parts.clock.wall(),
        rootName: parts.machine.rootName,
        authority: { kind: authority.kind, publicArea, key: authority.key, sealedAuth, change: null },
        counterIndex: index,
        highestSigned: 0,
        sealedKey,
        contexts: [],
        policy: null,
        factors: parts.factors,
        biometrics: parts.biometrics ?? [],
        signers: parts.signers ?? [],
        records: sealRecords(containerKey, containerId, parts.records, entropy),
        recovery: {
          generation: 1,
          publicKey: sealRecoveryKey(containerKey, containerId, recoveryPublicKey(parts.sheet, containerId), entropy),
          issuedAt: parts.clock.wall(),
          wrap: wrapForRecovery(
            parts.sheet,
            containerId,
            1,
            { containerKey, authorityAuth: authority.authValue },
            entropy,
          ),
        },
      };
      const abandon = (later: RootSession) => undefineCounter(later.tpm, counter);
      if (authority.key === null || authority.authValue === null) {
        return { state: unsigned, finish: async () => undefined, abandon };
      }
      const signer = new LocalAuthority(root, authority.key, authorityName, authority.authValue);
      const state = await signFirstPolicy(parts, unsigned, signer, counter);
      using opened = await unseal(planOf(state), parts.proofs, sealedKey);
      if (!opened.equals(containerKey)) {
        throw new UnlockdError('ERR_REHEARSAL_FAILED', 'the new container opens to something else');
      }
      return { state, finish: (later) => moveToPolicy(later, counter, state), abandon };
    } catch (error) {
      // The intent names it: what cannot be freed now is freed by the next start, and this error is the one that counts.
      await closeAtScopeEnd(() => undefineCounter(root.tpm, counter));
      throw error;
    }
  } finally {
    authority.authValue?.dispose();
  }
}

async function signFirstPolicy(
  parts: EnrolmentParts,
  unsigned: ContainerState,
  signer: LocalAuthority,
  counter: CounterIdentity,
): Promise<ContainerState> {
  const { root } = parts;
  await firstWrite(root, counter, await signer.approveFirstWrite(counterPublicArea(counter), counter.containerId));
  const value = await readCounter(root, counter);
  const n = value + 1;
  const { branches } = parts.policy;
  const approval = await signer.approve(statementOf(unsigned, parts, value, n));
  const change = await signer.approvePolicy(statementOf(unsigned, parts, value, n, CHANGE_CONTEXT, branches));
  return {
    ...unsigned,
    authority: { ...unsigned.authority, change: { branches, signature: fromSignature(change) } },
    highestSigned: n,
    policy: { ...parts.policy, n, signature: fromSignature(approval.policy), bump: fromSignature(approval.bump) },
  };
}

async function moveToPolicy(root: RootSession, counter: CounterIdentity, state: ContainerState): Promise<void> {
  if (state.policy === null) return;
  const { bump, n } = state.policy;
  await bumpCounter(root, counter, n, toSignature(bump));
}

/** A container id is random: a container made anew is another one, also for the same user. */
export const newContainerId = (entropy: Entropy): Uint8Array => entropy.bytes(16);
