/**
 * The sections of the native document that Windows has too, PIN rules and dynamic lock, in both directions. Each
 * direction takes what the other gives; what a section cannot hold of its Windows values is kept beside it
 * (`windows-settings.ts`).
 */
import { DEFAULT_DYNAMIC_LOCK, type DynamicLockPolicy, windowsDynamicLock } from '../dynamic-lock.ts';
import { type CharacterRule, DEFAULT_PIN_RULES, type PinRules } from '../model.ts';
import type { BluetoothCondition } from '../rules.ts';
import type { Inexpressible } from './windows/inexpressible.ts';
import type { PinComplexity, WindowsDynamicLock, CharacterRule as WindowsRule } from './windows/model.ts';

const RULES: readonly CharacterRule[] = ['allowed', 'required', 'disallowed'];

const classOf = (rule: WindowsRule | undefined, fallback: CharacterRule): CharacterRule =>
  rule === undefined ? fallback : (RULES[rule] ?? fallback);

/** The least length where Windows' policy has none: ours, or the longest that is still below a short maximum. */
const minimumBelow = (maxLength: number): number => Math.max(4, Math.min(DEFAULT_PIN_RULES.minLength, maxLength - 1));

/**
 * What Windows' PIN rules are here. What is not configured has our default; lengths that contradict each other both have
 * it, and a policy that bars every character leaves the digits, as nobody could choose a PIN otherwise.
 */
export function pinOf(complexity: PinComplexity | undefined): PinRules {
  const { minimumPINLength, maximumPINLength, history, expiration, ...classes } = complexity ?? {};
  const maxLength = maximumPINLength ?? DEFAULT_PIN_RULES.maxLength;
  const minLength = minimumPINLength ?? minimumBelow(maxLength);
  const contradict = minLength >= maxLength;
  const named = {
    digits: classOf(classes.digits, DEFAULT_PIN_RULES.digits),
    lowercase: classOf(classes.lowercaseLetters, DEFAULT_PIN_RULES.lowercase),
    uppercase: classOf(classes.uppercaseLetters, DEFAULT_PIN_RULES.uppercase),
    special: classOf(classes.specialCharacters, DEFAULT_PIN_RULES.special),
  };
  const isBarred = Object.values(named).every((rule) => rule === 'disallowed');
  return {
    minLength: contradict ? DEFAULT_PIN_RULES.minLength : minLength,
    maxLength: contradict ? DEFAULT_PIN_RULES.maxLength : maxLength,
    ...named,
    digits: isBarred ? 'allowed' : named.digits,
    refuseSimple: true,
    history: history ?? DEFAULT_PIN_RULES.history,
    expiryDays: expiration ?? DEFAULT_PIN_RULES.expiryDays,
  };
}

/** True: no character could stand in a PIN. */
export const barsEverything = (complexity: PinComplexity | undefined): boolean =>
  [complexity?.digits, complexity?.lowercaseLetters, complexity?.uppercaseLetters, complexity?.specialCharacters].every(
    (rule) => rule === 2,
  );

const ruleNumber = (rule: CharacterRule): WindowsRule | undefined =>
  rule === 'allowed' ? undefined : rule === 'required' ? 1 : 2;

/** Only what differs from our defaults. `pinOf` of it gives the rules again, `refuseSimple` apart. */
export function complexityOf(pin: PinRules): PinComplexity | undefined {
  const entries = {
    minimumPINLength: pin.minLength === minimumBelow(pin.maxLength) ? undefined : pin.minLength,
    maximumPINLength: pin.maxLength === DEFAULT_PIN_RULES.maxLength ? undefined : pin.maxLength,
    uppercaseLetters: ruleNumber(pin.uppercase),
    lowercaseLetters: ruleNumber(pin.lowercase),
    specialCharacters: ruleNumber(pin.special),
    digits: ruleNumber(pin.digits),
    history: pin.history === DEFAULT_PIN_RULES.history ? undefined : pin.history,
    expiration: pin.expiryDays === DEFAULT_PIN_RULES.expiryDays ? undefined : pin.expiryDays,
  };
  const given = Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
  return Object.keys(given).length === 0 ? undefined : (given as PinComplexity);
}

/** What Windows' dynamic lock is here: its first rule, as there is one here. */
export function lockOf(lock: WindowsDynamicLock | undefined): DynamicLockPolicy | undefined {
  if (lock === undefined) return undefined;
  const [first] = lock.rules[0]?.all ?? [];
  const { type: _type, ...condition } = first?.type === 'bluetooth' ? first : { type: 'bluetooth' as const };
  return { ...windowsDynamicLock(condition), enabled: lock.enabled };
}

const WORDS: Partial<Record<keyof DynamicLockPolicy, string>> = {
  sampleEverySeconds: 'no interval of its probes',
  smoothing: 'no smoothing',
  weakSamples: 'no number of weak samples',
  staleAfterSeconds: 'no age of a sample',
  hintSeconds: 'no hints',
  idleSeconds: 'no idle time',
  lockDelaySeconds: 'no delay of the lock',
  withoutStrength: 'no meaning for a phone without strength',
  unboundPhones: 'no phones of certain users: every paired phone counts (`counted`)',
  radioOff: 'no meaning for a radio that is off',
  daemonGone: 'no such waiting',
  failed: 'no meaning for a failure',
};

/** The lock as Windows has it, and what of it Windows cannot say. */
export function windowsLockOf(lock: DynamicLockPolicy): {
  readonly lock: WindowsDynamicLock;
  readonly reasons: readonly Inexpressible[];
} {
  const { classOfDevice, rssiMin, rssiMaxDelta, rssiFar } = lock.rule;
  const condition: BluetoothCondition = { type: 'bluetooth', classOfDevice, rssiMin, rssiMaxDelta };
  const standard: DynamicLockPolicy = { ...DEFAULT_DYNAMIC_LOCK, ...windowsDynamicLock() };
  const reasons = Object.entries(WORDS)
    .filter(([key]) => {
      const field = key as keyof DynamicLockPolicy;
      return JSON.stringify(lock[field]) !== JSON.stringify(standard[field]);
    })
    .map(([key, words]) => ({ what: `dynamicLock.${key}`, words: `Windows has ${words}` }));
  if (rssiFar !== rssiMin) {
    reasons.push({ what: 'dynamicLock.rule.rssiFar', words: 'Windows has one threshold: write `rssiMin` here too' });
  }
  return { lock: { enabled: lock.enabled, rules: [{ name: 'rule-1', all: [condition] }] }, reasons };
}
