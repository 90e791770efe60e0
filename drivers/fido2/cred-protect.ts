/** The credProtect extension (CTAP 2.1 §12.1): when a credential may be used without user verification. */

import type { AuthenticatorData } from './auth-data.ts';
import { asUnsigned, optionalMember } from './fields.ts';

export const CRED_PROTECT = 'credProtect';

export const CRED_PROTECT_POLICY = {
  userVerificationOptional: 1,
  userVerificationOptionalWithCredentialIDList: 2,
  userVerificationRequired: 3,
} as const;

/** @returns the level the key has set; undefined where it said nothing */
export const credProtectLevel = (data: AuthenticatorData): number | undefined =>
  optionalMember(data.extensions, CRED_PROTECT, asUnsigned, 'credProtect');
