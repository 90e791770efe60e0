/**
 * The keys whose signature a policy document needs where `policy.document_key` names a file of them: Ed25519 (RFC 8032),
 * PEM, one after the other. They are other keys than the authority's: that one approves TPM policies, these say what the
 * machine's administrators have written.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { bytesEqual, toHex } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { type SignedDocument, signedBytes } from '../policy/forms/signed-document.ts';
import type { MachinePolicy } from './machine-policy.ts';

export interface DocumentKey {
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly id: Uint8Array;
  readonly key: KeyObject;
}

/** More than any rotation of keys needs. */
const MAX_KEYS = 32;
const PEM = /-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----/g;

const invalid = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CONFIG_INVALID', `policy.document_key: ${reason}`, {
    detail: { key: 'policy.document_key' },
    cause,
  });

/**
 * @param pem the text of the file; text around the keys is comment
 * @throws {ERR_CONFIG_INVALID} it holds no key, too many, or one that is not Ed25519
 */
export function documentKeysOf(pem: string): readonly DocumentKey[] {
  const blocks = pem.match(PEM) ?? [];
  // A block that was not matched whole would be a key that somebody believes to be trusted.
  if (blocks.length !== (pem.match(/-----BEGIN /g) ?? []).length)
    throw invalid('it holds something else than public keys');
  if (blocks.length === 0 || blocks.length > MAX_KEYS)
    throw invalid(`it holds ${blocks.length} keys; 1 to ${MAX_KEYS} are taken`);
  return blocks.map((block) => {
    let key: KeyObject;
    try {
      key = createPublicKey(block);
    } catch (cause) {
      throw invalid('a key in it cannot be read', cause);
    }
    if (key.asymmetricKeyType !== 'ed25519') throw invalid(`a key in it is ${key.asymmetricKeyType}, not Ed25519`);
    return {
      id: new Uint8Array(
        createHash('sha256')
          .update(key.export({ type: 'spki', format: 'der' }))
          .digest(),
      ),
      key,
    };
  });
}

/**
 * What of a signed document is kept with the policy, after its signature and its version were checked.
 * @param signedUpTo the highest version that was taken before
 * @throws {ERR_POLICY_DOCUMENT_SIGNATURE} of no trusted key, or not valid
 * @throws {ERR_POLICY_DOCUMENT_OLDER} not above `signedUpTo`: an older document, or the same once more
 */
export function checkSigned(
  signed: SignedDocument,
  keys: readonly DocumentKey[],
  signedUpTo: number,
): NonNullable<MachinePolicy['signature']> {
  const trusted = keys.find(({ id }) => toHex(id) === signed.key);
  if (trusted === undefined) {
    throw new UnlockdError('ERR_POLICY_DOCUMENT_SIGNATURE', 'it is signed by a key that this machine does not trust', {
      detail: { key: signed.key },
    });
  }
  if (!verify(null, signedBytes(signed), trusted.key, signed.signature)) {
    throw new UnlockdError('ERR_POLICY_DOCUMENT_SIGNATURE', 'the signature does not fit the document and its version');
  }
  // After the signature: who cannot sign learns nothing of the versions here.
  if (signed.version <= signedUpTo) {
    throw new UnlockdError(
      'ERR_POLICY_DOCUMENT_OLDER',
      `version ${signed.version} is not above ${signedUpTo}, which this machine has taken`,
      { detail: { version: signed.version, taken: signedUpTo } },
    );
  }
  return { documentVersion: signed.version, key: trusted.id, signature: signed.signature };
}

/** Whether the signature that is kept with a policy is still one of a trusted key over it. */
export function isSignedByTrusted({ document, signature }: MachinePolicy, keys: readonly DocumentKey[]): boolean {
  if (signature === null) return false;
  const trusted = keys.find(({ id }) => bytesEqual(id, signature.key));
  const bytes = signedBytes({ version: signature.documentVersion, document });
  return trusted !== undefined && verify(null, bytes, trusted.key, signature.signature);
}
