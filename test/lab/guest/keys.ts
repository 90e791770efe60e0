/** The security keys of the guest: virtual authenticators that its kernel has as HID devices, through uhid. */
import { VirtualKeys } from '../../../agent/lanes/virtual-keys.ts';
import type { Walkthrough } from '../../../agent/walkthrough/schema.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { systemEntropy } from '../../../drivers/base/entropy.ts';
import { UhidDevice } from '../../../hal-mocks/fido2/uhid-device.ts';
import { tool } from '../../radio/guest/world.ts';

const PRODUCT = 'unlockd Virtual Security Key';

export class Keys implements AsyncDisposable {
  readonly hands: VirtualKeys;
  readonly #devices: readonly UhidDevice[];

  private constructor(hands: VirtualKeys) {
    this.hands = hands;
    if (hands.names.length > 0) tool('modprobe', '-a', 'uhid', 'hid_generic');
    this.#devices = hands.names.map((name) => UhidDevice.start(hands.named(name), { name: PRODUCT, serial: name }));
  }

  static async of(given: Walkthrough['given']): Promise<Keys> {
    return new Keys(await VirtualKeys.of(given, { clock: systemClock, entropy: systemEntropy }));
  }

  get plugged(): readonly string[] {
    return this.hands.names.filter((name) => this.hands.named(name).plugged);
  }

  /** Also lets the threads go that wait for the kernel: without that the process would not end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.hands.handsOff();
    for (const device of this.#devices) await device.close();
  }
}
