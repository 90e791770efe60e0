/**
 * What is kept encrypted under the container key: derivations of earlier PINs (so that they can be refused), the wrap
 * keys of the security keys (so that a new group secret can be wrapped for keys that are not plugged in), and earlier
 * container keys (so that what was encrypted under them can be moved).
 */
import type { Entropy } from '../../drivers/base/entropy.ts';
import type { Secret } from '../../drivers/base/secret.ts';
import { type CborValue, decodeStrict, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { FURTHER_CONTEXTS } from './references.ts';
import { deriveKey, openBox, sealBox } from './secret-box.ts';
import { bytes, corrupt, integer, list, oneOf, record, type ShapeOf } from './shape.ts';

const shape = record({
  pinHistory: list(record({ salt: bytes({ exact: 16 }), logN: integer(10, 20), value: bytes({ exact: 32 }) }), 50),
  wrapKeys: list(record({ credentialId: bytes({ max: 1023 }), key: bytes({ exact: 32 }) }), 16),
  earlierKeys: list(record({ containerId: bytes({ exact: 16 }), key: bytes({ exact: 32 }) }), 8),
  /** Of the contexts beside `unlock` of those earlier containers; left out of the file where there is none. */
  earlierContexts: list(
    record({ containerId: bytes({ exact: 16 }), context: oneOf(...FURTHER_CONTEXTS), key: bytes({ exact: 32 }) }),
    32,
  ),
});

export type Records = ShapeOf<typeof shape>;

export const EMPTY_RECORDS: Records = { pinHistory: [], wrapKeys: [], earlierKeys: [], earlierContexts: [] };

/** Records that were written before there were contexts have no list of them. */
const withAll = (records: CborValue): CborValue =>
  records instanceof Map && !records.has('earlierContexts') ? new Map([...records, ['earlierContexts', []]]) : records;

const withoutEmpty = (records: CborValue): CborValue =>
  records instanceof Map
    ? new Map(
        [...records].filter(([name, list]) => name !== 'earlierContexts' || !Array.isArray(list) || list.length > 0),
      )
    : records;

export function sealRecords(
  containerKey: Secret,
  containerId: Uint8Array,
  records: Records,
  entropy: Entropy,
): Uint8Array {
  using key = deriveKey(containerKey, 'records v1', containerId);
  const clear = encodeCanonical(withoutEmpty(shape.encode(records)), { maxDepth: 8 });
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
  return shape.decode(withAll(decodeStrict(clear.expose(), { maxDepth: 8 })), 'container.records');
}

/** Zeroes what {@link openRecords} gave. */
export function wipeRecords(records: Records): void {
  for (const entry of records.pinHistory) entry.value.fill(0);
  for (const entry of records.wrapKeys) entry.key.fill(0);
  for (const entry of records.earlierKeys) entry.key.fill(0);
  for (const entry of records.earlierContexts) entry.key.fill(0);
}
