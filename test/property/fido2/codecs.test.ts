import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, u32 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { parseAuthenticatorData } from '../../../drivers/fido2/auth-data.ts';
import { parseCoseKey, readCoseKey } from '../../../drivers/fido2/cose-key.ts';
import { parseInfo } from '../../../drivers/fido2/get-info.ts';
import { encapsulate, platformKey } from '../../../drivers/fido2/pin-uv-protocol.ts';
import {
  type CborMap,
  type CborValue,
  decodeLenient,
  decodePrefix,
  decodeStrict,
  encodeCanonical,
} from '../../../drivers/fido2/wire/cbor.ts';
import { fragment, maxPayload, Reassembler } from '../../../drivers/fido2/wire/ctaphid.ts';
import { parseReportDescriptor } from '../../../drivers/linux/hid/report-descriptor.ts';

/** Runs `read`; a typed error is as good as a value, anything else fails. */
function valueOrTypedError(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isUnlockdError(error)) throw error;
  }
}

const cborKey = fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'grapheme', maxLength: 8 }));
const { cborValue } = fc.letrec<{ cborValue: CborValue }>((tie) => ({
  cborValue: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('cborValue'), { maxLength: 30 }),
    fc.array(fc.tuple(cborKey, tie('cborValue')), { maxLength: 30 }).map((entries) => new Map(entries)),
  ),
}));
const cborMap = fc
  .array(fc.tuple(fc.integer({ min: -4, max: 24 }), cborValue), { maxLength: 24 })
  .map((it) => new Map(it));

/** Bytes that begin like a message: a valid one with some bytes changed, removed or added. */
const spoiled = (of: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(of, fc.array(fc.tuple(fc.nat(2_000), fc.nat(255), fc.constantFrom('set', 'cut', 'add')), { maxLength: 4 }))
    .map(([bytes, edits]) =>
      edits.reduce((it, [position, byte, edit]) => {
        const at = it.length === 0 ? 0 : position % it.length;
        if (edit === 'set') return it.length === 0 ? it : it.with(at, byte);
        return edit === 'cut' ? it.subarray(0, at) : concat(it.subarray(0, at), Uint8Array.of(byte), it.subarray(at));
      }, bytes),
    );
const message = spoiled(cborValue.map((value) => encodeCanonical(value)));
const hostileBytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), message);

