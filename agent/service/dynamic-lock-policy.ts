/**
 * Which dynamic lock is in force: that of the policy where it has one, else that of the machine's configuration. A
 * policy's word is final, also when it says off.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { Config } from '../config/load.ts';
import { DEFAULT_DYNAMIC_LOCK, type DynamicLockPolicy, dynamicLockProblems } from '../policy/dynamic-lock.ts';

/** @throws {ERR_CONFIG_INVALID} when the numbers contradict each other */
export function configuredDynamicLock(settings: Config['dynamic_lock']): DynamicLockPolicy {
  const policy: DynamicLockPolicy = {
    ...DEFAULT_DYNAMIC_LOCK,
    enabled: settings.enabled,
    rule: {
      classOfDevice: DEFAULT_DYNAMIC_LOCK.rule.classOfDevice,
      rssiMin: settings.rssiMin,
      rssiFar: settings.rssiFar,
      rssiMaxDelta: settings.rssiMaxDelta,
    },
    sampleEverySeconds: settings.sampleEverySeconds,
    weakSamples: settings.weakSamples,
    staleAfterSeconds: settings.staleAfterSeconds,
    idleSeconds: settings.idleSeconds,
    lockDelaySeconds: settings.lockDelaySeconds,
  };
  const [problem] = dynamicLockProblems(policy);
  if (problem !== undefined) throw new UnlockdError('ERR_CONFIG_INVALID', `dynamic_lock: ${problem}`);
  return policy;
}

/** @param document the policy of the machine */
export const dynamicLockFor = (
  document: { readonly version: number; readonly dynamicLock?: DynamicLockPolicy },
  configured: DynamicLockPolicy,
): DynamicLockPolicy => document.dynamicLock ?? configured;
