/**
 * The unlock policy of the machine as root set it, with a number that grows; containers follow at their next unlock. Of a
 * signed document the signature is kept with it, and the highest version that was ever taken for as long as the file is.
 */
import type { CborValue } from '../../drivers/fido2/wire/cbor.ts';
import type { StateKind } from './envelope.ts';
import { bytes, integer, nullable, record, text, withAdded } from './shape.ts';

export interface MachinePolicy {
  readonly version: number;
  /** JSON. */
  readonly document: string;
  /** Null: the document was not signed, or no signature was asked for. */
  readonly signature: {
    /** As its author counts. */
    readonly documentVersion: number;
    /** SHA-256 of the key's SubjectPublicKeyInfo. */
    readonly key: Uint8Array;
    readonly signature: Uint8Array;
  } | null;
  /** The highest version of a signed document that was taken; 0: none was. */
  readonly signedUpTo: number;
}

const VERSION_MAX = 0xffff_ffff;

/** Version 1 knew no signed documents. */
function unsigned(body: CborValue): CborValue {
  if (!(body instanceof Map)) return body;
  return withAdded(body, 'policy', [
    ['signature', null],
    ['signedUpTo', 0],
  ]);
}

export const POLICY_STATE: StateKind<MachinePolicy> = {
  kind: 'policy',
  version: 2,
  shape: record({
    version: integer(1, VERSION_MAX),
    document: text(65_536),
    signature: nullable(
      record({
        documentVersion: integer(1, VERSION_MAX),
        key: bytes({ exact: 32 }),
        signature: bytes({ exact: 64 }),
      }),
    ),
    signedUpTo: integer(0, VERSION_MAX),
  }),
  upgrades: { 1: unsigned },
};
