/**
 * The PIN rules: length, character classes and the simple-PIN filter of Windows Hello for Business. Checked when a PIN
 * is chosen, never when it is used: an existing PIN is not refused because the policy became stricter.
 */
import { type ErrorDetail, UnlockdError } from '../../../drivers/base/errors.ts';
import type { Secret } from '../../../drivers/base/secret.ts';
import type { PinRules } from '../../policy/model.ts';
import { CHARACTER_CLASSES, type CharacterClass, classOf, codePoints } from './characters.ts';

const NAME: Readonly<Record<CharacterClass, string>> = {
  digits: 'a digit',
  lowercase: 'a lower-case letter',
  uppercase: 'an upper-case letter',
  special: 'a special character',
};

/**
 * True when the step from each digit to the next, modulo 10, is the same all along: exactly 100 PINs of each length
 * (0000, 1234, 1357, 9630, 1593). Applies to PINs of digits alone.
 */
export function isSimplePin(pin: Secret): boolean {
  const bytes = pin.expose();
  if (bytes.length < 2 || bytes.some((byte) => byte < 0x30 || byte > 0x39)) return false;
  const step = (i: number): number => ((bytes[i] ?? 0) - (bytes[i - 1] ?? 0) + 10) % 10;
  for (let i = 2; i < bytes.length; i++) if (step(i) !== step(1)) return false;
  return true;
}

const CLASS_NAMES: Readonly<Record<CharacterClass, string>> = {
  digits: 'digits',
  lowercase: 'lower-case letters',
  uppercase: 'upper-case letters',
  special: 'special characters',
};

/** The rules in words, for the prompt: `6 to 127 characters; with a digit; no row like 123456`. */
export function rulesWords(rules: PinRules): string {
  const { minLength, maxLength, refuseSimple, history } = rules;
  const required = CHARACTER_CLASSES.filter((each) => rules[each] === 'required').map((each) => NAME[each]);
  const refused = CHARACTER_CLASSES.filter((each) => rules[each] === 'disallowed').map((each) => CLASS_NAMES[each]);
  return [
    `${minLength} to ${maxLength} characters`,
    ...(required.length > 0 ? [`with ${required.join(' and ')}`] : []),
    ...(refused.length > 0 ? [`without ${refused.join(' and ')}`] : []),
    ...(refuseSimple ? ['no row of digits like 123456 or 1111'] : []),
    ...(history > 1 ? [`none of the last ${history}`] : []),
  ].join('; ');
}

type PinProblemCode =
  | 'ERR_PIN_TOO_SHORT'
  | 'ERR_PIN_TOO_LONG'
  | 'ERR_PIN_CLASS_REQUIRED'
  | 'ERR_PIN_CLASS_DISALLOWED'
  | 'ERR_PIN_SIMPLE';

export interface PinProblem {
  readonly code: PinProblemCode;
  /** For people; says nothing of the PIN beyond the rule that it breaks. */
  readonly message: string;
  readonly detail: ErrorDetail;
}

/**
 * Every rule that a new PIN breaks; empty when it is good.
 * @param pin as `normalisePin` returns it
 */
export function pinProblems(pin: Secret, rules: PinRules): readonly PinProblem[] {
  const problems: PinProblem[] = [];
  const seen = new Set<CharacterClass>();
  let length = 0;
  for (const codePoint of codePoints(pin.expose())) {
    seen.add(classOf(codePoint));
    length++;
  }
  const { minLength, maxLength } = rules;
  if (length < minLength) {
    const message = `the PIN needs at least ${minLength} characters`;
    problems.push({ code: 'ERR_PIN_TOO_SHORT', message, detail: { minLength } });
  }
  if (length > maxLength) {
    const message = `the PIN may have at most ${maxLength} characters`;
    problems.push({ code: 'ERR_PIN_TOO_LONG', message, detail: { maxLength } });
  }
  for (const characterClass of CHARACTER_CLASSES) {
    const rule = rules[characterClass];
    if (rule === 'required' && !seen.has(characterClass)) {
      const message = `the PIN needs ${NAME[characterClass]}`;
      problems.push({ code: 'ERR_PIN_CLASS_REQUIRED', message, detail: { class: characterClass } });
    }
    if (rule === 'disallowed' && seen.has(characterClass)) {
      const message = `the PIN may not contain ${NAME[characterClass]}`;
      problems.push({ code: 'ERR_PIN_CLASS_DISALLOWED', message, detail: { class: characterClass } });
    }
  }
  if (rules.refuseSimple && isSimplePin(pin)) {
    problems.push({ code: 'ERR_PIN_SIMPLE', message: 'the digits of the PIN follow from one another', detail: {} });
  }
  return problems;
}

/**
 * @param pin as `normalisePin` returns it
 * @throws {ERR_PIN_TOO_SHORT} {ERR_PIN_TOO_LONG} {ERR_PIN_CLASS_REQUIRED} {ERR_PIN_CLASS_DISALLOWED} {ERR_PIN_SIMPLE}
 *   for the first rule that it breaks; the message names them all
 */
export function requireGoodPin(pin: Secret, rules: PinRules): void {
  const problems = pinProblems(pin, rules);
  const [first] = problems;
  if (first === undefined) return;
  throw new UnlockdError(first.code, problems.map(({ message }) => message).join('; '), { detail: first.detail });
}
