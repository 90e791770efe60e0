/** The largest policy document goes through the API, plain and signed, and what is larger is refused by its reader. */
import { expect, it } from 'vitest';
import { MAX_POLICY_LENGTH, parseDocument } from '../../../agent/policy/forms/native-json.ts';
import { isSignedDocument, parseSignedDocument } from '../../../agent/policy/forms/signed-document.ts';
import { apiOnSocket, peerOfUid } from '../../support/api/api-on-socket.ts';
import { clientOf } from '../../support/api/calls.ts';
import { FakeService } from '../../support/api/fake-service.ts';
import { DocumentSigner } from '../../support/policy/document-signer.ts';

/** A document of exactly that many characters, filled with one that takes as much room as it can. */
function documentOf(length: number, filler: string): string {
  const contexts = { unlock: { require: { all: ['pin', 'securityKey'] } } };
  const settings = (text: readonly string[]): string =>
    JSON.stringify({
      version: 2,
      contexts,
      windowsSettings: Object.fromEntries(text.map((value, i) => [`./Device/${i}`, value])),
    });
  const piece = 8000;
  const unit = JSON.stringify(filler).length - 2;
  const pieces: string[] = [];
  for (let left = length - settings([]).length - 400; left > 0; left -= piece) {
    pieces.push(filler.repeat(Math.floor(Math.min(left, piece) / unit)));
  }
  const text = settings(pieces);
  return `${text}${' '.repeat(length - text.length)}`;
}

it.each([
  ['of three bytes', 'ह'],
  ['that JSON escapes', '"'],
])('a document at the limit, of characters %s, arrives as it was sent', async (_what, filler) => {
  const document = documentOf(MAX_POLICY_LENGTH, filler);
  expect(document).toHaveLength(MAX_POLICY_LENGTH);
  const service = new FakeService();
  const api = await apiOnSocket(service);
  try {
    api.peer = peerOfUid(0);
    const client = clientOf(api);
    for (const text of [document, new DocumentSigner().signed(0xffff_ffff, document)]) {
      await client.setPolicy(text);
      expect(service.policyDocument).toEqual(JSON.parse(text));
    }
    const signed = new DocumentSigner().signed(1, document);
    expect(isSignedDocument(signed)).toBe(true);
    expect(parseSignedDocument(signed).document).toBe(document);
    expect(parseDocument(document).version).toBe(2);
    expect(() => parseDocument(`${document} `)).toThrow(expect.objectContaining({ code: 'ERR_POLICY_INVALID' }));
  } finally {
    await api[Symbol.asyncDispose]();
    expect(api.unexpected).toEqual([]);
  }
});
