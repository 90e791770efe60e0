/** `pin change`: a fresh full pass with the old factors, then a new PIN by the one protocol of changes. */

import { UnlockdError } from '../../../drivers/base/errors.ts';
import type { FactorKind } from '../../../drivers/signal.ts';
import type { Draft } from '../../container/change.ts';
import type { FactorProof } from '../../container/pass.ts';
import { policyOf } from '../../container/plan.ts';
import { openRecords, type Records, sealRecords, wipeRecords } from '../../container/records.ts';
import type { ContainerState, MachineState } from '../../container/state.ts';
import type { PinRules } from '../../policy/model.ts';
import type { CeremonyRun } from '../ceremony-run.ts';
import { type Collected, collectFactors } from '../collect.ts';
import { changePolicyOf, policyInForce, requireContainer, requireMachine, requireOwnAuthority } from '../context.ts';
import { askNewPin, createPin, historyWith, type KnownPin, type NewPin, requireUnused } from '../new-pin.ts';
import { changeOpenContainer, type OpenContainer, withOpenContainer } from '../open-container.ts';
import type { ServiceParts } from '../parts.ts';

/** The PIN in force, where it was given; a branch without the PIN may replace one that was forgotten. */
function currentPin(state: ContainerState, collected: Collected): KnownPin | null {
  const proof = collected.proofs.get('pin');
  if (state.factors.pin === null || proof?.check !== 'secret') return null;
  const { salt, logN } = state.factors.pin;
  return { salt, logN, authValue: proof.authValue };
}

/** The draft of a container whose PIN is another one. */
async function draftWithPin(
  parts: ServiceParts,
  open: OpenContainer,
  state: ContainerState,
  collected: Collected,
  records: Records,
  current: KnownPin | null,
  pin: NewPin,
  rules: PinRules,
): Promise<Draft> {
  const pinHistory = current === null ? records.pinHistory : historyWith(current, records.pinHistory, rules);
  const next: Records = { ...records, pinHistory };
  const factors = { ...state.factors, pin: await createPin(parts, open.root, pin) };
  const proofs = new Map<FactorKind, FactorProof>(collected.proofs);
  proofs.set('pin', { check: 'secret', blob: factors.pin.blob, authValue: pin.authValue });
  const { version, document, branches } = policyOf(state);
  return {
    factors,
    policy: { version, document, branches },
    records: sealRecords(open.containerKey, state.containerId, next, parts.entropy),
    proofs,
  };
}

/**
 * Puts a new PIN in the place of the old one.
 * @throws {ERR_PIN_REUSED} one of the last ones; nothing has changed
 */
export async function replacePin(
  parts: ServiceParts,
  run: CeremonyRun,
  machine: MachineState,
  state: ContainerState,
  collected: Collected,
  rules: PinRules,
): Promise<ContainerState> {
  // Asked before the TPM is held: others may need it while somebody thinks of a PIN.
  using pin = await askNewPin(parts, run, rules);
  run.emit({ type: 'progress', step: 'changing the PIN' });
  return await withOpenContainer(parts, machine, state, collected, run.signal, async (open) => {
    const records = openRecords(open.containerKey, state.containerId, state.records);
    try {
      const current = currentPin(state, collected);
      await requireUnused(pin, records.pinHistory, rules, current);
      const draft = () => draftWithPin(parts, open, state, collected, records, current, pin, rules);
      return await changeOpenContainer(parts, open, state, collected, draft);
    } finally {
      wipeRecords(records);
    }
  });
}

export async function pinChangeScript(
  parts: ServiceParts,
  run: CeremonyRun,
): Promise<Readonly<Record<string, unknown>>> {
  const machine = await requireMachine(parts);
  const state = await requireContainer(parts, run.uid);
  const policy = policyInForce(state);
  if (state.factors.pin === null) throw new UnlockdError('ERR_CONTAINER_MISSING', 'the container has no PIN');
  requireOwnAuthority(state);
  using collected = await collectFactors(parts, machine, state, changePolicyOf(state), run);
  const next = await replacePin(parts, run, machine, state, collected, policy.pin);
  await parts.audit('pin-changed', run.uid, { epoch: policyOf(next).n });
  return { changed: true, epoch: policyOf(next).n };
}
