/** TPMT_PUBLIC and TPMS_NV_PUBLIC: what is encoded is read back; hostile bytes give a value in its only form or a typed error. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnlockdError } from '../../../drivers/base/errors.ts';
import {
  decodeNvPublic,
  decodePublicArea,
  encodeNvPublic,
  encodePublicArea,
  encodeSignature,
  externalKey,
  factorTemplate,
  type NvPublic,
  nameOf,
  nvNameOf,
  type PublicArea,
  readSignature,
  type Signature,
  SRK_ECC,
  SRK_RSA,
  TPM_ALG,
} from '../../../drivers/tpm2/index.ts';
import { reader } from '../../../drivers/tpm2/wire/marshal.ts';

const RUNS = { numRuns: 500 };
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const hashAlg = fc.constantFrom(TPM_ALG.SHA1, TPM_ALG.SHA256, TPM_ALG.SHA384, TPM_ALG.SHA512);
const base = { nameAlg: hashAlg, attributes: u32, authPolicy: bytes(64) };
const symmetric = fc.option(fc.record({ keyBits: fc.constantFrom(128, 192, 256) }));
const scheme = fc.option(
  fc.oneof(
    fc.record({ scheme: fc.constantFrom(TPM_ALG.ECDSA, TPM_ALG.RSASSA, TPM_ALG.RSAPSS, TPM_ALG.OAEP), hash: hashAlg }),
    fc.constant({ scheme: TPM_ALG.RSAES }),
  ),
);
const area: fc.Arbitrary<PublicArea> = fc.oneof(
  fc.record({ type: fc.constant('keyedhash' as const), ...base, unique: bytes(64) }),
  fc.record({
    type: fc.constant('ecc' as const),
    ...base,
    symmetric,
    scheme,
    curve: fc.integer({ min: 0, max: 0xffff }),
    x: bytes(66),
    y: bytes(66),
  }),
  fc.record({
    type: fc.constant('rsa' as const),
    ...base,
    symmetric,
    scheme,
    keyBits: fc.integer({ min: 0, max: 0xffff }),
    exponent: u32,
    modulus: bytes(512),
  }),
);
const nv: fc.Arbitrary<NvPublic> = fc.record({
  index: u32,
  nameAlg: hashAlg,
  attributes: u32,
  authPolicy: bytes(64),
  dataSize: fc.integer({ min: 0, max: 0xffff }),
});
const signature: fc.Arbitrary<Signature> = fc.oneof(
  fc.record({ scheme: fc.constant('ecdsa' as const), hash: hashAlg, r: bytes(66), s: bytes(66) }),
  fc.record({ scheme: fc.constant('rsassa' as const), hash: hashAlg, sig: bytes(512) }),
);

/** `use` gives a value, or throws the typed error of this room; anything else fails the property. */
function typedOrValue<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof UnlockdError) || error.code !== 'ERR_TPM_MALFORMED_RESPONSE') throw error;
    return undefined;
  }
}

/** One change: a byte replaced, removed or put in, or the end cut off. */
const mutation = fc.record({
  at: fc.nat(),
  value: fc.integer({ min: 0, max: 255 }),
  how: fc.integer({ min: 0, max: 3 }),
});
function mutate(original: Uint8Array, { at, value, how }: { at: number; value: number; how: number }): Uint8Array {
  const index = original.length === 0 ? 0 : at % original.length;
  const head = original.subarray(0, index);
  if (how === 0) return Uint8Array.from([...head, value, ...original.subarray(index + 1)]);
  if (how === 1) return Uint8Array.from([...head, ...original.subarray(index + 1)]);
  if (how === 2) return Uint8Array.from([...head, value, ...original.subarray(index)]);
  return head;
}

describe('public areas', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(area, (value) => {
        expect(decodePublicArea(encodePublicArea(value))).toEqual(value);
      }),
      RUNS,
    );
  });

  it('are what their Name says: another area has another Name', () => {
    fc.assert(
      fc.property(area, area, (a, b) => {
        const same = Buffer.from(encodePublicArea(a)).equals(Buffer.from(encodePublicArea(b)));
        expect(Buffer.from(nameOf(a)).equals(Buffer.from(nameOf(b)))).toBe(same);
      }),
      RUNS,
    );
  });

  it('of hostile bytes are refused by type, or encode to the very same bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(700),
          fc.tuple(area, mutation).map(([a, m]) => mutate(encodePublicArea(a), m)),
        ),
        (b) => {
          const decoded = typedOrValue(() => decodePublicArea(b));
          if (decoded !== undefined) expect(encodePublicArea(decoded)).toEqual(Uint8Array.from(b));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('of the templates cut off anywhere are refused', () => {
    for (const template of [
      SRK_ECC,
      SRK_RSA,
      factorTemplate(true),
      externalKey(new Uint8Array(32), new Uint8Array(32)),
    ]) {
      const whole = encodePublicArea(template);
      for (let end = 0; end < whole.length; end++) {
        expect(
          typedOrValue(() => decodePublicArea(whole.subarray(0, end))),
          `${template.type} ${end}`,
        ).toBeUndefined();
      }
    }
  });
});

describe('NV public areas', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(nv, (value) => {
        expect(decodeNvPublic(encodeNvPublic(value))).toEqual(value);
      }),
      RUNS,
    );
  });

  it('of hostile bytes are refused by type, or encode to the very same bytes, and have a Name or a typed error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(100),
          fc.tuple(nv, mutation).map(([a, m]) => mutate(encodeNvPublic(a), m)),
        ),
        (b) => {
          const decoded = typedOrValue(() => decodeNvPublic(b));
          if (decoded === undefined) return;
          expect(encodeNvPublic(decoded)).toEqual(Uint8Array.from(b));
          typedOrValue(() => nvNameOf(decoded));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('signatures', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(signature, (value) => {
        const from = reader(encodeSignature(value));
        expect(readSignature(from)).toEqual(value);
        expect(from.remaining).toBe(0);
      }),
      RUNS,
    );
  });

  it('of hostile bytes are refused by type', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(300),
          fc.tuple(signature, mutation).map(([a, m]) => mutate(encodeSignature(a), m)),
        ),
        (b) => {
          typedOrValue(() => readSignature(reader(b)));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
