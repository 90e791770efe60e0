/**
 * The register of enrolled phones: which bonded phone serves whom, and what was pinned of it when it was enrolled. What is
 * heard on the air can be forged, so a rule looks at the class that stands here. A phone serves one user.
 */
import type { CborValue } from '../../drivers/fido2/wire/cbor.ts';
import type { StateKind } from './envelope.ts';
import { corrupt, integer, list, nullable, oneOf, record, type ShapeOf, text, withAdded } from './shape.ts';

/** More than one machine is ever paired with. */
export const MAX_PHONES = 64;

const phone = record({
  uid: integer(0, 0xffffffff),
  /** Bonded identity address, `aa:bb:cc:dd:ee:ff`. */
  address: text(17),
  addressType: oneOf('public', 'random'),
  name: nullable(text(248)),
  /** 24 bits. */
  classOfDevice: nullable(integer(0, 0xffffff)),
  /** The bond that it was enrolled with (`BondedDevice`); null: the host did not tell. */
  bond: nullable(text(64)),
  /** Wall clock, milliseconds since 1970. */
  enrolledAt: integer(0, Number.MAX_SAFE_INTEGER),
});

const register = record({ phones: list(phone, MAX_PHONES) });

export type EnrolledPhone = ShapeOf<typeof phone>;
export type PhoneRegister = ShapeOf<typeof register>;

export const NO_PHONES: PhoneRegister = { phones: [] };

/** Since version 2 the bond is pinned; a phone from before counts by its address until it is enrolled anew. */
function withBonds(body: CborValue): CborValue {
  const phones: unknown = body instanceof Map ? body.get('phones') : undefined;
  if (!(body instanceof Map) || !Array.isArray(phones)) throw corrupt('phones', 'not a register');
  const pinned = phones.map((entry: CborValue, n) => {
    if (!(entry instanceof Map)) throw corrupt(`phones.phones[${n}]`, 'not a map');
    return withAdded(entry, `phones.phones[${n}]`, [['bond', null]]);
  });
  return new Map([...body, ['phones', pinned]]);
}

export const PHONES_STATE: StateKind<PhoneRegister> = {
  kind: 'phones',
  version: 2,
  shape: register,
  upgrades: { 1: withBonds },
};
