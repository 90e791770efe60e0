/**
 * The rehearsal of a new container goes through the same door as every release: the factors that were given just now
 * are evaluated like any others, and only a decision that grants opens it.
 */

import { milliseconds } from '../../drivers/base/brand.ts';
import { toHex } from '../../drivers/base/bytes.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import type { FactorSignal, GestureKind } from '../../drivers/signal.ts';
import { UNLOCK_CONTEXT } from '../container/references.ts';
import type { MachineState } from '../container/state.ts';
import type { GrantedDecision } from '../policy/decision.ts';
import { evaluate, type Snapshot } from '../policy/evaluate.ts';
import { missingWords } from '../policy/explain.ts';
import { grantFor } from '../policy/grant.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import { type Door, openDoor } from '../release/release.ts';
import { Denied } from './ceremony-run.ts';
import type { ServiceParts } from './parts.ts';
import { situationOf } from './situation.ts';

/**
 * @param factors those that are enrolled in this ceremony; what lies around the machine counts as it is
 * @throws {ERR_POLICY_DENIED} with the reasons: they do not satisfy the policy here and now
 */
export function decisionOfEnrolment(
  parts: ServiceParts,
  machine: MachineState,
  policy: UnlockPolicy,
  uid: number,
  factors: readonly GestureKind[],
): GrantedDecision {
  const { clock, simulated, sensors } = parts;
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
      strength: kind === 'pin' || kind === 'securityKey' ? 'bound' : 'gate',
      evidence: { enrolledNow: true },
    },
  ]);
  const snapshot: Snapshot = new Map([...sensors.ledger.snapshot(now), ...signals]);
  const decision = evaluate(policy, snapshot, now, situationOf(parts, policy, machine.lockout.protects, uid));
  if (decision.verdict === 'granted') return decision;
  const missing = missingWords(decision.missing);
  const message = `what is enrolled here does not satisfy the policy; missing: ${missing}`;
  throw new Denied(message, { cause: null, missing }, decision);
}

/** As {@link decisionOfEnrolment}, for the rehearsal of the container that was made. */
export const doorOfEnrolment = (decision: GrantedDecision, containerId: Uint8Array, clock: Clock): Door =>
  openDoor(grantFor(decision, { container: toHex(containerId), context: UNLOCK_CONTEXT }), clock);
