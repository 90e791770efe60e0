/** The register of phones across its versions: what was written before bonds were pinned is read, and never pretended. */
import { describe, expect, it } from 'vitest';
import { decodeState, encodeState, type StateKind } from '../../../agent/container/envelope.ts';
import { type EnrolledPhone, PHONES_STATE, type PhoneRegister } from '../../../agent/container/phones.ts';
import { isUnlockdError } from '../../../drivers/base/errors.ts';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';

const PHONE: EnrolledPhone = {
  uid: 1000,
  address: '0c:00:00:00:00:0a',
  addressType: 'public',
  name: 'Pocket',
  classOfDevice: 0x5a020c,
  bond: 'ab'.repeat(32),
  enrolledAt: 1,
};

/** Writes a body as it is, under the version that it is given. */
const raw = (version: number): StateKind<CborValue> => ({
  kind: 'phones',
  version,
  shape: { encode: (value) => value, decode: (value) => value ?? null },
});
const fields = (phone: object): CborValue => new Map(Object.entries(phone)) as CborValue;
const file = (version: number, phones: CborValue): Uint8Array =>
  encodeState(raw(version), new Map([['phones', phones]]) as CborValue);

describe('the register of phones', () => {
  it('comes back as it was written', () => {
    const register: PhoneRegister = { phones: [PHONE, { ...PHONE, address: '0c:00:00:00:00:0b', bond: null }] };
    expect(decodeState(PHONES_STATE, encodeState(PHONES_STATE, register))).toEqual(register);
  });

  it('of version 1 has phones without a bond', () => {
    const { bond, ...before } = PHONE;
    expect(decodeState(PHONES_STATE, file(1, [fields(before)]))).toEqual({ phones: [{ ...before, bond: null }] });
  });

  it.each([
    ['a bond that version 1 did not have', file(1, [fields(PHONE)])],
    ['a phone that is none', file(1, ['phone'])],
    ['phones that are no list', file(1, 'phones')],
    [
      'no bond in version 2',
      file(2, [fields(Object.fromEntries(Object.entries(PHONE).filter(([key]) => key !== 'bond')))]),
    ],
  ])('with %s is damaged', (_, bytes) => {
    expect(() => decodeState(PHONES_STATE, bytes)).toThrowError(
      expect.toSatisfy((error) => isUnlockdError(error, 'ERR_STATE_CORRUPT')),
    );
  });
});
