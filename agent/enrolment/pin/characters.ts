/**
 * The PIN as characters (code points), read from its UTF-8 bytes one at a time, so that a PIN of ASCII never becomes a
 * string. Only normalisation of other text has to make one, as the runtime normalises nothing else (Unicode NFC).
 */
import { UnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';

export type CharacterClass = 'digits' | 'lowercase' | 'uppercase' | 'special';
export const CHARACTER_CLASSES = ['digits', 'lowercase', 'uppercase', 'special'] as const;

/** No PIN is longer, in bytes: 127 characters of four bytes each, with room for what normalisation composes. */
export const MAX_PIN_BYTES = 1024;

const notText = (reason: string): UnlockdError => new UnlockdError('ERR_PIN_NOT_TEXT', `the PIN ${reason}`);

const isControl = (codePoint: number): boolean => codePoint < 0x20 || (codePoint >= 0x7f && codePoint < 0xa0);

/**
 * The PIN in the form in which it is checked and derived from: Unicode NFC, so that the same keys give the same PIN on
 * every keyboard.
 * @param typed UTF-8, no line end; stays the caller's
 * @returns a new secret, the caller's to dispose
 * @throws {ERR_PIN_NOT_TEXT} {ERR_PIN_TOO_LONG}
 */
export function normalisePin(typed: Secret): Secret {
  const bytes = typed.expose();
  if (bytes.length > MAX_PIN_BYTES)
    throw new UnlockdError('ERR_PIN_TOO_LONG', 'the PIN is longer than any policy accepts');
  if (bytes.every((byte) => byte < 0x80)) {
    if (bytes.some(isControl)) throw notText('contains a control character');
    return typed.clone();
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).normalize('NFC');
  } catch {
    // The decoder's own error is not kept: it may quote what was typed.
    throw notText('is not valid UTF-8');
  }
  for (const character of text) {
    if (isControl(character.codePointAt(0) ?? 0)) throw notText('contains a control character');
  }
  return Secret.take(new TextEncoder().encode(text));
}

/** The code points of well-formed UTF-8, as {@link normalisePin} returns it. */
export function* codePoints(utf8: Uint8Array): Generator<number> {
  let codePoint = 0;
  let following = 0;
  for (const byte of utf8) {
    if (following > 0) {
      codePoint = (codePoint << 6) | (byte & 0x3f);
      following--;
    } else {
      following = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
      codePoint = following === 0 ? byte : byte & (0x3f >> following);
    }
    if (following === 0) yield codePoint;
  }
}

/**
 * The class of one character. Digits are 0-9; letters are those with a case, of any script; everything else, the space
 * and letters without a case included, is special.
 */
export function classOf(codePoint: number): CharacterClass {
  if (codePoint >= 0x30 && codePoint <= 0x39) return 'digits';
  const character = String.fromCodePoint(codePoint);
  if (/\p{Lowercase}/u.test(character)) return 'lowercase';
  if (/\p{Uppercase}/u.test(character)) return 'uppercase';
  return 'special';
}
