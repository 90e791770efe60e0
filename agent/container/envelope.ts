/**
 * The envelope of every state file: what it is, which version of the format, and a digest of its body, so that damage
 * is told from hostility and an older program never guesses at a newer file. CBOR, canonical in both directions.
 */
import { createHash } from 'node:crypto';
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import { type CborValue, decodeStrict, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { bytes, corrupt, integer, oneOf, record, type Shape, text } from './shape.ts';

/** A state file is small; anything larger is not ours. */
export const MAX_STATE_BYTES = 512 * 1024;
const DEPTH = { maxDepth: 12 };
const FORMAT = 'unlockd state';

const envelope = record({
  format: oneOf(FORMAT),
  kind: text(32),
  version: integer(1, 0xffff),
  sha256: bytes({ exact: 32 }),
  body: bytes({ max: MAX_STATE_BYTES }),
});

const digest = (body: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(body).digest());

/** A kind of state file: its newest shape, and how bodies of older versions become one of today's. */
export interface StateKind<T> {
  readonly kind: string;
  readonly version: number;
  readonly shape: Shape<T>;
  /** One step each: from version `n` to `n + 1`, on the decoded CBOR. */
  readonly upgrades?: Readonly<Record<number, (body: CborValue) => CborValue>>;
}

/** @throws {ERR_STATE_CORRUPT} when the value does not fit its own shape */
export function encodeState<T>(kind: StateKind<T>, value: T): Uint8Array<ArrayBuffer> {
  const body = encodeCanonical(kind.shape.encode(value), DEPTH);
  const whole = { format: FORMAT, kind: kind.kind, version: kind.version, sha256: digest(body), body } as const;
  const file = encodeCanonical(envelope.encode(whole), DEPTH);
  // What could not be read back must never take the place of what can.
  decodeState(kind, file);
  return file;
}

/**
 * @throws {ERR_STATE_CORRUPT} damaged, of another kind, or with a field that cannot be
 * @throws {ERR_STATE_NEWER} written by a newer version of the product
 */
export function decodeState<T>(kind: StateKind<T>, file: Uint8Array): T {
  if (file.length > MAX_STATE_BYTES) throw corrupt(kind.kind, 'larger than a state file can be');
  const outer = envelope.decode(decodeCbor(file, kind.kind), kind.kind);
  if (outer.kind !== kind.kind) throw corrupt(kind.kind, `a file of the kind ${outer.kind}`);
  if (!bytesEqual(digest(outer.body), outer.sha256)) throw corrupt(kind.kind, 'the digest does not fit the content');
  if (outer.version > kind.version) {
    throw new UnlockdError(
      'ERR_STATE_NEWER',
      `${kind.kind}: version ${outer.version}, this program knows ${kind.version}`,
      {
        detail: { version: outer.version, known: kind.version },
      },
    );
  }
  let body = decodeCbor(outer.body, kind.kind);
  for (let version = outer.version; version < kind.version; version++) {
    const upgrade = kind.upgrades?.[version];
    if (upgrade === undefined) throw corrupt(kind.kind, `no way from version ${version}`);
    body = upgrade(body);
  }
  return kind.shape.decode(body, kind.kind);
}

function decodeCbor(file: Uint8Array, path: string): CborValue {
  try {
    return decodeStrict(file, DEPTH);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_CTAP_INVALID_CBOR')) throw error;
    throw corrupt(path, error.message);
  }
}
