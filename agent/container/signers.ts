/**
 * The signers of a container: for each kind of factor that is only observed a signing key of this TPM, made when a policy
 * names the kind. A simulated machine has keys of its own, so what it observes opens nothing that was sealed for real.
 */
import type { Entropy } from '../../drivers/base/entropy.ts';
import { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import { createSigningKey } from './objects.ts';
import type { RootSession } from './root.ts';
import { type ContainerState, OBSERVED_FACTORS, type ObservedFactorKind, type SignerState } from './state.ts';

/** True for factors that a signer asserts; the others are proved by a secret. */
export const isObservedFactor = (factor: FactorKind): factor is ObservedFactorKind =>
  OBSERVED_FACTORS.some((kind) => kind === factor);

async function newSigner(
  root: RootSession,
  entropy: Entropy,
  kind: ObservedFactorKind,
  simulated: boolean,
): Promise<SignerState> {
  using authValue = Secret.take(entropy.bytes(32));
  const blob = await createSigningKey(root, authValue);
  return { kind, simulated, blob, authValue: new Uint8Array(authValue.expose()) };
}

/**
 * The signers that a container needs for these factors: those that are there, and new ones for the kinds that have none.
 * @param present of a machine of another kind (simulated or not) they do not count, and are left out
 */
export async function signersFor(
  root: RootSession,
  entropy: Entropy,
  factors: Iterable<FactorKind>,
  present: ContainerState['signers'],
  simulated: boolean,
): Promise<ContainerState['signers']> {
  const signers = present.filter((signer) => signer.simulated === simulated);
  for (const factor of new Set(factors)) {
    if (!isObservedFactor(factor) || signers.some(({ kind }) => kind === factor)) continue;
    signers.push(await newSigner(root, entropy, factor, simulated));
  }
  return signers;
}

/** Whether every one of these factors that is only observed has a signer already. */
export const hasSigners = (factors: readonly FactorKind[], signers: ContainerState['signers']): boolean =>
  factors.filter(isObservedFactor).every((factor) => signers.some(({ kind }) => kind === factor));
