/** Somebody who signs policy documents, with a key of his own. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { formatSignedDocument, signedBytes } from '../../../agent/policy/forms/signed-document.ts';

export class DocumentSigner {
  /** What stands in the file that `policy.document_key` names. */
  readonly publicKey: string;
  readonly id: string;
  readonly #privateKey;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.#privateKey = privateKey;
    this.publicKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.id = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
  }

  signature(version: number, document: string): Uint8Array {
    return new Uint8Array(sign(null, signedBytes({ version, document }), this.#privateKey));
  }

  /** The signed document as `policy set` takes it. */
  signed(version: number, document: string): string {
    return formatSignedDocument({ version, document, key: this.id, signature: this.signature(version, document) });
  }
}
