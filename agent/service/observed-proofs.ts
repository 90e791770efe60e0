/**
 * The proofs of factors that are only observed: the signers of a container, which sign for the grant that a pass is made
 * by. Without a grant that rests on their factor they sign nothing, so it does no harm to have all of them at hand.
 */
import { Secret } from '../../drivers/base/secret.ts';
import type { FactorKind } from '../../drivers/signal.ts';
import type { FactorProof } from '../container/pass.ts';
import type { ContainerView } from '../container/plan.ts';
import { CHANGE_CONTEXT, UNLOCK_CONTEXT } from '../container/references.ts';
import { type AssertedContainer, ObservationSigner, type SealedObject } from '../container/signer.ts';
import type { ContainerState } from '../container/state.ts';
import type { ServiceParts } from './parts.ts';

/** @param container what the assertions are good for @param signers of it, at most one of a kind */
export function observedProofs(
  { clock }: Pick<ServiceParts, 'clock'>,
  container: AssertedContainer,
  signers: ContainerState['signers'],
): Map<FactorKind, FactorProof> {
  return new Map(
    signers.map(({ kind, blob, simulated, authValue: stored }): [FactorKind, FactorProof] => [
      kind,
      {
        check: 'signed',
        key: blob,
        assert: async (request, root) => {
          using authValue = Secret.copyOf(stored);
          const signer = new ObservationSigner({ root, clock, kind, key: blob, authValue, simulated });
          return await signer.assertObservation(container, request);
        },
      },
    ]),
  );
}

/** Of a container as its state file has it: for its sealed objects and no others. */
export function observedProofsOf(
  parts: Pick<ServiceParts, 'clock'>,
  state: ContainerView,
): Map<FactorKind, FactorProof> {
  const { containerId, uid, sealedKey, authority, signers, context = UNLOCK_CONTEXT } = state;
  const sealed: SealedObject[] = [{ context, blob: sealedKey }];
  if (authority.sealedAuth !== null) {
    sealed.push({ context: authority.change === null ? UNLOCK_CONTEXT : CHANGE_CONTEXT, blob: authority.sealedAuth });
  }
  return observedProofs(parts, { containerId, uid, sealed }, signers);
}
