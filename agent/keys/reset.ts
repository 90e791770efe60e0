/**
 * Resetting a key (CTAP 2.1 §6.6). Keys take it only within ten seconds after they got power, so the key is chosen first,
 * pulled out and plugged in again, and the command goes out at once; the key that comes back has to be the one that went.
 */
import { seconds } from '../../drivers/base/brand.ts';
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
import type { HidDeviceInfo, HidEvent } from '../../drivers/hal/hid.ts';

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

/** How long a watch may take to say what is there. */
const ANNOUNCED_WITHIN = seconds(2);

/** Waits until it is gone, then until it is there again; on most hosts at another path. */
class Replugging {
  readonly #device: HidDeviceInfo;
  readonly #ceremony: SecurityKeyCeremony;
  readonly #ask: (what: Replug) => void;
  readonly #limit = new AbortController();
  /** Of what was there at first: a watch announces it once more. */
  #announced = new Set<string>();
  #asked: Replug | null = null;
  #stopTimer: () => void = () => undefined;

  constructor(device: HidDeviceInfo, ceremony: SecurityKeyCeremony, ask: (what: Replug) => void) {
    this.#device = device;
    this.#ceremony = ceremony;
    this.#ask = ask;
  }

  async back(): Promise<HidDeviceInfo> {
    const { hid, clock, signal } = this.#ceremony;
    this.#announced = await this.#paths();
    if (!this.#announced.has(this.#device.path)) this.#want('plug-in');
    const stopLook = clock.timer(ANNOUNCED_WITHIN, () => void this.#lookAgain().catch(() => undefined));
    try {
      for await (const event of hid.watch({ signal: AbortSignal.any([signal, this.#limit.signal]) })) {
        if (this.#isBack(event)) return event.device;
      }
    } finally {
      stopLook();
      this.#stopTimer();
    }
    if (signal.aborted) throw cancelled(signal.reason);
    const what = this.#asked === 'plug-in' ? 'plugged in again' : 'unplugged';
    throw new UnlockdError(
      'ERR_CTAP_NO_KEY',
      `${deviceName(this.#device)} was not ${what} in time: nothing was changed`,
    );
  }

  async #paths(): Promise<Set<string>> {
    const { hid, signal } = this.#ceremony;
    return new Set((await hid.list({ signal })).map(({ path }) => path));
  }

  /** It went between the list and the watch: nobody will say that it left. */
  async #lookAgain(): Promise<void> {
    if (this.#asked !== null) return;
    const isThere = (await this.#paths()).has(this.#device.path);
    if (!isThere) this.#announced.delete(this.#device.path);
    this.#want(isThere ? 'unplug' : 'plug-in');
  }

  #want(what: Replug): void {
    const { clock, insertWithin = DEFAULT_INSERT_WITHIN } = this.#ceremony;
    this.#asked = what;
    this.#stopTimer();
    this.#stopTimer = clock.timer(insertWithin, () => this.#limit.abort());
    this.#ask(what);
  }

  #isBack({ type, device }: HidEvent): boolean {
    const isThere = device.path === this.#device.path;
    if (type === 'left') {
      this.#announced.delete(device.path);
      if (isThere && this.#asked === 'unplug') this.#want('plug-in');
      return false;
    }
    const isNews = !this.#announced.delete(device.path);
    // Asked only now that the watch has it: from here on its leaving is told.
    if (isThere && this.#asked === null) this.#want('unplug');
    return isNews && this.#asked === 'plug-in' && isSame(device, this.#device);
  }
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
  const device = await new Replugging(key.device, ceremony, ask).back();
  const stopwatch = new DeviceStopwatch(ceremony.clock);
  await using session = await openKey(device, ceremony, { stopwatch, justArrived: true });
  // Keys of one maker often have no serial number; those of another model are told apart at least.
  if (!bytesEqual(session.info.aaguid, key.aaguid)) {
    throw new UnlockdError('ERR_CTAP_WRONG_KEY', 'another security key was plugged in: nothing was changed');
  }
  await authenticatorReset(session.authenticator, withTouch(ceremony, { device, why: 'confirm' }));
  return device;
}
