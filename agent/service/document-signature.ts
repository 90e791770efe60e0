/**
 * Signed policy documents at the door of the service: what was given, whether it has to be signed, and whether what is
 * stored still is. Which keys count is read anew each time, so that a key that was taken out counts no longer.
 */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { checkSigned, isSignedByTrusted } from '../container/document-keys.ts';
import type { MachinePolicy } from '../container/machine-policy.ts';
import { isSignedDocument, parseSignedDocument, type SignedDocument } from '../policy/forms/signed-document.ts';
import type { ServiceParts } from './parts.ts';

export interface GivenDocument {
  /** JSON. */
  readonly document: string;
  readonly signed: SignedDocument | null;
}

/** @throws {ERR_POLICY_DOCUMENT_SIGNATURE} it says that it is signed and is not of that form */
export function givenDocument(text: string): GivenDocument {
  if (!isSignedDocument(text)) return { document: text, signed: null };
  const signed = parseSignedDocument(text);
  return { document: signed.document, signed };
}

/** What is stored beside the document. */
export type StoredSignature = Pick<MachinePolicy, 'signature' | 'signedUpTo'>;

/** The stored policy; one that cannot be read is none: root is about to replace it. */
async function storedPolicy(parts: ServiceParts): Promise<MachinePolicy | null> {
  try {
    return await parts.store.readPolicy();
  } catch (error) {
    if (isUnlockdError(error, 'ERR_STATE_CORRUPT')) return null;
    throw error;
  }
}

/**
 * Checks what was given against the keys of this machine. Without such keys any document is taken, and a signature is not
 * looked at.
 * @throws {ERR_POLICY_DOCUMENT_UNSIGNED | ERR_POLICY_DOCUMENT_SIGNATURE | ERR_POLICY_DOCUMENT_OLDER}
 * @throws {ERR_CONFIG_INVALID | ERR_CONFIG_UNREADABLE | ERR_CONFIG_PERMISSION} the keys cannot be had
 */
export async function requireSignature(parts: ServiceParts, { signed }: GivenDocument): Promise<StoredSignature> {
  const signedUpTo = (await storedPolicy(parts))?.signedUpTo ?? 0;
  const keys = parts.settings.documentKeys?.() ?? null;
  if (keys === null) return { signature: null, signedUpTo };
  if (signed === null) {
    throw new UnlockdError('ERR_POLICY_DOCUMENT_UNSIGNED', 'the document has no signature');
  }
  const signature = checkSigned(signed, keys, signedUpTo);
  return { signature, signedUpTo: signature.documentVersion };
}

/** What root should know of the signature of the policy that is stored. */
export async function signatureWarnings(parts: ServiceParts): Promise<readonly string[]> {
  const stored = await storedPolicy(parts);
  if (stored === null) return [];
  try {
    const keys = parts.settings.documentKeys?.() ?? null;
    if (keys === null || isSignedByTrusted(stored, keys)) return [];
    return ['this machine takes signed policies only, and this one is not signed by a key that it trusts now'];
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
    return [`no policy can be set, as the keys of signed policies cannot be had: ${error.message}`];
  }
}
