/** Whatever stands in a file is a policy or a typed error, in whatever form it claims to be. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromWindows } from '../../../agent/policy/forms/from-windows.ts';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { POLICY_FORMATS, readPolicyFiles } from '../../../agent/policy/forms/policy-file.ts';
import { parseSignedDocument } from '../../../agent/policy/forms/signed-document.ts';
import { writeReg } from '../../../agent/policy/forms/windows/reg-write.ts';
import { writeWindowsStrings } from '../../../agent/policy/forms/windows/write.ts';
import { formatToml } from '../../../agent/policy/forms/write-toml.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { documents } from '../../support/policy/arbitrary-document.ts';
import { windowsPolicies } from '../../support/policy/arbitrary-windows.ts';
import { DocumentSigner } from '../../support/policy/document-signer.ts';

const signer = new DocumentSigner();
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const plainWindows = windowsPolicies.map(({ groupA, groupB, rules }) => ({
  ...(groupA === undefined || groupB === undefined ? {} : { groupA, groupB }),
  rules,
  nodes: [],
}));

const files: fc.Arbitrary<Uint8Array> = fc.oneof(
  documents.map((document) => utf8(formatToml(document))),
  documents.map((document) => utf8(formatDocument(document))),
  documents.map((document) => utf8(signer.signed(1, formatDocument(document)))),
  plainWindows.map((policy) => writeReg(policy)),
  plainWindows.map((policy) => utf8(JSON.stringify(writeWindowsStrings(policy)))),
);

const damaged = fc
  .tuple(
    files,
    fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { maxLength: 2 }),
    fc.option(fc.nat(20_000), { freq: 1 }),
  )
  .map(([file, bytes, cut]) => {
    const copy = Uint8Array.from(file);
    for (const [at, byte] of bytes) copy[at % copy.length] = byte;
    return cut === null ? copy : copy.subarray(0, cut % copy.length);
  });

test('any octets, read in any format, are a document or an error of the policy', () => {
  const octets = fc.oneof({ weight: 6, arbitrary: damaged }, fc.uint8Array({ maxLength: 60 }));
  const formats = fc.constantFrom('auto' as const, 'auto' as const, ...POLICY_FORMATS);
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(octets, formats, (data, format) => {
      try {
        expect(readPolicyFiles([{ name: 'a file', data }], format).document.version).toBe(2);
        seen.read++;
      } catch (error) {
        if (!isUnlockdError(error)) throw error;
        expect(error.code).toMatch(/^ERR_POLICY_/);
        seen.refused++;
      }
    }),
    { numRuns: 500 },
  );
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(8);
});

test('each form is told from its content', () => {
  const form = (data: Uint8Array) => readPolicyFiles([{ name: 'a file', data }]);
  fc.assert(
    fc.property(documents, plainWindows, (document, policy) => {
      expect(form(utf8(formatToml(document)))).toMatchObject({ form: 'TOML', document });
      expect(form(utf8(formatDocument(document)))).toMatchObject({ form: 'JSON', document });
      const signed = form(utf8(signer.signed(4, formatDocument(document))));
      expect(signed).toMatchObject({ form: 'signed document', document, signed: { version: 4, key: signer.id } });
      const { document: imported } = fromWindows(policy);
      expect(form(writeReg(policy)).document).toEqual(imported);
      if (policy.groupA !== undefined || policy.rules.length > 0) {
        const strings = utf8(JSON.stringify(writeWindowsStrings(policy)));
        expect(form(strings)).toMatchObject({ form: 'Windows policy', document: imported });
      }
    }),
    { numRuns: 60 },
  );
});

test('a signed document that was changed anywhere is another document or an error, never the same signature’s', () => {
  fc.assert(
    fc.property(documents, fc.nat(), fc.nat(255), (document, at, byte) => {
      const text = signer.signed(3, formatDocument(document));
      const bytes = utf8(text);
      bytes[at % bytes.length] = byte;
      const changed = new TextDecoder().decode(bytes);
      try {
        const read = parseSignedDocument(changed);
        if (changed === text || JSON.stringify(JSON.parse(changed)) === JSON.stringify(JSON.parse(text))) return;
        const { version, document: inner, key, signature } = read;
        const same =
          version === 3 &&
          inner === formatDocument(document) &&
          key === signer.id &&
          Buffer.from(signature).equals(Buffer.from(signer.signature(3, inner)));
        expect(same).toBe(false);
      } catch (error) {
        if (!isUnlockdError(error, 'ERR_POLICY_DOCUMENT_SIGNATURE')) throw error;
      }
    }),
    { numRuns: 150 },
  );
});
