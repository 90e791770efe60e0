/** What the extensions ask for when a credential is made (CTAP 2.1 §12; hmac-secret-mc of CTAP 2.2 §12.8). */
import type { CborValue } from '../../drivers/fido2/wire/cbor.ts';
import { MAKE_CREDENTIAL } from '../../drivers/fido2/wire/constants.ts';
import type { ProtectionLevel } from './credential.ts';
import { type HmacSecretRequest, hmacSecretRequest } from './hmac-secret.ts';
import type { Params } from './params.ts';
import type { ExtensionName } from './profile.ts';
import { refusal } from './refusal.ts';
import type { CommandContext } from './session.ts';

export interface RegistrationExtensions {
  readonly protection: ProtectionLevel;
  /** Outputs that are known before the credential is; in its authenticator data. */
  readonly output: Map<string, CborValue>;
  readonly credBlob: Uint8Array | null;
  readonly largeBlob: boolean;
  /** Answered with the new credential; null: not asked for. */
  readonly hmacSecret: HmacSecretRequest | null;
}

/** @throws {CtapRefusal} CTAP2_ERR_INVALID_OPTION and what each extension names */
export function registrationExtensions(
  context: CommandContext,
  params: Params,
  { rpId, resident }: { readonly rpId: string; readonly resident: boolean },
): RegistrationExtensions {
  const input = params.mapOr(MAKE_CREDENTIAL.extensions);
  const has = (name: ExtensionName): boolean => context.profile.extensions.includes(name) && input?.has(name) === true;
  const output = new Map<string, CborValue>();
  let protection: ProtectionLevel = 1;
  if (input !== undefined && has('credProtect')) {
    const level = input.int('credProtect');
    if (level !== 1 && level !== 2 && level !== 3) throw refusal('CTAP2_ERR_INVALID_OPTION');
    protection = level;
    output.set('credProtect', level);
  }
  const wantsSecret = input !== undefined && has('hmac-secret') && input.boolOr('hmac-secret') === true;
  if (wantsSecret) output.set('hmac-secret', true);
  let credBlob: Uint8Array | null = null;
  if (input !== undefined && has('credBlob')) {
    const blob = input.bytes('credBlob');
    const fits = resident && blob.length <= context.profile.maxCredBlobLength;
    if (fits) credBlob = new Uint8Array(blob);
    output.set('credBlob', fits);
  }
  const largeBlob = input !== undefined && has('largeBlobKey');
  // §12.3: it is true or it is not there, and only for credentials that are stored.
  if (largeBlob && (input.boolOr('largeBlobKey') !== true || !resident)) throw refusal('CTAP2_ERR_INVALID_OPTION');
  if (input !== undefined && has('minPinLength') && input.boolOr('minPinLength') === true) {
    if (context.state.minPinLengthRpIds.includes(rpId)) output.set('minPinLength', context.state.minPinLength);
  }
  const hmacSecret =
    input !== undefined && wantsSecret && has('hmac-secret-mc')
      ? hmacSecretRequest(context, input.map('hmac-secret-mc'))
      : null;
  return { protection, output, credBlob, largeBlob, hmacSecret };
}