describe('CBOR', () => {
  it('comes back as it went out, whatever order a map was built in', () => {
    fc.assert(
      fc.property(cborValue, (value) => {
        const bytes = encodeCanonical(value);
        expect(encodeCanonical(decodeStrict(bytes))).toEqual(bytes);
        if (value instanceof Map) expect(encodeCanonical(new Map([...value].reverse()))).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('is what an independent codec of the format reads and writes', () => {
    fc.assert(
      fc.property(cborValue, (value) => {
        const bytes = encodeCanonical(value);
        expect(bytes).toEqual(new Uint8Array(encode(value)));
        expect(decodeStrict(bytes)).toEqual(decode(bytes, { useMaps: true, strict: true }));
      }),
      { numRuns: 2000 },
    );
    const independent = (bytes: Uint8Array): unknown => {
      try {
        return decode(bytes, { useMaps: true, strict: true, rejectDuplicateMapKeys: true });
      } catch {
        return undefined;
      }
    };
    fc.assert(
      fc.property(hostileBytes, (bytes) => {
        valueOrTypedError(() => expect(independent(bytes)).toEqual(decodeLenient(bytes).value));
      }),
      { numRuns: 3000 },
    );
  });

  it('that is hostile is a value or a typed error, and a value that was taken strictly has one form only', () => {
    fc.assert(
      fc.property(hostileBytes, (bytes) => {
        valueOrTypedError(() => expect(encodeCanonical(decodeStrict(bytes))).toEqual(new Uint8Array(bytes)));
        valueOrTypedError(() => {
          const { value, canonical } = decodeLenient(bytes);
          expect(Buffer.compare(encodeCanonical(value), bytes) === 0).toBe(canonical);
        });
        valueOrTypedError(() => expect(decodePrefix(bytes).length).toBeLessThanOrEqual(bytes.length));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('CTAPHID', () => {
  it('puts together what it took apart, in every size of report, between packets of others', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 512 }),
        fc.integer({ min: 1, max: 0xfffffffe }),
        fc.integer({ min: 0, max: 0x7f }),
        fc.uint8Array({ maxLength: 3000 }),
        (reportSize, cid, command, bytes) => {
          const payload = bytes.subarray(0, maxPayload(reportSize));
          const reassembler = new Reassembler({ role: 'host', channel: cid, reportSize });
          const noise = concat(u32(cid ^ 0x10), new Uint8Array(reportSize - 4).fill(0x90));
          const results = fragment(cid, command, payload, reportSize).map((report) => {
            reassembler.push(noise);
            return reassembler.push(report);
          });
          expect(results.at(-1)).toEqual({
            kind: 'message',
            message: { cid, command, payload: new Uint8Array(payload) },
          });
          expect(results.slice(0, -1).every(({ kind }) => kind === 'pending')).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('that is hostile never throws, and never holds more than one message', () => {
    const report = fc.oneof(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(fc.constantFrom(1, 2), fc.nat(255), fc.nat(0xffff))
        .map(([cid, head, length]) =>
          concat(u32(cid), Uint8Array.of(head, length >> 8, length & 0xff), new Uint8Array(57)),
        ),
      fc
        .tuple(fc.constantFrom(1, 2), fc.nat(4))
        .map(([cid, n]) => concat(u32(cid), Uint8Array.of(n), new Uint8Array(59))),
    );
    const role = fc.constantFrom({ role: 'device' } as const, { role: 'host', channel: 1 } as const);
    fc.assert(
      fc.property(role, fc.array(report, { maxLength: 60 }), (options, reports) => {
        const reassembler = new Reassembler(options);
        for (const one of reports) {
          const result = reassembler.push(one);
          if (result.kind === 'message') expect(result.message.payload.length).toBeLessThanOrEqual(7609);
          expect(reassembler.pending?.received ?? 0).toBeLessThanOrEqual(7609);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('what a key answers', () => {
  const ec = new Map<number, CborValue>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, new Uint8Array(32)],
    [-3, new Uint8Array(32)],
  ]);
  const authData = fc
    .tuple(fc.nat(255), fc.uint8Array({ maxLength: 20 }), cborMap)
    .map(([flags, id, extensions]) =>
      concat(
        new Uint8Array(32),
        Uint8Array.of(flags),
        new Uint8Array(4),
        new Uint8Array(16),
        Uint8Array.of(0, id.length),
        id,
        encodeCanonical(ec),
        encodeCanonical(extensions),
      ),
    );

  it('as authenticator data is a value or a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(spoiled(authData), fc.uint8Array({ maxLength: 200 })), (bytes) =>
        valueOrTypedError(() => parseAuthenticatorData(bytes)),
      ),
      { numRuns: 3000 },
    );
  });

  it('as getInfo, COSE key or key agreement is a value or a typed error', () => {
    const own = platformKey({ bytes: (count: number) => new Uint8Array(count).fill(1) });
    const almost = (base: CborMap) =>
      fc
        .array(fc.tuple(fc.integer({ min: -4, max: 24 }), cborValue), { maxLength: 3 })
        .map((it) => new Map([...base, ...it]));
    const info = new Map<number, CborValue>([
      [1, ['FIDO_2_0']],
      [3, new Uint8Array(16)],
    ]);
    fc.assert(
      fc.property(fc.oneof(cborMap, almost(info)), fc.oneof(cborMap, almost(ec)), hostileBytes, (one, key, bytes) => {
        valueOrTypedError(() => parseInfo(one));
        valueOrTypedError(() => readCoseKey(key));
        valueOrTypedError(() => encapsulate(2, key, own).secret.dispose());
        valueOrTypedError(() => parseCoseKey(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('as report descriptor is a value or nothing', () => {
    const real = Uint8Array.from(
      Buffer.from('06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0', 'hex'),
    );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 5000 }), spoiled(fc.constant(real))), (bytes) => {
        const parsed = parseReportDescriptor(bytes);
        if (parsed !== null) expect(Math.max(parsed.input, parsed.output)).toBeLessThanOrEqual(4096);
      }),
      { numRuns: 3000 },
    );
  });
});
