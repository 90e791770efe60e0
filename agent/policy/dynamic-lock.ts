/**
 * Dynamic lock as data: when the phone's absence, together with an idle person, locks the session (Windows: *Configure
 * dynamic lock factors*). Nothing here reads a document, and nothing here can open anything.
 */
import { BLUETOOTH_DEFAULTS, type BluetoothCondition } from './rules.ts';

/** What it means that phones cannot be looked at: after this time they count as gone, or they stay as they were. */
export interface OutageMeaning {
  readonly means: 'gone' | 'hold';
  /** Seconds beyond the time that the last sample counts anyway. */
  readonly afterSeconds: number;
}

export interface DynamicLockPolicy {
  readonly enabled: boolean;
  readonly rule: {
    /** Major device class; compared with the bits 0x1F00 of the pinned Class of Device. */
    readonly classOfDevice: number;
    /** dB, relative scale: at least this strong is near. */
    readonly rssiMin: number;
    /** dB, 0 or less: weaker than the best since it was judged near by more than this is weak. */
    readonly rssiMaxDelta: number;
    /** dB, at most `rssiMin`: a phone that was near is weak only below this. */
    readonly rssiFar: number;
  };
  /** Time between two probes of a phone: each wakes its radio. */
  readonly sampleEverySeconds: number;
  /** Weight of the newest sample when the strength falls, above 0, at most 1. A rise counts at once. */
  readonly smoothing: number;
  /** Weak or failed probes in a row after which the phone is gone. */
  readonly weakSamples: number;
  /** Without any sample for this long, the phone is gone. */
  readonly staleAfterSeconds: number;
  /** By how much hints alone prolong what the last probe said. */
  readonly hintSeconds: number;
  /** Time without keyboard and mouse. */
  readonly idleSeconds: number;
  /** Time between the phone's leaving and the lock, at least. */
  readonly lockDelaySeconds: number;
  /** A phone that answers but whose strength is not told on the relative scale. */
  readonly withoutStrength: 'near' | 'ignored';
  /** Phones that are paired with the machine and enrolled for nobody; they count for who has no phone of their own. */
  readonly unboundPhones: 'ignored' | 'counted';
  readonly radioOff: OutageMeaning;
  /** A restart of the Bluetooth daemon is waited for, not for ever. */
  readonly daemonGone: { readonly afterSeconds: number };
  /** No permission, no driver any more, or broken. */
  readonly failed: OutageMeaning;
}

/** Off until somebody asks for it, as in Windows. The numbers are tuned: docs/reference/proximity.md says how and on what. */
export const DEFAULT_DYNAMIC_LOCK: DynamicLockPolicy = Object.freeze({
  enabled: false,
  rule: Object.freeze({ ...BLUETOOTH_DEFAULTS, rssiFar: -16, rssiMaxDelta: -14 }),
  sampleEverySeconds: 20,
  smoothing: 0.8,
  weakSamples: 2,
  staleAfterSeconds: 90,
  hintSeconds: 60,
  idleSeconds: 30,
  lockDelaySeconds: 5,
  withoutStrength: 'near',
  unboundPhones: 'ignored',
  radioOff: Object.freeze({ means: 'gone', afterSeconds: 60 }),
  daemonGone: Object.freeze({ afterSeconds: 60 }),
  failed: Object.freeze({ means: 'gone', afterSeconds: 300 }),
});

/**
 * What a Windows policy asks for: its one rule, without a second threshold of return, as Windows has none; and paired
 * phones count, as Windows knows no other.
 */
export function windowsDynamicLock(rule: Partial<Omit<BluetoothCondition, 'type'>> = {}): DynamicLockPolicy {
  const { classOfDevice, rssiMin, rssiMaxDelta } = { ...BLUETOOTH_DEFAULTS, ...rule };
  return {
    ...DEFAULT_DYNAMIC_LOCK,
    enabled: true,
    rule: { classOfDevice, rssiMin, rssiMaxDelta, rssiFar: rule.rssiFar ?? rssiMin },
    unboundPhones: 'counted',
  };
}

const RANGES: readonly (readonly [string, (policy: DynamicLockPolicy) => number, number, number])[] = [
  ['rule.rssiMin', ({ rule }) => rule.rssiMin, -100, 20],
  ['rule.rssiMaxDelta', ({ rule }) => rule.rssiMaxDelta, -100, 0],
  ['rule.rssiFar', ({ rule }) => rule.rssiFar, -100, 20],
  ['sampleEverySeconds', (policy) => policy.sampleEverySeconds, 5, 600],
  ['smoothing', (policy) => policy.smoothing, 0.05, 1],
  ['weakSamples', (policy) => policy.weakSamples, 1, 100],
  ['staleAfterSeconds', (policy) => policy.staleAfterSeconds, 10, 3600],
  ['hintSeconds', (policy) => policy.hintSeconds, 0, 3600],
  ['idleSeconds', (policy) => policy.idleSeconds, 5, 3600],
  ['lockDelaySeconds', (policy) => policy.lockDelaySeconds, 0, 3600],
  ['radioOff.afterSeconds', ({ radioOff }) => radioOff.afterSeconds, 0, 3600],
  ['daemonGone.afterSeconds', ({ daemonGone }) => daemonGone.afterSeconds, 0, 3600],
  ['failed.afterSeconds', ({ failed }) => failed.afterSeconds, 0, 3600],
];

/** What is wrong with it, a sentence each; empty: nothing. */
export function dynamicLockProblems(policy: DynamicLockPolicy): readonly string[] {
  const problems = RANGES.flatMap(([name, value, min, max]) => {
    const found = value(policy);
    return found >= min && found <= max ? [] : [`${name} has to be between ${min} and ${max}`];
  });
  if (!Number.isInteger(policy.weakSamples)) problems.push('weakSamples has to be a whole number');
  if (policy.rule.rssiFar > policy.rule.rssiMin) problems.push('rule.rssiFar has to be at most rule.rssiMin');
  if (policy.staleAfterSeconds <= policy.sampleEverySeconds) {
    problems.push('staleAfterSeconds has to be more than sampleEverySeconds');
  }
  return problems;
}
