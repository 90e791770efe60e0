/**
 * One operation on one key: found (or waited for, or touched to choose it), opened, and closed again. Everything in this
 * room is such an operation; who is asked and how it is said is the caller's.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { SecurityKeyCeremony } from '../../drivers/fido2/ceremony.ts';
import type { PinUvAuthToken } from '../../drivers/fido2/client-pin.ts';
import { KeyFinder } from '../../drivers/fido2/find-key.ts';
import type { KeySession } from '../../drivers/fido2/key-session.ts';
import { onlyDevice } from '../../drivers/fido2/only-device.ts';
import { DeviceStopwatch } from '../../drivers/fido2/stopwatch.ts';
import { canVerifyUser, KeyPin, managementToken } from '../../drivers/fido2/user-verification.ts';

export type {
  KeyPinRequest,
  SecurityKeyCeremony as KeyCeremony,
  TouchRequest,
} from '../../drivers/fido2/ceremony.ts';

/** A key that is open, and the PIN that its owner typed for it, so that it is asked for once. */
export interface OpenKey {
  readonly ceremony: SecurityKeyCeremony;
  readonly session: KeySession;
  readonly pin: KeyPin;
}

/**
 * The same ceremony with one device only.
 * @param path as `list` shows it; null: any
 * @throws {ERR_HAL_NOT_FOUND} nothing is plugged in there
 */
export async function narrowed(ceremony: SecurityKeyCeremony, path: string | null): Promise<SecurityKeyCeremony> {
  if (path === null) return ceremony;
  const { signal } = ceremony;
  if (!(await ceremony.hid.list({ signal })).some((device) => device.path === path)) {
    throw new UnlockdError('ERR_HAL_NOT_FOUND', `there is no security key at ${path}`, { detail: { path } });
  }
  return { ...ceremony, hid: onlyDevice(ceremony.hid, path) };
}

/**
 * Opens the key that is meant: the only one, the one that is touched where there are several, or the one that is plugged in
 * while it waits. The others are left dark.
 * @throws what {@link KeyFinder.find} and `use` throw
 */
export async function withKey<T>(ceremony: SecurityKeyCeremony, use: (key: OpenKey) => Promise<T>): Promise<T> {
  const finder = new KeyFinder(ceremony, new DeviceStopwatch(ceremony.clock), async () => true);
  await using session = (await finder.find()).session;
  using pin = new KeyPin();
  return await use({ ceremony, session, pin });
}

/**
 * A token to manage the key with; by its reader or its PIN.
 * @param permission bits of PERMISSION
 * @throws {ERR_CTAP_PIN_NOT_SET} and what {@link managementToken} throws
 */
export const tokenFor = ({ ceremony, session, pin }: OpenKey, permission: number): Promise<PinUvAuthToken> =>
  managementToken(session, ceremony, permission, pin);

/** The same for commands that a key without PIN and finger takes from anybody (CTAP 2.1 §6.10, §6.11): null then. */
export const tokenWherePossible = (key: OpenKey, permission: number): Promise<PinUvAuthToken | null> =>
  canVerifyUser(key.session.info) ? tokenFor(key, permission) : Promise.resolve(null);
