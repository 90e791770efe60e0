/** The header check, against anything: a size, or ERR_TPM_MALFORMED_RESPONSE, and never a size that is not there. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, u16, u32 } from '../../../drivers/base/bytes.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { checkResponse, HEADER_SIZE, MAX_SIZE, responseSize } from '../../../drivers/linux/tpm/response-frame.ts';

const outcome = (check: () => unknown): unknown => {
  try {
    return check() ?? 'ok';
  } catch (error) {
    if (isUnlockdError(error)) return error.code;
    throw error;
  }
};

describe('the header of a response', () => {
  it('is a size between 10 and 4096 or an error, for any bytes', () => {
    const plausible = fc
      .tuple(fc.constantFrom(0x8001, 0x8002, 0x00c4, 0x8003), fc.integer({ min: 0, max: 5000 }))
      .map(([tag, size]) => concat(u16(tag), u32(size), u32(0)));
    const anything = fc.uint8Array({ minLength: HEADER_SIZE, maxLength: 64 });
    fc.assert(
      fc.property(fc.oneof(plausible, anything), (bytes) => {
        const result = outcome(() => responseSize(bytes));
        if (typeof result === 'number') {
          expect(result).toBe(Buffer.from(bytes).readUInt32BE(2));
          expect(result >= HEADER_SIZE && result <= MAX_SIZE).toBe(true);
        } else {
          expect(result).toBe('ERR_TPM_MALFORMED_RESPONSE');
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('has to fit the response exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 300 }), (length, said) => {
        const bytes = concat(u16(0x8001), u32(said), new Uint8Array(300)).slice(0, length);
        const fits = length >= HEADER_SIZE && length === said;
        expect(outcome(() => checkResponse(bytes))).toBe(fits ? 'ok' : 'ERR_TPM_MALFORMED_RESPONSE');
      }),
      { numRuns: 5000 },
    );
  });
});
