/**
 * Extensions whose outputs are plain members of authenticator data: credBlob (CTAP 2.1 §12.2) and minPinLength (§12.4).
 * largeBlobKey (§12.3) is no output but a member of the response; see {@link Assertion} and {@link MadeCredential}.
 */
import type { AuthenticatorData } from './auth-data.ts';
import { asBoolean, asBytes, asUnsigned, malformed, optionalMember } from './fields.ts';

export const CRED_BLOB = 'credBlob';
export const LARGE_BLOB_KEY = 'largeBlobKey';
export const MIN_PIN_LENGTH = 'minPinLength';

/** §6.4: no key takes fewer (0x0F); this is far above what any takes. */
const MAX_CRED_BLOB = 1024;

/** Whether the new credential keeps the blob. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export const credBlobStored = ({ extensions }: AuthenticatorData): boolean =>
  optionalMember(extensions, CRED_BLOB, asBoolean, 'the output of credBlob') ?? false;

/** The blob of an assertion; null: the key does not know the extension. @throws {ERR_CTAP_MALFORMED_RESPONSE} */
export function credBlobOf({ extensions }: AuthenticatorData): Uint8Array | null {
  const blob = optionalMember(extensions, CRED_BLOB, asBytes, 'the output of credBlob') ?? null;
  if (blob !== null && blob.length > MAX_CRED_BLOB) throw malformed(`a credBlob of ${blob.length} bytes`);
  return blob;
}

/**
 * The smallest PIN in code points, as the key tells relying parties that it was told of (setMinPINLength).
 * @returns null: this relying party is not one of them
 * @throws {ERR_CTAP_MALFORMED_RESPONSE}
 */
export function minPinLengthOf({ extensions }: AuthenticatorData): number | null {
  const length = optionalMember(extensions, MIN_PIN_LENGTH, asUnsigned, 'the output of minPinLength') ?? null;
  if (length !== null && (length < 4 || length > 63)) throw malformed(`a minPinLength of ${length}`);
  return length;
}
