/** All keys that are plugged in, also those that cannot be used and why; and making them wink. Nothing asks for a touch. */
import { isUnlockdError, UnlockdError } from '../../drivers/base/errors.ts';
import type { SecurityKeyCeremony } from '../../drivers/fido2/ceremony.ts';
import { openKey } from '../../drivers/fido2/key-session.ts';
import { DeviceStopwatch } from '../../drivers/fido2/stopwatch.ts';
import { KeyPin } from '../../drivers/fido2/user-verification.ts';
import { wink } from '../../drivers/fido2/wink.ts';
import { type DeviceDescription, describeDevice, describeKey, type KeyDescription } from './describe.ts';
import type { OpenKey } from './session.ts';

export type ListedKey = DeviceDescription &
  ({ readonly key: KeyDescription; readonly problem: null } | { readonly key: null; readonly problem: UnlockdError });

/** Does something with every key, side by side. Gone meanwhile is as not there. */
async function each<T>(
  ceremony: SecurityKeyCeremony,
  use: (key: OpenKey) => Promise<T>,
): Promise<readonly (DeviceDescription & { readonly outcome: T | UnlockdError })[]> {
  const { hid, signal, clock } = ceremony;
  const stopwatch = new DeviceStopwatch(clock);
  const done = (await hid.list({ signal })).map(async (device) => {
    try {
      await using session = await openKey(device, ceremony, { stopwatch, justArrived: false });
      using pin = new KeyPin();
      return { ...describeDevice(device), outcome: await use({ ceremony, session, pin }) };
    } catch (error) {
      if (!isUnlockdError(error) || signal.aborted) throw error;
      return { ...describeDevice(device), outcome: error };
    }
  });
  // Every one is waited for, so that none is still open when the first failure is told.
  const settled = await Promise.allSettled(done);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const found = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return found.filter(({ outcome }) => !isUnlockdError(outcome, 'ERR_HAL_DISCONNECTED', 'ERR_HAL_NOT_FOUND'));
}

/** @throws {ERR_HAL_MODULE_MISSING | ERR_CTAP_CANCELLED}: what is wrong with one key stands in its place in the list */
export async function listKeys(ceremony: SecurityKeyCeremony): Promise<readonly ListedKey[]> {
  return (await each(ceremony, describeKey)).map(({ outcome, ...device }) =>
    outcome instanceof UnlockdError
      ? { ...device, key: null, problem: outcome }
      : { ...device, key: outcome, problem: null },
  );
}

/** Makes every key that can do so show itself. */
export async function winkAll(
  ceremony: SecurityKeyCeremony,
): Promise<readonly (DeviceDescription & { readonly problem: UnlockdError | null })[]> {
  const outcomes = await each(ceremony, async ({ session }) => {
    await wink(session.authenticator.channel, { signal: ceremony.signal });
    return null;
  });
  return outcomes.map(({ outcome, ...device }) => ({ ...device, problem: outcome }));
}
