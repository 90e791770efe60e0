/** A security key with a PIN, opened for managing it: tokens, stored credentials. */
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { withTouch } from '../../../drivers/fido2/ceremony.ts';
import { type KeySession, openKey } from '../../../drivers/fido2/key-session.ts';
import { authenticatorMakeCredential } from '../../../drivers/fido2/make-credential.ts';
import { DeviceStopwatch } from '../../../drivers/fido2/stopwatch.ts';
import { disposeVerification, KeyPin, managementToken, verifyUser } from '../../../drivers/fido2/user-verification.ts';
import type { CborValue } from '../../../drivers/fido2/wire/cbor.ts';
import { PERMISSION } from '../../../drivers/fido2/wire/constants.ts';
import type { ProfileName } from '../../../hal-mocks/fido2/profile.ts';
import { givePin, key, type Person, person } from './person.ts';

export const PIN = '248163';

/** A key of a kind with a PIN, opened, and whatever has to be typed typed. */
export async function opened(profile: ProfileName, authenticator = key(profile)) {
  const alice = person(authenticator);
  await givePin(alice, PIN);
  return { authenticator, alice, ...(await reopened(alice)) };
}

export async function reopened(alice: Person) {
  const [device] = await alice.hid.list({ signal: alice.ceremony.signal });
  if (device === undefined) throw new Error('no key is plugged in');
  const stopwatch = new DeviceStopwatch(alice.ceremony.clock);
  const session = await openKey(device, alice.ceremony, { stopwatch, justArrived: false });
  const token = (permission: number) => {
    alice.pins.push(PIN);
    return managementToken(session, alice.ceremony, permission, new KeyPin());
  };
  return { session, token, options: { signal: alice.ceremony.signal } };
}

/** Stores a credential on the key. */
export async function store(
  { ceremony, pins }: Person,
  session: KeySession,
  rpId: string,
  user: string,
  extensions: ReadonlyMap<string, CborValue> = new Map(),
) {
  pins.push(PIN);
  using pin = new KeyPin();
  const verification = await verifyUser(session, { ...ceremony, rpId }, PERMISSION.mc, pin);
  try {
    const request = {
      clientDataHash: systemEntropy.bytes(32),
      rpId,
      user: { id: utf8(user), name: user, displayName: `${user} in full` },
      residentKey: true,
      extensions,
      verification,
    };
    const touch = withTouch(ceremony, { device: session.device, why: 'enrol' });
    return await authenticatorMakeCredential(session.authenticator, request, touch);
  } finally {
    disposeVerification(verification);
  }
}
