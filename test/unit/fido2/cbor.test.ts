import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../../drivers/base/bytes.ts';
import {
  type CborValue,
  decodeLenient,
  decodePrefix,
  decodeStrict,
  encodeCanonical,
} from '../../../drivers/fido2/wire/cbor.ts';

const invalid = expect.objectContaining({ code: 'ERR_CTAP_INVALID_CBOR' });
const nested = (levels: number): CborValue => (levels === 0 ? 0 : [nested(levels - 1)]);

/** RFC 8949 appendix A, the rows that CTAP2 may use. */
const VECTORS: readonly (readonly [string, CborValue])[] = [
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['18ff', 255],
  ['190100', 256],
  ['19ffff', 65535],
  ['1a00010000', 65536],
  ['1affffffff', 4294967295],
  ['1b0000000100000000', 4294967296],
  ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['20', -1],
  ['3863', -100],
  ['3903e7', -1000],
  ['3b001ffffffffffffe', -Number.MAX_SAFE_INTEGER],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['40', new Uint8Array(0)],
  ['4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['60', ''],
  ['62c3bc', 'ü'],
  ['64f0908591', '𐅑'],
  ['80', []],
  ['83010203', [1, 2, 3]],
  ['a0', new Map()],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
];

describe('CTAP2 canonical CBOR', () => {
  it.each(VECTORS)('%s stands for one value, both ways', (hex, value) => {
    expect(toHex(encodeCanonical(value))).toBe(hex);
    expect(decodeStrict(fromHex(hex))).toEqual(value);
  });

  it('orders map keys as CTAP2 does: by type, then length, then bytes', () => {
    const map = new Map<number | string, number>([
      ['aa', 1],
      [-1, 2],
      [24, 3],
      ['b', 4],
      [9, 5],
      [-25, 6],
      [256, 7],
    ]);
    expect(toHex(encodeCanonical(map))).toBe(`a70905181803190100072002381806616204626161${'01'}`);
  });

  it.each([
    ['a float', 1.5],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['minus zero', -0],
    ['an unsafe integer', 2 ** 53],
    ['a big integer', 1n],
    ['undefined', undefined],
    ['a date', new Date(0)],
    ['a plain object', { a: 1 }],
    ['a set', new Set([1])],
    ['a lone surrogate', '\ud800'],
    ['a key that is a byte string', new Map([[Uint8Array.of(1), 1]])],
    ['a key that is a float', new Map([[1.5, 1]])],
    ['five levels', nested(5)],
  ])('is never made of %s', (_, value) => {
    expect(() => encodeCanonical(value as CborValue)).toThrow(invalid);
  });

  it('encodes Buffer, Uint8Array and a view of something larger alike, in a buffer of its own', () => {
    const large = Uint8Array.of(9, 1, 2, 9);
    const forms = [Uint8Array.of(1, 2), Buffer.from([1, 2]), large.subarray(1, 3)].map((bytes) =>
      encodeCanonical(bytes),
    );
    expect(forms.map(toHex)).toEqual(['420102', '420102', '420102']);
    expect(forms[1]?.buffer.byteLength).toBe(3);
  });

  it.each([
    ['an empty message', ''],
    ['a truncated head', '19'],
    ['truncated text', '63616263'.slice(0, 6)],
    ['a map without its last value', 'a101'],
    ['trailing bytes', '0000'],
    ['an indefinite map', 'bf0102ff'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite byte string', '5f4101ff'],
    ['an integer that is not minimal', '1817'],
    ['a length that is not minimal', '5800'],
    ['a 16-bit map header for two entries', 'b9000201020304'],
    ['a duplicate key', 'a201020103'],
    ['a duplicate key out of order', 'a3020101020202'],
    ['a tag', 'd84041ff'],
    ['a tag of records', 'd9dfff80'],
    ['a half float', 'f93e00'],
    ['a double', 'fb3ff8000000000000'],
    ['undefined', 'f7'],
    ['a simple value', 'f0'],
    ['a reserved head', '1c'],
    ['text that is not UTF-8', '62c328'],
    ['a key that is an array', 'a1800a'],
    ['a key that is a byte string', 'a141000a'],
    ['an integer beyond 2^53', '1b0020000000000000'],
    ['a negative integer beyond 2^53', '3b001fffffffffffff'],
    ['a claim of four thousand million items', '9affffffff'],
    ['a claim of 2^53 entries', 'bb001fffffffffffff'],
    ['a claim of a long byte string', '5affffffff00'],
    ['five levels', '818181818100'],
  ])('refuses %s, strictly and leniently', (_, hex) => {
    expect(() => decodeStrict(fromHex(hex))).toThrow(invalid);
    expect(() => decodeLenient(fromHex(hex))).toThrow(invalid);
  });

  it('tolerates keys out of order only leniently, and says so', () => {
    const bytes = fromHex('a202010102');
    expect(() => decodeStrict(bytes)).toThrow(invalid);
    expect(decodeLenient(bytes)).toEqual({
      value: new Map([
        [1, 2],
        [2, 1],
      ]),
      canonical: false,
    });
    expect(decodeLenient(fromHex('a201020201')).canonical).toBe(true);
    expect(decodeLenient(fromHex('81a202010102')).canonical).toBe(false);
  });

  it('refuses a hundred thousand levels without recursion', () => {
    expect(() => decodeStrict(new Uint8Array(100_000).fill(0x81))).toThrow(invalid);
    expect(() => decodeStrict(new Uint8Array(100_000).fill(0x81), { maxDepth: 200_000 })).toThrow(invalid);
  });

  it('takes the depth as a parameter', () => {
    expect(encodeCanonical(nested(6), { maxDepth: 6 })).toEqual(fromHex('81818181818100'));
    expect(decodeStrict(fromHex('81818181818100'), { maxDepth: 6 })).toEqual(nested(6));
  });

  it('copies byte strings out of the message', () => {
    const bytes = fromHex('420102');
    const value = decodeStrict(bytes);
    bytes.fill(0);
    expect(value).toEqual(Uint8Array.of(1, 2));
  });

  it('reads one item in front of other bytes', () => {
    expect(decodePrefix(fromHex('a10102ffff'))).toEqual({ value: new Map([[1, 2]]), length: 3, canonical: true });
  });
});
