/**
 * Making a container for a user, from the first prompt to the moved counter: what `enrol` and `recover` have in common.
 * Everything is asked and shown before the state file is written; until then there is only an intent, and what it names
 * is freed again when the ceremony ends otherwise.
 */
import { seconds } from '../../../drivers/base/brand.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { commit, revoke } from '../../container/change.ts';
import { newContainerId, prepareContainer } from '../../container/enrolment.ts';
import type { FactorProof } from '../../container/pass.ts';
import type { Records } from '../../container/records.ts';
import { UNLOCK_CONTEXT } from '../../container/references.ts';
import { signersFor } from '../../container/signers.ts';
import type { Biometric, ContainerState, MachineState } from '../../container/state.ts';
import { enforcedSets } from '../../policy/branches.ts';
import { parseDocument } from '../../policy/forms/native-json.ts';
import { contextsOf, policyFor } from '../../policy/model.ts';
import { factorsIn } from '../../policy/requirement.ts';
import { opensWith, weakest } from '../../policy/words.ts';
import { knownBiometrics, requireMatch, verifyBiometric } from '../biometrics.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import {
  type CurrentPolicy,
  currentPolicy,
  enrolledFactors,
  provableBranches,
  SECRET_FACTORS,
  type SecretFactor,
  secretFactorsOf,
} from '../context.ts';
import { clearIntent } from '../leftovers.ts';
import { LookAround } from '../look-around.ts';
import { createKeyGroup, enrolKey, firstKeyGroup, type NewKeyGroup } from '../new-key.ts';
import { askNewPin, createPin, type NewPin, requireUnused } from '../new-pin.ts';
import { observedProofs } from '../observed-proofs.ts';
import type { ServiceParts } from '../parts.ts';
import { requireNoLockout, triesOf } from '../pin-check.ts';
import { decisionOfEnrolment, doorOfEnrolment } from '../rehearsal.ts';
import { showSheet } from '../sheets.ts';

/** A page of a phone that is away takes five seconds, and one that is missed is repeated. */
const LOOK_WITHIN = seconds(12);

export interface CreateParts {
  readonly machine: MachineState;
  readonly uid: number;
  /** Carried over from the container that is replaced. */
  readonly records: Records;
  readonly creatable: Creatable;
}

/**
 * The machine's policy as the ceremony has found it, once: what is asked for is what the container is sealed to. Until it
 * is disposed, the phones that the policy wants are looked at.
 */
export interface Creatable extends Disposable {
  readonly policy: CurrentPolicy;
  /** The factors that it wants enrolled. */
  readonly wanted: readonly SecretFactor[];
  /** The fingers and faces that it takes and the reader knows. */
  readonly biometrics: readonly Biometric[];
}

export interface Created {
  readonly state: ContainerState;
  readonly result: Readonly<Record<string, unknown>>;
}

function isDenied(decide: () => unknown): boolean {
  try {
    decide();
    return false;
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_POLICY_DENIED')) throw error;
    return true;
  }
}

/** Whatever was gathered is disposed with it. */
interface Gathered extends Disposable {
  readonly pin: NewPin | null;
  readonly keys: NewKeyGroup | null;
  /** Those that were recognised. */
  readonly biometrics: readonly Biometric[];
  readonly sheet: Secret;
}

/**
 * What cannot be is refused here, before anybody has typed or touched anything for nothing.
 * @throws {ERR_POLICY_NO_BRANCH | ERR_POLICY_ASSERTED_BRANCH | ERR_TPM_LOCKED_OUT}
 * @throws {ERR_POLICY_DENIED} it takes a phone or a network that is not here: the rehearsal would fail
 */
export async function requireCreatable(
  parts: ServiceParts,
  machine: MachineState,
  uid: number,
  signal: AbortSignal,
): Promise<Creatable> {
  const policy = await currentPolicy(parts);
  const document = parseDocument(policy.document);
  const wanted = SECRET_FACTORS.filter((factor) =>
    contextsOf(document).some((context) => secretFactorsOf(policyFor(document, context)).includes(factor)),
  );
  const policies = contextsOf(document).map((context) => policyFor(document, context));
  const biometrics = await knownBiometrics(parts, policies, parts.userName(uid), signal);
  const factors = [...wanted, ...biometrics];
  provableBranches(policy.policy, factors, machine);
  const looking = new LookAround(parts, uid);
  try {
    const decide = () => decisionOfEnrolment(parts, machine, policy.policy, uid, factors);
    const needsPhone = factorsIn(policy.policy.require).includes('phone');
    if (needsPhone && looking.begin(['bluetooth'])) {
      await looking.until(() => !isDenied(decide), { within: LOOK_WITHIN, signal });
    }
    decide();
    if (wanted.includes('pin')) await requireNoLockout(parts, signal);
  } catch (error) {
    looking[Symbol.dispose]();
    throw error;
  }
  return { policy, wanted, biometrics, [Symbol.dispose]: () => looking[Symbol.dispose]() };
}

/** What the reader recognises now; what it does not is told, and the container is made without it. */
async function recognised(
  parts: ServiceParts,
  run: CeremonyRun,
  biometrics: readonly Biometric[],
): Promise<readonly Biometric[]> {
  const found: Biometric[] = [];
  for (const modality of biometrics) {
    try {
      requireMatch(modality, await verifyBiometric(parts, run, modality, run.signal));
      found.push(modality);
    } catch (error) {
      if (!isUnlockdError(error, 'ERR_BIOMETRIC_NOT_VERIFIED', 'ERR_BIOMETRIC_UNAVAILABLE')) throw error;
      run.refused(error);
    }
  }
  return found;
}

