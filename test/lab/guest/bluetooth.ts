/**
 * The Bluetooth of the guest: the two virtual controllers and the real bluetoothd of `npm run test:radio`. The phone is the
 * other controller; whether it is in range, and whether it has the key of the pairing, is what the operator says.
 */
import type { LaneDevice } from '../../../agent/walkthrough/lane.ts';
import type { PhonePlace } from '../../../drivers/hal/operator.ts';
import type { Answering } from '../../contract/bluetooth/bluetooth-cases.ts';
import { PC } from '../../radio/guest/bluez-client.ts';
import { GuestHost } from '../../radio/guest/guest-host.ts';
import { PHONE_INDEX, tool, until, World } from '../../radio/guest/world.ts';

const ANSWERS: Readonly<Record<PhonePlace, Answering>> = {
  near: 'phone',
  away: 'nobody',
  off: 'nobody',
  impostor: 'impostor',
};

/** Major device class of phones, and the bits that hold it. */
const PHONE = 0x0200;
const MAJOR_CLASS = 0x1f00;
/** Of a smart phone. */
const PHONE_CLASS = '0x5a020c';

/** BlueZ knows what a device is from how it was found, or from a link that the device has opened itself. */
async function learnClass(host: GuestHost): Promise<void> {
  const isKnown = async () => (Number(await host.bluez.device(PC, host.phone, 'Class')) & MAJOR_CLASS) === PHONE;
  if (await isKnown().catch(() => false)) return;
  // The link of the pairing may still stand, and says nothing any more.
  await host.link('', false);
  tool('hciconfig', `hci${PHONE_INDEX}`, 'class', PHONE_CLASS);
  await host.link('', true);
  await until('the class of the phone', 30, isKnown);
  await host.link('', false);
}

export class Bluetooth implements AsyncDisposable {
  readonly #host: GuestHost;
  readonly #phone: string;

  private constructor(host: GuestHost, phone: string) {
    this.#host = host;
    this.#phone = phone;
  }

  /** @throws an Error for more than one phone: a pair of controllers is one machine and one phone */
  static async start(given: Readonly<Record<string, PhonePlace>>): Promise<Bluetooth> {
    const [[phone, place] = ['', 'near'], ...others] = Object.entries(given);
    if (others.length > 0) throw new Error('the lab has one phone: its second controller');
    const host = await GuestHost.start(new World());
    await host.pair();
    await learnClass(host);
    const bluetooth = new Bluetooth(host, phone);
    await bluetooth.move(phone, place as PhonePlace);
    return bluetooth;
  }

  /** Of the computer's own controller. */
  get controller(): string {
    return this.#host.pc;
  }

  get addresses(): Readonly<Record<string, string>> {
    return { [this.#phone]: this.#host.phone };
  }

  async move(phone: string, is: PhonePlace): Promise<string | null> {
    if (phone !== this.#phone) return `there is no phone ${phone}`;
    await this.#host.answer('', ANSWERS[is]);
    return null;
  }

  async restart(): Promise<void> {
    await this.#host.stopDaemon();
    await this.#host.startDaemon();
  }

  devices(): readonly LaneDevice[] {
    const shared = { kind: 'bluetooth', nature: 'emulated', model: null, firmware: null } as const;
    const { pc, phone } = this.#host;
    return [
      { ...shared, name: 'adapter', more: { adapter: 'hci1', address: pc, seam: 'hci_vhci, bluetoothd' } },
      { ...shared, name: this.#phone, more: { adapter: 'hci0', address: phone } },
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}
