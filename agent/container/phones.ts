/**
 * The register of enrolled phones: which bonded phone serves whom, and what was pinned of it when it was enrolled. What is
 * heard on the air can be forged, so a rule looks at the class that stands here. A phone serves one user.
 */
import type { StateKind } from './envelope.ts';
import { integer, list, nullable, oneOf, record, type ShapeOf, text } from './shape.ts';

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
  /** Wall clock, milliseconds since 1970. */
  enrolledAt: integer(0, Number.MAX_SAFE_INTEGER),
});

const register = record({ phones: list(phone, MAX_PHONES) });

export type EnrolledPhone = ShapeOf<typeof phone>;
export type PhoneRegister = ShapeOf<typeof register>;

export const NO_PHONES: PhoneRegister = { phones: [] };

export const PHONES_STATE: StateKind<PhoneRegister> = { kind: 'phones', version: 1, shape: register };
