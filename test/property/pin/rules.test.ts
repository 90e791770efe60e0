import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codePoints, normalisePin } from '../../../agent/enrolment/pin/characters.ts';
import { pinProblems } from '../../../agent/enrolment/pin/rules.ts';
import { DEFAULT_PIN_RULES } from '../../../agent/policy/model.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { Secret } from '../../../drivers/base/secret.ts';

test('any bytes are a PIN with a list of problems, or a typed error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1100 }), fc.string({ unit: 'binary' }).map(utf8)), (bytes) => {
      try {
        const pin = normalisePin(Secret.copyOf(bytes));
        expect(Array.isArray(pinProblems(pin, DEFAULT_PIN_RULES))).toBe(true);
        expect(normalisePin(pin).equals(pin)).toBe(true);
      } catch (error) {
        expect(isUnlockdError(error, 'ERR_PIN_NOT_TEXT', 'ERR_PIN_TOO_LONG')).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
});

test('the characters are those that the runtime finds in the normalised text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const expected = [...text.normalize('NFC')].map((c) => c.codePointAt(0));
      expect([...codePoints(normalisePin(Secret.take(utf8(text))).expose())]).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});
