/**
 * The shape that the commands which manage a key have in common (CTAP 2.1 §6.7, §6.8, §6.11): a subcommand, its parameters
 * as a map of their own, and a pinUvAuthParam over both.
 */
import { concat, u8 } from '../base/bytes.ts';
import { UnlockdError } from '../base/errors.ts';
import type { Authenticator, CallOptions, CtapCommandName } from './authenticator.ts';
import type { PinUvAuthToken } from './client-pin.ts';
import { authenticate } from './pin-uv-protocol.ts';
import { type CborMap, type CborValue, encodeCanonical } from './wire/cbor.ts';

/** Where the members of a command stand. */
export interface ManagedKeys {
  readonly subCommand: number;
  readonly subCommandParams: number;
  readonly pinUvAuthProtocol: number;
  readonly pinUvAuthParam: number;
}

export interface ManagedRequest {
  readonly name: CtapCommandName;
  readonly keys: ManagedKeys;
  readonly subCommand: number;
  readonly params?: CborMap | undefined;
  /** Null: the subcommand needs none. */
  readonly token: PinUvAuthToken | null;
  /** What stands in front of the subcommand in what is authenticated. */
  readonly prefix?: Uint8Array;
  /** Members besides. */
  readonly members?: readonly (readonly [number, CborValue])[];
}

export async function managedCall(
  authenticator: Authenticator,
  request: ManagedRequest,
  options: CallOptions,
): Promise<CborMap> {
  const { keys, subCommand, params, token, prefix = new Uint8Array(0) } = request;
  const members = new Map<number, CborValue>([...(request.members ?? []), [keys.subCommand, subCommand]]);
  if (params !== undefined) members.set(keys.subCommandParams, params);
  if (token !== null) {
    const encoded = params === undefined ? new Uint8Array(0) : encodeCanonical(params);
    members.set(keys.pinUvAuthProtocol, token.protocol);
    members.set(
      keys.pinUvAuthParam,
      authenticate(token.protocol, token.token, concat(prefix, u8(subCommand), encoded)),
    );
  }
  return await authenticator.call(request.name, members, options);
}

/** @throws {ERR_CTAP_UNSUPPORTED} */
export const unsupported = (what: string): UnlockdError =>
  new UnlockdError('ERR_CTAP_UNSUPPORTED', `the security key ${what}`, { detail: { what } });
