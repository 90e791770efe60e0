/** Values of CBOR as CTAP2 messages have them (CTAP 2.1 §8), for the reader and the writer alike. */

/** What CTAP2 messages consist of. Integers only, within ±(2^53 - 1); maps are `Map`s, never objects. */
export type CborValue = null | boolean | number | string | Uint8Array | readonly CborValue[] | CborMap;
export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
