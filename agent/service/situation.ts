/** What a decision is made in beside the signals: which machine this is, who asks, and what time it is here. */
import type { EvaluateOptions } from '../policy/evaluate.ts';
import type { UnlockPolicy } from '../policy/model.ts';
import type { ServiceParts } from './parts.ts';

/**
 * @param pinIsBound whether the TPM limits the tries at the PIN
 * @param uid of whoever unlocks
 */
export const situationOf = (
  parts: ServiceParts,
  policy: UnlockPolicy,
  pinIsBound: boolean,
  uid: number,
): EvaluateOptions => ({
  machineSimulated: parts.simulated,
  pinIsBound,
  user: uid,
  localTime: Object.keys(policy.windows).length === 0 ? null : parts.clock.localTime(),
});