async function gather(
  parts: ServiceParts,
  run: CeremonyRun,
  create: CreateParts,
  containerId: Uint8Array,
): Promise<Gathered> {
  const { wanted } = create.creatable;
  const { policy } = create.creatable.policy;
  let pin: NewPin | null = null;
  let keys: NewKeyGroup | null = null;
  try {
    if (wanted.includes('pin')) {
      pin = await askNewPin(parts, run, policy.pin);
      await requireUnused(pin, create.records.pinHistory, policy.pin, null);
    }
    if (wanted.includes('securityKey')) {
      using key = await enrolKey(parts, run, containerId, policy.securityKey.userVerification);
      keys = firstKeyGroup(parts, containerId, key);
    }
    const biometrics = await recognised(parts, run, create.creatable.biometrics);
    const text = 'Recovery sheet: it opens the container without PIN and key. Keep it apart from the machine.';
    const sheet = await showSheet(parts, run, 'recovery-sheet', text);
    const dispose = () => {
      pin?.[Symbol.dispose]();
      keys?.[Symbol.dispose]();
      sheet.dispose();
    };
    return { pin, keys, biometrics, sheet, [Symbol.dispose]: dispose };
  } catch (error) {
    pin?.[Symbol.dispose]();
    keys?.[Symbol.dispose]();
    throw error;
  }
}

function proofsOf(gathered: Gathered, factors: ContainerState['factors']): Map<FactorKind, FactorProof> {
  const proofs = new Map<FactorKind, FactorProof>();
  if (gathered.pin && factors.pin) {
    proofs.set('pin', { check: 'secret', blob: factors.pin.blob, authValue: gathered.pin.authValue });
  }
  if (gathered.keys && factors.securityKey) {
    proofs.set('securityKey', { check: 'secret', blob: factors.securityKey.blob, authValue: gathered.keys.authValue });
  }
  return proofs;
}

/** @throws nothing has changed, but for an intent that the next start clears */
export async function createContainer(parts: ServiceParts, run: CeremonyRun, create: CreateParts): Promise<Created> {
  const { machine, uid } = create;
  const containerId = newContainerId(parts.entropy);
  using gathered = await gather(parts, run, create, containerId);
  const { version, document, policy } = create.creatable.policy;
  // What an earlier attempt left behind would lose its name when this one writes its own.
  await clearIntent(parts, uid, 'intent', run.signal);
  run.emit({ type: 'progress', step: 'making the objects in the TPM' });
  const created = await parts.tpm.withRoot(run.signal, machine, async (root) => {
    const factors: ContainerState['factors'] = {
      pin: gathered.pin ? await createPin(parts, root, gathered.pin) : null,
      securityKey: gathered.keys ? await createKeyGroup(parts, root, gathered.keys) : null,
    };
    const { biometrics } = gathered;
    const kinds = enrolledFactors({ factors, biometrics });
    const branches = provableBranches(policy, kinds, machine);
    const records: Records = {
      ...create.records,
      wrapKeys: gathered.keys?.wrapKeys ?? [],
    };
    const enforced = enforcedSets(branches);
    const signers = await signersFor(root, parts.entropy, enforced.flat(), [], parts.simulated);
    using door = doorOfEnrolment(decisionOfEnrolment(parts, machine, policy, uid, kinds), containerId, parts.clock);
    const prepared = await prepareContainer(
      {
        root,
        clock: parts.clock,
        entropy: parts.entropy,
        machine,
        uid,
        containerId,
        factors,
        biometrics,
        signers,
        proofs: proofsOf(gathered, factors),
        policy: { version, document, branches: enforced },
        records,
        sheet: gathered.sheet,
        writeIntent: (intent) => parts.store.writeIntent(uid, 'intent', intent),
      },
      (plan, proofs, sealed) => {
        const observed = observedProofs(
          parts,
          { containerId, uid, sealed: [{ context: UNLOCK_CONTEXT, blob: sealed }] },
          signers,
        );
        return door.release({ root, plan, proofs: new Map([...proofs, ...observed]), sealed });
      },
    );
    try {
      await commit(() => parts.store.writeContainer(prepared.state));
    } catch (error) {
      // Only when the state is certainly not in place may its counter go.
      if (!isUnlockdError(error, 'ERR_CHANGE_NOT_REVOKED') && (await afterwards(() => prepared.abandon(root)))) {
        await afterwards(() => parts.store.removeIntent(uid, 'intent'));
      }
      throw error;
    }
    await revoke(() => prepared.finish(root));
    return { state: prepared.state, branches };
  });
  await afterwards(() => parts.store.removeIntent(uid, 'intent'));
  await triesOf(parts, uid).succeeded();
  const { state, branches } = created;
  const result = {
    uid,
    state: state.policy === null ? 'pending-signature' : 'locked',
    strength: weakest(branches),
    opensWith: opensWith(branches),
    securityKey: gathered.keys?.credentials[0]?.label ?? null,
  };
  return { state, result };
}

/**
 * Tidying up after what counts is done or has failed already: a failure here is no failure of the ceremony, and the
 * next start does it again.
 * @returns whether it was done
 */
export async function afterwards(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return false;
  }
}
