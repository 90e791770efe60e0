/**
 * A strict look at the parameters of a request (CTAP 2.1 §8). What is not there, or is of another type than the table
 * of the command says, is refused with the status that the specification names for it.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../drivers/base/errors.ts';
import { type CborKey, type CborValue, decodeStrict, encodeCanonical } from '../../drivers/fido2/wire/cbor.ts';
import { refusal } from './refusal.ts';

/**
 * Decodes the CBOR of a request and insists on every byte of the canonical form: what was decoded is encoded again and
 * compared.
 * @throws {CtapRefusal} CTAP2_ERR_INVALID_CBOR, or CTAP2_ERR_CBOR_UNEXPECTED_TYPE when it is not a map
 */
export function decodeRequest(bytes: Uint8Array): Params {
  let value: CborValue;
  try {
    value = decodeStrict(bytes);
    if (!bytesEqual(encodeCanonical(value), bytes)) throw refusal('CTAP2_ERR_INVALID_CBOR');
  } catch (error) {
    if (isUnlockdError(error)) throw refusal('CTAP2_ERR_INVALID_CBOR');
    throw error;
  }
  return Params.of(value);
}

export class Params {
  readonly #map: ReadonlyMap<CborKey, CborValue>;

  constructor(map: ReadonlyMap<CborKey, CborValue>) {
    this.#map = map;
  }

  /** @throws {CtapRefusal} CTAP2_ERR_CBOR_UNEXPECTED_TYPE when `value` is not a map */
  static of(value: CborValue | undefined): Params {
    if (!(value instanceof Map)) throw refusal('CTAP2_ERR_CBOR_UNEXPECTED_TYPE');
    return new Params(value);
  }

  has(key: CborKey): boolean {
    return this.#map.has(key);
  }

  /** The encoded map, as it came: what a pinUvAuthParam is made over. */
  encoded(): Uint8Array {
    return encodeCanonical(this.#map);
  }

  entries(): IterableIterator<[CborKey, CborValue]> {
    return this.#map.entries();
  }

  /** @throws {CtapRefusal} CTAP2_ERR_MISSING_PARAMETER unless all are there */
  require(...keys: readonly CborKey[]): void {
    for (const key of keys) if (!this.#map.has(key)) throw refusal('CTAP2_ERR_MISSING_PARAMETER');
  }

  #optional<T>(key: CborKey, is: (value: CborValue) => value is CborValue & T): T | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    if (!is(value)) throw refusal('CTAP2_ERR_CBOR_UNEXPECTED_TYPE');
    return value;
  }

  #required<T>(value: T | undefined): T {
    if (value === undefined) throw refusal('CTAP2_ERR_MISSING_PARAMETER');
    return value;
  }

  bytesOr(key: CborKey): Uint8Array | undefined {
    return this.#optional(key, (value): value is Uint8Array => value instanceof Uint8Array);
  }

  bytes(key: CborKey): Uint8Array {
    return this.#required(this.bytesOr(key));
  }

  textOr(key: CborKey): string | undefined {
    return this.#optional(key, (value): value is string => typeof value === 'string');
  }

  text(key: CborKey): string {
    return this.#required(this.textOr(key));
  }

  intOr(key: CborKey): number | undefined {
    return this.#optional(key, (value): value is number => typeof value === 'number');
  }

  int(key: CborKey): number {
    return this.#required(this.intOr(key));
  }

  boolOr(key: CborKey): boolean | undefined {
    return this.#optional(key, (value): value is boolean => typeof value === 'boolean');
  }

  listOr(key: CborKey): readonly CborValue[] | undefined {
    return this.#optional(key, (value): value is readonly CborValue[] => Array.isArray(value));
  }

  mapOr(key: CborKey): Params | undefined {
    const value = this.#map.get(key);
    return value === undefined ? undefined : Params.of(value);
  }

  map(key: CborKey): Params {
    return this.#required(this.mapOr(key));
  }
}
