/** The TOML form: lossless, and total on whatever stands in a file. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dynamicLockProblems } from '../../../agent/policy/dynamic-lock.ts';
import { checkedDocument, formatDocument, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { parseToml } from '../../../agent/policy/forms/native-toml.ts';
import { formatToml } from '../../../agent/policy/forms/write-toml.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { documents, dynamicLocks } from '../../support/policy/arbitrary-document.ts';

test('a document comes back from its TOML, and that text is stable', () => {
  fc.assert(
    fc.property(documents, (document) => {
      const text = formatToml(document);
      expect(parseToml(text)).toEqual(document);
      expect(formatToml(parseToml(text))).toBe(text);
    }),
    { numRuns: 200 },
  );
});

test('a document comes back from its JSON', () => {
  fc.assert(
    fc.property(documents, (document) => {
      expect(parseDocument(formatDocument(document))).toEqual(document);
    }),
  );
});

test('a text that was damaged is a document, or an error with the line and column of something in it', () => {
  const damaged = fc
    .tuple(documents, fc.nat(5000), fc.constantFrom('', '[', '"', '=', '\n', '\u0000', 'x = 1\n', "'''"), fc.nat(20))
    .map(([document, at, piece, cut]) => {
      const text = formatToml(document);
      const from = at % text.length;
      return `${text.slice(0, from)}${piece}${text.slice(from + cut)}`;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string({ maxLength: 100 })), (text) => {
      try {
        parseToml(text);
      } catch (error) {
        if (!isUnlockdError(error, 'ERR_POLICY_INVALID')) throw error;
        const { line, column } = error.detail;
        const lines = text.split('\n');
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual((lines[Number(line) - 1] ?? '').length + 2);
      }
    }),
    { numRuns: 500 },
  );
});

test('the schema of dynamic lock and its own check agree on what is wrong', () => {
  const contexts = { unlock: { require: { all: ['pin', 'securityKey'] } } };
  fc.assert(
    fc.property(dynamicLocks, (dynamicLock) => {
      const read = () => checkedDocument({ version: 2, contexts, dynamicLock }).dynamicLock;
      if (dynamicLockProblems(dynamicLock).length === 0) expect(read()).toEqual(dynamicLock);
      else expect(read).toThrow(expect.objectContaining({ code: 'ERR_POLICY_INVALID' }));
    }),
    { numRuns: 1000 },
  );
});
