/**
 * `biometric add` and `remove`: what the reader says of the caller counts for the container from now on, or no more. The
 * container is sealed to other branches then, by the one protocol of changes.
 */
import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { Draft } from '../../container/change.ts';
import { policyOf } from '../../container/plan.ts';
import type { RootSession } from '../../container/root.ts';
import { signersFor } from '../../container/signers.ts';
import type { Biometric, ContainerState, MachineState } from '../../container/state.ts';
import { enforcedSets } from '../../policy/branches.ts';
import { biometricsIn, requireMatch, verifyBiometric } from '../biometrics.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { type Collected, collectFactors } from '../collect.ts';
import {
  changePolicyOf,
  enrolledFactors,
  policyInForce,
  provableBranches,
  requireContainer,
  requireMachine,
  requireOwnAuthority,
} from '../context.ts';
import { observedProofsOf } from '../observed-proofs.ts';
import { changeOpenContainer, withOpenContainer } from '../open-container.ts';
import type { ServiceParts } from '../parts.ts';

type Branches = Draft['policy']['branches'];

async function draftWith(
  parts: ServiceParts,
  root: RootSession,
  state: ContainerState,
  collected: Collected,
  biometrics: readonly Biometric[],
  branches: Branches,
): Promise<Draft> {
  const { factors, records } = state;
  const { version, document } = policyOf(state);
  const observed = [...branches, ...state.contexts.flatMap((entry) => entry.branches)].flat();
  const made = await signersFor(root, parts.entropy, observed, state.signers, parts.simulated);
  // Nothing asserts what no branch asks for any more.
  const signers = made.filter(({ kind }) => observed.includes(kind));
  const proofs = new Map([...collected.proofs, ...observedProofsOf(parts, { ...state, signers })]);
  return { factors, biometrics, signers, policy: { version, document, branches }, records, proofs };
}

/** @throws {ERR_BIOMETRIC_UNUSED | ERR_POLICY_SIGNER_UNREACHABLE | ERR_POLICY_NO_BRANCH} */
function changed(
  state: ContainerState,
  machine: MachineState,
  modality: Biometric,
  add: boolean,
): { readonly biometrics: readonly Biometric[]; readonly branches: Branches } {
  const policy = policyInForce(state);
  requireOwnAuthority(state);
  if (state.biometrics.includes(modality) === add) {
    throw new UnlockdError('ERR_BIOMETRIC_UNUSED', `the ${modality} ${add ? 'counts already' : 'does not count'}`);
  }
  if (add && !biometricsIn(policy).includes(modality)) {
    throw new UnlockdError('ERR_BIOMETRIC_UNUSED', `the policy in force takes no ${modality}`);
  }
  const biometrics = add ? [...state.biometrics, modality] : state.biometrics.filter((kind) => kind !== modality);
  const branches = enforcedSets(provableBranches(policy, enrolledFactors({ ...state, biometrics }), machine));
  return { biometrics, branches };
}

export async function biometricChangeScript(
  parts: ServiceParts,
  run: CeremonyRun,
  modality: Biometric,
  add: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  const { biometrics, branches } = changed(state, machine, modality, add);
  if (add) requireMatch(modality, await verifyBiometric(parts, run, modality, run.signal));
  using collected = await collectFactors(parts, machine, state, changePolicyOf(state), run);
  const next = await withOpenContainer(parts, machine, state, collected, run.signal, (open) =>
    changeOpenContainer(parts, open, state, collected, () =>
      draftWith(parts, open.root, state, collected, biometrics, branches),
    ),
  );
  const epoch = policyOf(next).n;
  await parts.audit(add ? 'biometric-added' : 'biometric-removed', run.uid, { modality, epoch });
  return { [add ? 'added' : 'removed']: true, modality, epoch };
}
