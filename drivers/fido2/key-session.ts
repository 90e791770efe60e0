/**
 * One plugged-in key, opened: its connection, its channel and what it said it can do. Whoever opens it closes it.
 */
import { milliseconds } from '../base/brand.ts';
import { isUnlockdError, UnlockdError } from '../base/errors.ts';
import type { HidConnection, HidDeviceInfo } from '../hal/hid.ts';
import { Authenticator } from './authenticator.ts';
import { deviceName, type SecurityKeyCeremony } from './ceremony.ts';
import { CtapHidChannel } from './channel.ts';
import { type AuthenticatorInfo, authenticatorGetInfo } from './get-info.ts';
import { HMAC_SECRET, noHmacSecret } from './hmac-secret.ts';
import type { DeviceStopwatch } from './stopwatch.ts';

export interface KeySession extends AsyncDisposable {
  readonly device: HidDeviceInfo;
  readonly authenticator: Authenticator;
  readonly info: AuthenticatorInfo;
}

/** The node of a key that was just plugged in exists a moment before the host has granted access to it. */
const ACCESS_TRIES = 10;
const ACCESS_PAUSE = milliseconds(100);

async function openConnection(
  device: HidDeviceInfo,
  { hid, clock, signal }: SecurityKeyCeremony,
  justArrived: boolean,
): Promise<HidConnection> {
  for (let tries = justArrived ? ACCESS_TRIES : 1; ; tries--) {
    try {
      return await hid.open(device.path, { signal });
    } catch (error) {
      if (tries <= 1 || !isUnlockdError(error, 'ERR_HAL_PERMISSION')) throw error;
    }
    await clock.sleep(ACCESS_PAUSE, { signal });
  }
}

/**
 * @param options `justArrived`: wait a little for access rights
 * @throws {ERR_CTAP_NOT_CTAP2} and what opening, CTAPHID_INIT and authenticatorGetInfo throw
 */
export async function openKey(
  device: HidDeviceInfo,
  ceremony: SecurityKeyCeremony,
  options: { readonly stopwatch: DeviceStopwatch; readonly justArrived: boolean },
): Promise<KeySession> {
  const { clock, entropy, signal, timing, trace } = ceremony;
  const connection = await openConnection(device, ceremony, options.justArrived);
  const channel = await CtapHidChannel.open(connection, {
    clock,
    entropy,
    signal,
    stopwatch: options.stopwatch,
    ...(timing === undefined ? {} : { timing }),
    ...(trace === undefined ? {} : { trace }),
  });
  try {
    if (!channel.speaksCbor) throw new UnlockdError('ERR_CTAP_NOT_CTAP2', `${deviceName(device)} speaks only U2F`);
    const authenticator = new Authenticator(channel);
    const info = await authenticatorGetInfo(authenticator, { signal });
    return { device, authenticator, info, [Symbol.asyncDispose]: () => channel.close() };
  } catch (error) {
    await channel.close();
    throw error;
  }
}

/** @throws {ERR_CTAP_NO_HMAC_SECRET} */
export function requireHmacSecret({ info }: KeySession): void {
  if (!info.extensions.includes(HMAC_SECRET)) throw noHmacSecret('does not support the hmac-secret extension');
}
