/**
 * The rehearsal of a new container goes through the same door as every release: the factors that were given just now
 * are evaluated like any others, and only a decision that grants opens it.
 */

import { milliseconds } from '../../drivers/base/brand.ts';
import { toHex } from '../../drivers/base/bytes.ts';
import type { FactorSignal, GestureKind } from '../../drivers/signal.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import type { MachineState } from '../container/state.ts';
import { evaluate } from '../policy/evaluate.ts';
import { grantFor } from '../policy/grant.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { type Door, openDoor } from '../release/release.ts';
import type { ServiceParts } from './parts.ts';

/**
 * @param factors those that were enrolled in this ceremony
 * @throws {ERR_POLICY_DENIED} they do not satisfy the policy
 */
export function doorOfEnrolment(
  parts: ServiceParts,
  machine: MachineState,
  policy: UnlockPolicy,
  containerId: Uint8Array,
  factors: readonly GestureKind[],
): Door {
  const { clock, simulated } = parts;
  const now = clock.now();
  const signals = factors.map((kind): [GestureKind, FactorSignal] => [
    kind,
    {
      kind,
      source: 'enrolment',
      observedAt: now,
      validFor: milliseconds(1000),
      simulated,
      state: 'satisfied',
      strength: 'bound',
      evidence: { enrolledNow: true },
    },
  ]);
  const options = { machineSimulated: simulated, pinIsBound: machine.lockout.protects };
  const decision = evaluate(policy, new Map(signals), now, options);
  return openDoor(grantFor(decision, { container: toHex(containerId), context: UNLOCK_CONTEXT }), clock);
}
