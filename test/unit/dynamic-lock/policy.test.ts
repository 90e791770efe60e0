import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../agent/config/load.ts';
import {
  DEFAULT_DYNAMIC_LOCK,
  type DynamicLockPolicy,
  dynamicLockProblems,
  windowsDynamicLock,
} from '../../../agent/policy/dynamic-lock.ts';
import { configuredDynamicLock, dynamicLockFor } from '../../../agent/service/dynamic-lock-policy.ts';
import { ON } from '../../support/session/lock-trace.ts';

describe('the policy', () => {
  it('is off by default, and its default is without a problem', () => {
    expect(DEFAULT_DYNAMIC_LOCK.enabled).toBe(false);
    expect(dynamicLockProblems(DEFAULT_DYNAMIC_LOCK)).toEqual([]);
  });

  it('a Windows policy without numbers means class 512, -10 and -10', () => {
    const { enabled, rule, idleSeconds } = windowsDynamicLock();
    expect({ enabled, rule, idleSeconds }).toEqual({
      enabled: true,
      rule: { classOfDevice: 512, rssiMin: -10, rssiMaxDelta: -10, rssiFar: -10 },
      idleSeconds: 30,
    });
    expect(dynamicLockProblems(windowsDynamicLock({ rssiMin: -4 }))).toEqual([]);
  });

  it.each<[Partial<DynamicLockPolicy>, string]>([
    [{ idleSeconds: 4 }, 'idleSeconds has to be between 5 and 3600'],
    [{ idleSeconds: Number.NaN }, 'idleSeconds has to be between 5 and 3600'],
    [{ smoothing: 0 }, 'smoothing has to be between 0.05 and 1'],
    [{ weakSamples: 2.5 }, 'weakSamples has to be a whole number'],
    [{ staleAfterSeconds: 20 }, 'staleAfterSeconds has to be more than sampleEverySeconds'],
    [{ rule: { ...ON.rule, rssiFar: -5 } }, 'rule.rssiFar has to be at most rule.rssiMin'],
  ])('%j: %s', (changes, problem) => {
    expect(dynamicLockProblems({ ...ON, ...changes })).toEqual([problem]);
  });
});

describe('which settings are in force', () => {
  const settings = (flags: Record<string, string> = {}) => loadConfig({ env: {}, flags }).dynamic_lock;

  it('those of the configuration are the defaults, until somebody changes them', () => {
    expect(configuredDynamicLock(settings())).toEqual(DEFAULT_DYNAMIC_LOCK);
    const changed = settings({ 'dynamic_lock.enabled': 'true', 'dynamic_lock.rssi_min': '-6' });
    expect(configuredDynamicLock(changed)).toMatchObject({ enabled: true, rule: { rssiMin: -6 } });
  });

  it('numbers that contradict each other are refused', () => {
    expect(() => configuredDynamicLock(settings({ 'dynamic_lock.rssi_far': '-5' }))).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
    );
  });

  it('the policy’s word is final where it has one', () => {
    expect(dynamicLockFor({ version: 2 }, ON)).toBe(ON);
    expect(dynamicLockFor({ version: 2, dynamicLock: DEFAULT_DYNAMIC_LOCK }, ON)).toBe(DEFAULT_DYNAMIC_LOCK);
  });
});
