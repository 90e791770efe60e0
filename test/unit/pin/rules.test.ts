import { describe, expect, test } from 'vitest';
import { classOf, codePoints, MAX_PIN_BYTES, normalisePin } from '../../../agent/enrolment/pin/characters.ts';
import { isSimplePin, pinProblems, requireGoodPin } from '../../../agent/enrolment/pin/rules.ts';
import { DEFAULT_PIN_RULES, type PinRules } from '../../../agent/policy/model.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { Secret } from '../../../drivers/base/secret.ts';

const pin = (text: string): Secret => Secret.take(utf8(text));
const rules = (more: Partial<PinRules>): PinRules => ({ ...DEFAULT_PIN_RULES, ...more });
const codes = (text: string, more: Partial<PinRules> = {}): string[] =>
  pinProblems(pin(text), rules(more)).map(({ code }) => code);

describe('the simple-PIN filter', () => {
  test.each(['1111', '1234', '1357', '9630', '1593', '7036', '0987654321', '8901'])('refuses %s', (text) => {
    expect(isSimplePin(pin(text))).toBe(true);
  });

  test.each(['1231', '1872', '112233', '123457', '12a4', '1234 ', 'aaaa', 'abcd', '７７７７'])('accepts %s', (text) => {
    expect(isSimplePin(pin(text))).toBe(false);
  });

  test.each([4, 5])('refuses exactly 100 PINs of length %i', (length) => {
    let refused = 0;
    for (let n = 0; n < 10 ** length; n++) if (isSimplePin(pin(String(n).padStart(length, '0')))) refused++;
    expect(refused).toBe(100);
  });

  test('can be switched off', () => {
    expect(codes('123456')).toEqual(['ERR_PIN_SIMPLE']);
    expect(codes('123456', { refuseSimple: false })).toEqual([]);
  });
});

describe('the length', () => {
  test('is six characters at least by default', () => {
    expect(codes('13578')).toContain('ERR_PIN_TOO_SHORT');
    expect(codes('135792')).toEqual([]);
    expect(codes('')).toContain('ERR_PIN_TOO_SHORT');
  });

  test('is 127 characters at most', () => {
    expect(codes(`${'ab1'.repeat(42)}x`)).toEqual([]);
    expect(codes(`${'ab1'.repeat(42)}xy`)).toEqual(['ERR_PIN_TOO_LONG']);
  });

  test('counts characters, not bytes', () => {
    expect(codes('äöüßéñ')).toEqual([]);
    expect(codes('🔑🔑🔑🔑🔑')).toEqual(['ERR_PIN_TOO_SHORT']);
    expect(codes('🔑🔑🔑🔑🔑🔓')).toEqual([]);
  });
});

describe('the character classes', () => {
  test.each<[string, keyof PinRules]>([
    ['abcDEF!?', 'digits'],
    ['ABC123!?', 'lowercase'],
    ['abc123!?', 'uppercase'],
    ['abcDEF12', 'special'],
  ])('%s lacks %s', (text, name) => {
    expect(codes(text, { [name]: 'required' })).toEqual(['ERR_PIN_CLASS_REQUIRED']);
    expect(codes(text, { [name]: 'disallowed' })).toEqual([]);
  });

  test.each<[string, keyof PinRules]>([
    ['abcDEF1?', 'digits'],
    ['ABC123!a', 'lowercase'],
    ['abc123!A', 'uppercase'],
    ['abcDEF1 ', 'special'],
  ])('%s contains %s', (text, name) => {
    expect(codes(text, { [name]: 'disallowed' })).toEqual(['ERR_PIN_CLASS_DISALLOWED']);
    expect(codes(text, { [name]: 'required' })).toEqual([]);
  });

  test('every special character of the Windows list is special', () => {
    for (const character of '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')
      expect(classOf(character.charCodeAt(0))).toBe('special');
  });

  test('letters of other scripts have their case, digits of other scripts are special', () => {
    expect([...'äÄжЖ٣漢'].map((c) => classOf(c.codePointAt(0) ?? 0))).toEqual([
      'lowercase',
      'uppercase',
      'lowercase',
      'uppercase',
      'special',
      'special',
    ]);
  });

  test('the error names every broken rule and has the code of the first', () => {
    expect(() => requireGoodPin(pin('1234'), rules({ special: 'required' }))).toThrow(
      expect.objectContaining({
        code: 'ERR_PIN_TOO_SHORT',
        message:
          'the PIN needs at least 6 characters; the PIN needs a special character; the digits of the PIN follow from one another',
      }),
    );
  });
});

describe('normalisation', () => {
  const text = (secret: Secret): string => new TextDecoder().decode(secret.expose());

  test('composed and decomposed letters are one PIN', () => {
    expect(normalisePin(pin('cafe\u0301')).equals(normalisePin(pin('caf\u00e9')))).toBe(true);
  });

  test('ASCII is left as it is, in a secret of its own', () => {
    const typed = pin('hunter 2');
    const normal = normalisePin(typed);
    typed.dispose();
    expect(text(normal)).toBe('hunter 2');
  });

  test('a byte order mark is not dropped silently', () => {
    expect(normalisePin(pin('\ufeff12345é')).length).toBe(10);
  });

  test.each<[string, Uint8Array]>([
    ['a line end', utf8('123456\n')],
    ['a zero', utf8('12\u00003456')],
    ['a control character of Latin-1', utf8('12345\u0085')],
    ['bytes that are not UTF-8', Uint8Array.of(0x31, 0xff)],
    ['an encoded surrogate', Uint8Array.of(0xed, 0xa0, 0x80)],
    ['an overlong form', Uint8Array.of(0xc0, 0xb1)],
  ])('%s is refused', (_, bytes) => {
    expect(() => normalisePin(Secret.copyOf(bytes))).toThrow(expect.objectContaining({ code: 'ERR_PIN_NOT_TEXT' }));
  });

  test('what is longer than any PIN is refused before it is looked at', () => {
    expect(() => normalisePin(Secret.copyOf(new Uint8Array(MAX_PIN_BYTES + 1)))).toThrow(
      expect.objectContaining({ code: 'ERR_PIN_TOO_LONG' }),
    );
  });

  test('code points are read as the runtime reads them', () => {
    const sample = 'aß€😀z';
    expect([...codePoints(utf8(sample))]).toEqual([...sample].map((c) => c.codePointAt(0)));
  });
});
