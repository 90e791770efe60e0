/** Authenticator data as bytes (WebAuthn §6.1): what is signed, and the one place where a behaviour can make it lie. */
import { concat, fromHex, u8, u16, u32 } from '../../drivers/base/bytes.ts';
import { type CborValue, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { AUTH_DATA_FLAG } from '../../drivers/fido2/wire/constants.ts';
import { type Credential, rpIdHashOf } from './credential.ts';
import type { Profile } from './profile.ts';

export interface AuthDataParts {
  rpIdHash: Uint8Array;
  /** {@link AUTH_DATA_FLAG} bits. */
  flags: number;
  signCount: number;
  /** Attested credential data, present in registrations. */
  attested: { aaguid: Uint8Array; credentialId: Uint8Array; publicKey: CborValue } | null;
  extensions: ReadonlyMap<string, CborValue>;
}

export function authDataParts(
  profile: Profile,
  options: {
    credential: Credential;
    attest: boolean;
    up: boolean;
    uv: boolean;
    signCount: number;
    extensions: ReadonlyMap<string, CborValue>;
  },
): AuthDataParts {
  const { credential, attest, up, uv, extensions } = options;
  const bit = (on: boolean, flag: number): number => (on ? flag : 0);
  return {
    rpIdHash: rpIdHashOf(credential.rpId),
    flags:
      bit(up, AUTH_DATA_FLAG.UP) |
      bit(uv, AUTH_DATA_FLAG.UV) |
      bit(attest, AUTH_DATA_FLAG.AT) |
      bit(extensions.size > 0, AUTH_DATA_FLAG.ED),
    signCount: options.signCount,
    attested: attest
      ? {
          aaguid: fromHex(profile.aaguid),
          credentialId: credential.id,
          publicKey: credential.key.publicKey,
        }
      : null,
    extensions,
  };
}

export function encodeAuthData(parts: AuthDataParts): Uint8Array {
  const { attested, extensions } = parts;
  return concat(
    parts.rpIdHash,
    u8(parts.flags),
    u32(parts.signCount),
    ...(attested
      ? [attested.aaguid, u16(attested.credentialId.length), attested.credentialId, encodeCanonical(attested.publicKey)]
      : []),
    ...(extensions.size > 0 ? [encodeCanonical(extensions)] : []),
  );
}
