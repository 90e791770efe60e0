/**
 * What the TPM says to PIN and network at the key of one context of a state file, the network asserted by whoever is root:
 * with no verdict asked for, so what keeps it shut is the policy that this context is sealed to, and the epoch.
 */
import { nameOfBlob } from '../../../agent/container/objects.ts';
import { type FactorProof, satisfyPolicy } from '../../../agent/container/pass.ts';
import { pinAuthValue } from '../../../agent/container/pin-value.ts';
import { planOf, viewOf } from '../../../agent/container/plan.ts';
import type { RequestContext } from '../../../agent/container/references.ts';
import type { RootSession } from '../../../agent/container/root.ts';
import type { ContainerState } from '../../../agent/container/state.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import { rawAssertion } from './raw-assertion.ts';
import { refusal, unsealBy } from './thief.ts';

/**
 * @param branchesOf the branches that are tried: those of the context itself, or of another one of the same file
 * @returns the command that was refused, with its code; `done`: it opened
 */
export async function byPinAndNetwork(
  root: RootSession,
  state: ContainerState,
  pinText: string,
  context: RequestContext,
  branchesOf: RequestContext = context,
): Promise<string> {
  const of = (name: RequestContext) => {
    const view = name === 'unlock' ? state : viewOf(state, name);
    if (view === null) throw new Error(`the container has no context ${name}`);
    return view;
  };
  const { pin } = state.factors;
  const network = state.signers.find(({ kind }) => kind === 'network');
  if (pin === null || network === undefined) throw new Error('no PIN, or nothing that asserts the network');
  using clear = Secret.take(utf8(pinText));
  const authValue = await pinAuthValue(clear, pin.salt, pin.logN);
  const proofs = new Map<FactorKind, FactorProof>([
    ['network', rawAssertion(state.containerId, network)],
    ['pin', { check: 'secret', blob: pin.blob, authValue }],
  ]);
  const { sealedKey } = of(context);
  const own = planOf(of(context));
  const { branches } = planOf(of(branchesOf)).compiled;
  const plan = { ...own, compiled: { ...own.compiled, branches } };
  const attempt = async () => {
    await using session = await satisfyPolicy(root, plan, ['network', 'pin'], proofs, nameOfBlob(sealedKey));
    return await unsealBy(root, session, sealedKey);
  };
  return await refusal(attempt());
}
