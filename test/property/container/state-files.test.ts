/** State files of hostile bytes: a value or ERR_STATE_*, also where the digest of the envelope was corrected. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeState, encodeState } from '../../../agent/container/envelope.ts';
import { CONTAINER_STATE, INTENT_STATE, MACHINE_STATE } from '../../../agent/container/state.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import { type CborValue, decodeStrict, encodeCanonical } from '../../../drivers/fido2/wire/cbor.ts';
import { SAMPLE_STATE } from '../../support/container/sample-state.ts';

const KINDS = [CONTAINER_STATE, INTENT_STATE, MACHINE_STATE] as const;
const whole = encodeState(CONTAINER_STATE, SAMPLE_STATE);

/** The same file under another number; the digest is of the body alone. */
function encodeEnvelope(file: Uint8Array, version: number): Uint8Array {
  const outer = decodeStrict(file, { maxDepth: 12 });
  if (!(outer instanceof Map)) throw new Error('no envelope');
  return encodeCanonical(new Map([...outer, ['version', version]]), { maxDepth: 12 });
}

/** `refused`, or what was read written once more. */
function outcome(kind: (typeof KINDS)[number], file: Uint8Array): Uint8Array | 'refused' {
  try {
    const value: unknown = decodeState<unknown>(kind as typeof CONTAINER_STATE, file);
    return encodeState(kind as typeof CONTAINER_STATE, value as typeof SAMPLE_STATE);
  } catch (error) {
    if (!isUnlockdError(error, 'ERR_STATE_CORRUPT', 'ERR_STATE_NEWER')) throw error;
    return 'refused';
  }
}

it('random bytes are refused by type', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fc.uint8Array({ maxLength: 400 }), (kind, file) => {
      expect(outcome(kind, file)).toBe('refused');
    }),
    { numRuns: 2000 },
  );
});

it.each([1, 2])('a good file that calls itself version %i is refused: nothing of it is forgotten', (version) => {
  const older = encodeEnvelope(whole, version);
  expect(outcome(CONTAINER_STATE, older)).toBe('refused');
});

it('any flipped bit and any cut of a good file is refused', () => {
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const changed = whole.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    const result = outcome(CONTAINER_STATE, changed);
    // The version is outside the digest: one flipped bit makes a newer file of it, or one of no version.
    expect(result, `bit ${bit}`).toBe('refused');
  }
  for (let end = 0; end < whole.length; end++) expect(outcome(CONTAINER_STATE, whole.subarray(0, end))).toBe('refused');
});

/** A body that is well-formed CBOR with the right digest, and something wrong in it. */
const passThrough = {
  kind: 'container',
  version: CONTAINER_STATE.version,
  shape: { encode: (value: CborValue) => value, decode: () => null },
};
const body = decodeStrict(
  (decodeStrict(whole, { maxDepth: 12 }) as Map<string, Uint8Array>).get('body') ?? new Uint8Array(0),
  { maxDepth: 12 },
) as Map<string, CborValue>;
const anything: fc.Arbitrary<CborValue> = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.uint8Array(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 5 }),
  fc.dictionary(fc.string(), fc.integer()).map((object) => new Map(Object.entries(object))),
);

it('a good file with one field replaced, left out or added is refused, or reads as exactly that', () => {
  fc.assert(
    fc.property(fc.constantFrom(...body.keys(), '__proto__', 'extra'), fc.option(anything), (field, value) => {
      const changed = new Map(body);
      if (value === null && field !== 'policy') changed.delete(field);
      else changed.set(field, value);
      const file = encodeState(passThrough, changed as CborValue);
      const result = outcome(CONTAINER_STATE, file);
      if (result !== 'refused') expect(result).toEqual(file);
    }),
    { numRuns: 2000 },
  );
});
