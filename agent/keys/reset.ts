/**
 * Resetting a key (CTAP 2.1 §6.6). Keys take it only within ten seconds after they got power, so the key is chosen first,
 * pulled out and plugged in again, and the command goes out at once; the key that comes back has to be the one that went.
 */
import { bytesEqual } from '../../drivers/base/bytes.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import {
  DEFAULT_INSERT_WITHIN,
  deviceName,
  type SecurityKeyCeremony,
  withTouch,
} from '../../drivers/fido2/ceremony.ts';
import { cancelled } from '../../drivers/fido2/channel-errors.ts';
import { type KeySession, openKey } from '../../drivers/fido2/key-session.ts';
import { authenticatorReset } from '../../drivers/fido2/reset.ts';
import { DeviceStopwatch } from '../../drivers/fido2/stopwatch.ts';
import type { HidDeviceInfo } from '../../drivers/hal/hid.ts';

/** The key that is meant, told apart from others when it comes back. */
export interface ChosenKey {
  readonly device: HidDeviceInfo;
  readonly aaguid: Uint8Array;
}

export const chosen = ({ device, info }: KeySession): ChosenKey => ({ device, aaguid: info.aaguid });

/** What the person is asked to do. */
export type Replug = 'unplug' | 'plug-in';

const isSame = (a: HidDeviceInfo, b: HidDeviceInfo): boolean =>
  a.vendorId === b.vendorId && a.productId === b.productId && a.serial === b.serial;

/** Waits until it is gone, then until it is there again; on most hosts at another path. */
async function replugged(
  { device }: ChosenKey,
  ceremony: SecurityKeyCeremony,
  ask: (what: Replug) => void,
): Promise<HidDeviceInfo> {
  const { hid, clock, signal } = ceremony;
  const within = ceremony.insertWithin ?? DEFAULT_INSERT_WITHIN;
  // What is there now is announced once more when the watch begins.
  const announced = new Set((await hid.list({ signal })).map(({ path }) => path));
  const limit = new AbortController();
  let stop = clock.timer(within, () => limit.abort());
  let gone = !announced.has(device.path);
  ask(gone ? 'plug-in' : 'unplug');
  try {
    for await (const event of hid.watch({ signal: AbortSignal.any([signal, limit.signal]) })) {
      if (event.type === 'left') {
        announced.delete(event.device.path);
        if (gone || event.device.path !== device.path) continue;
        gone = true;
        stop();
        stop = clock.timer(within, () => limit.abort());
        ask('plug-in');
      } else if (!announced.delete(event.device.path) && gone && isSame(event.device, device)) {
        return event.device;
      }
    }
  } finally {
    stop();
  }
  if (signal.aborted) throw cancelled(signal.reason);
  const what = gone ? 'plugged in again' : 'unplugged';
  throw new UnlockdError('ERR_CTAP_NO_KEY', `${deviceName(device)} was not ${what} in time: nothing was changed`);
}

/**
 * @param ask told what to do with the key, twice
 * @throws {ERR_CTAP_NO_KEY | ERR_CTAP_WRONG_KEY | ERR_CTAP_RESET_TOO_LATE | ERR_CTAP_TOUCH_TIMEOUT | ERR_CTAP_CANCELLED}
 */
export async function resetKey(
  key: ChosenKey,
  ceremony: SecurityKeyCeremony,
  ask: (what: Replug) => void,
): Promise<HidDeviceInfo> {
  const device = await replugged(key, ceremony, ask);
  const stopwatch = new DeviceStopwatch(ceremony.clock);
  await using session = await openKey(device, ceremony, { stopwatch, justArrived: true });
  // Keys of one maker often have no serial number; those of another model are told apart at least.
  if (!bytesEqual(session.info.aaguid, key.aaguid)) {
    throw new UnlockdError('ERR_CTAP_WRONG_KEY', 'another security key was plugged in: nothing was changed');
  }
  await authenticatorReset(session.authenticator, withTouch(ceremony, { device, why: 'confirm' }));
  return device;
}
