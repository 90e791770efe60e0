/** Who hides behind a private address. Vector: Core specification, vol. 3 part H, appendix D.7. */
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressResolver, type Identity } from '../../../drivers/bluetooth/resolvable-address.ts';
import { hex, privateAddress, reports } from '../../support/bluetooth/reports.ts';

const KEY = hex('ec0234a357c8ad05341010a60a397d9b');
const VECTOR = '70:81:94:0d:fb:aa';
const PHONE: Identity = { address: 'aa:bb:cc:dd:ee:01', addressType: 'public', identityKey: KEY };

/** Phones with keys of their own. */
const phones = (count: number): Identity[] =>
  [...Array(count).keys()].map((n) => ({
    address: `aa:bb:cc:dd:ee:${n.toString(16).padStart(2, '0')}`,
    addressType: 'public',
    identityKey: Uint8Array.from({ length: 16 }, (_, i) => n * 7 + i + 1),
  }));

describe('a resolvable private address', () => {
  it('is resolved as the specification’s example says', () => {
    expect(new AddressResolver([PHONE]).resolve(reports([VECTOR, -60]))).toEqual([
      { address: PHONE.address, strength: -60 },
    ]);
  });

  it('is not resolved by the key the other way round, as BlueZ writes it into its files', () => {
    const reversed = { ...PHONE, identityKey: KEY.toReversed() };
    expect(new AddressResolver([reversed]).resolve(reports([VECTOR, -60]))).toEqual([]);
  });

  it.each([
    ['another hash', '70:81:94:0d:fb:ab'],
    ['another random part', '70:81:95:0d:fb:aa'],
  ])('with %s is nobody’s', (_, address) => {
    expect(new AddressResolver([PHONE]).resolve(reports([address, -60]))).toEqual([]);
  });

  it('is looked for only where the type is random and the two most significant bits are 01', () => {
    for (const prefix of [0x00, 0x80, 0xc0]) {
      const address = privateAddress(KEY, [prefix | 0x30, 0x81, 0x94]);
      expect(new AddressResolver([PHONE]).resolve(reports([address, -60]))).toEqual([]);
    }
    expect(new AddressResolver([PHONE]).resolve(reports([VECTOR, -60, 'public']))).toEqual([]);
  });

  it('of each of many phones is found in one batch, with the strongest reading', () => {
    const all = phones(20);
    const heard = all.flatMap(({ identityKey }, n): [string, number][] => {
      const address = privateAddress(identityKey ?? KEY, [0x40 | n, n, 7]);
      return [
        [address, -90],
        [address, -50 - n],
        [privateAddress(identityKey ?? KEY, [0x41, n, n]), -70],
      ];
    });
    expect(new AddressResolver(all).resolve(reports(...heard))).toEqual(
      all.map(({ address }, n) => ({ address, strength: -50 - n })),
    );
  });

  it('is remembered: it is found again in later batches', () => {
    const resolver = new AddressResolver(phones(3));
    const [, second] = phones(3);
    const address = privateAddress(second?.identityKey ?? KEY, [0x55, 1, 2]);
    for (const strength of [-40, -41, -42]) {
      expect(resolver.resolve(reports([address, strength]))).toEqual([{ address: second?.address, strength }]);
    }
  });

  it('in batches of any size: each is found as by a cipher that is made for it alone', () => {
    const all = phones(4);
    const alone = (address: string): number[] =>
      all.flatMap(({ identityKey }, n) => {
        const bytes = hex(address.replaceAll(':', ''));
        const cipher = createCipheriv('aes-128-ecb', identityKey ?? KEY, null).setAutoPadding(false);
        const block = cipher.update(Buffer.concat([Buffer.alloc(13), bytes.subarray(0, 3)]));
        return block.subarray(13).equals(bytes.subarray(3)) ? [n] : [];
      });
    const own = fc
      .tuple(fc.nat(3), fc.nat(0x3f), fc.nat(255))
      .map(([n, a, b]) => privateAddress(all[n]?.identityKey ?? KEY, [0x40 | a, b, 3]));
    const strange = fc
      .uint8Array({ minLength: 6, maxLength: 6 })
      .map((bytes) =>
        [((bytes[0] ?? 0) & 0x3f) | 0x40, ...bytes.slice(1)].map((b) => b.toString(16).padStart(2, '0')).join(':'),
      );
    fc.assert(
      fc.property(fc.array(fc.oneof(own, strange), { maxLength: 1200 }), (addresses) => {
        const found = new AddressResolver(all).resolve(reports(...addresses.map((a): [string, number] => [a, -60])));
        const expected = new Set(addresses.flatMap(alone));
        expect(found.map(({ address }) => address)).toEqual(
          all.filter((_, n) => expected.has(n)).map(({ address }) => address),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('an address that is not private', () => {
  it('is found as it is, of its own type only', () => {
    const random: Identity = { address: 'c0:00:00:00:00:07', addressType: 'random', identityKey: null };
    const resolver = new AddressResolver([PHONE, random]);
    expect(resolver.resolve(reports([PHONE.address, -70, 'public'], [random.address, -80]))).toEqual([
      { address: PHONE.address, strength: -70 },
      { address: random.address, strength: -80 },
    ]);
    expect(resolver.resolve(reports([PHONE.address, -70, 'random'], [random.address, -80, 'public']))).toEqual([]);
  });
});

describe('what makes no sense', () => {
  it('a device without a key, with one of another length or with one of zeros resolves nothing', () => {
    for (const identityKey of [null, new Uint8Array(15), new Uint8Array(16)]) {
      const resolver = new AddressResolver([{ ...PHONE, identityKey }]);
      const zeros = privateAddress(new Uint8Array(16), [0x55, 1, 2]);
      expect(resolver.resolve(reports([VECTOR, -60], [zeros, -60]))).toEqual([]);
    }
  });

  it('half a report is none, and a strength that is not told is null', () => {
    const resolver = new AddressResolver([PHONE]);
    expect(resolver.resolve(reports([VECTOR, -60]).subarray(0, 7))).toEqual([]);
    expect(resolver.resolve(reports([VECTOR, 127]))).toEqual([{ address: PHONE.address, strength: null }]);
  });

  it('an identity that is no address is skipped', () => {
    expect(new AddressResolver([{ ...PHONE, address: 'nonsense' }]).resolve(reports([VECTOR, -9]))).toEqual([
      { address: 'nonsense', strength: -9 },
    ]);
  });
});

describe('a crowd', () => {
  it('of 1,000,000 addresses that never come again hides no phone, and hardly anybody looks like one by chance', () => {
    const resolver = new AddressResolver([...phones(19), PHONE]);
    const batch = new Uint8Array(8 * 1000);
    let found = 0;
    let chance = 0;
    for (let n = 0; n < 1000; n++) {
      for (let i = 0; i < 1000; i++) {
        const count = n * 1000 + i;
        batch.set(
          [0x40 | (count >> 16), (count >> 8) & 255, count & 255, count % 251, count % 241, n & 255, 1, 200],
          i * 8,
        );
      }
      batch.set(reports([privateAddress(KEY, [0x60, n >> 8, n & 255]), -60]), 0);
      for (const { address } of resolver.resolve(batch)) {
        if (address === PHONE.address) found++;
        else chance++;
      }
    }
    // A hash has 24 bits: some of a million strangers look like one of twenty phones.
    expect(found).toBeGreaterThanOrEqual(1000);
    expect(chance).toBeLessThan(20);
  });
});
