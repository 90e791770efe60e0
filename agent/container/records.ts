/**
 * What is kept encrypted under the container key: derivations of earlier PINs (so that they can be refused), the wrap
 * keys of the security keys (so that a new group secret can be wrapped for keys that are not plugged in), and earlier
 * container keys (so that what was encrypted under them can be moved).
 */
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { decodeStrict, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { deriveKey, openBox, sealBox } from './secret-box.ts';
import { bytes, corrupt, integer, list, record, type ShapeOf } from './shape.ts';

const shape = record({
  pinHistory: list(record({ salt: bytes({ exact: 16 }), logN: integer(10, 20), value: bytes({ exact: 32 }) }), 50),
  wrapKeys: list(record({ credentialId: bytes({ max: 1023 }), key: bytes({ exact: 32 }) }), 16),
  earlierKeys: list(record({ containerId: bytes({ exact: 16 }), key: bytes({ exact: 32 }) }), 8),
});

export type Records = ShapeOf<typeof shape>;

export const EMPTY_RECORDS: Records = { pinHistory: [], wrapKeys: [], earlierKeys: [] };

export function sealRecords(
  containerKey: Secret,
  containerId: Uint8Array,
  records: Records,
  entropy: Entropy,
): Uint8Array {
  using key = deriveKey(containerKey, 'records v1', containerId);
  const clear = encodeCanonical(shape.encode(records), { maxDepth: 8 });
  try {
    return sealBox(key, clear, containerId, entropy);
  } finally {
    clear.fill(0);
  }
}

/** @throws {ERR_STATE_CORRUPT} when they do not open under this container key */
export function openRecords(containerKey: Secret, containerId: Uint8Array, sealed: Uint8Array): Records {
  using key = deriveKey(containerKey, 'records v1', containerId);
  using clear = openBox(key, sealed, containerId);
  if (clear === null) throw corrupt('container.records', 'they do not open under the container key');
  return shape.decode(decodeStrict(clear.expose(), { maxDepth: 8 }), 'container.records');
}

/** Zeroes what {@link openRecords} gave. */
export function wipeRecords(records: Records): void {
  for (const entry of records.pinHistory) entry.value.fill(0);
  for (const entry of records.wrapKeys) entry.key.fill(0);
  for (const entry of records.earlierKeys) entry.key.fill(0);
}
