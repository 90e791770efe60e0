/**
 * How a request carries user verification (CTAP 2.1 §6.1, §6.2): a pinUvAuthToken over the client data hash, the option
 * `uv` of a key that verifies by itself, or nothing.
 */
import type { PinUvAuthToken } from './client-pin.ts';
import { authenticate } from './pin-uv-protocol.ts';
import type { CborValue } from './wire/cbor.ts';

export type Verification =
  | { readonly kind: 'none' }
  /** CTAP 2.0 keys with a reader of their own: the option `uv` in the request. */
  | { readonly kind: 'option' }
  | { readonly kind: 'token'; readonly token: PinUvAuthToken };

export const NO_VERIFICATION: Verification = { kind: 'none' };

/** Where the two members stand differs by command. */
export interface VerificationKeys {
  readonly pinUvAuthParam: number;
  readonly pinUvAuthProtocol: number;
}

/** Members that prove the verification to the key. @param clientDataHash what is authenticated */
export function verificationMembers(
  verification: Verification,
  clientDataHash: Uint8Array,
  keys: VerificationKeys,
): [number, CborValue][] {
  if (verification.kind !== 'token') return [];
  const { protocol, token } = verification.token;
  return [
    [keys.pinUvAuthParam, authenticate(protocol, token, clientDataHash)],
    [keys.pinUvAuthProtocol, protocol],
  ];
}
