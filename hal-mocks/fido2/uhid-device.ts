/**
 * A virtual authenticator as a HID device of this machine's own kernel: /dev/uhid makes a /dev/hidrawN of it that programs
 * find and open as any other. Plugging it in makes the device, pulling it out destroys it. It needs the module uhid, and
 * root or access to /dev/uhid; a thread of Node's pool waits for the kernel while the key is plugged in.
 */
import { closeSync, openSync, read, writeSync } from 'node:fs';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { create, destroy, fidoReportDescriptor, input, readEvent, UHID_EVENT_SIZE } from './uhid-events.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

/** Of pid.codes, for tests. */
const VENDOR_ID = 0x1209;
const PRODUCT_ID = 0x0001;

export interface UhidOptions {
  /** What lists show as the product. */
  readonly name: string;
  readonly serial: string;
  /** `/dev/uhid` unless told. */
  readonly node?: string;
}

/** One life of the device, from plugging in to pulling out. */
class Plugged {
  readonly #fd: number;
  readonly #reportSize: number;
  #destroyed = false;
  readonly ended: Promise<void>;

  constructor(authenticator: VirtualAuthenticator, { name, serial, node = '/dev/uhid' }: UhidOptions) {
    this.#reportSize = authenticator.reportSize;
    try {
      this.#fd = openSync(node, 'r+');
    } catch (cause) {
      throw new UnlockdError('ERR_HAL_IO', `${node} could not be opened`, { cause });
    }
    const stopListening = authenticator.listen({
      report: (report) => this.#write(input(report)),
      gone: () => this.destroy(),
    });
    writeSync(
      this.#fd,
      create({
        ...{ name, serial, vendorId: VENDOR_ID, productId: PRODUCT_ID },
        reportDescriptor: fidoReportDescriptor(this.#reportSize),
      }),
    );
    this.ended = this.#serve((report) => authenticator.receive(report)).finally(() => {
      stopListening();
      closeSync(this.#fd);
    });
  }

  /** The kernel answers with a last event, which ends the reading. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#write(destroy());
    this.#destroyed = true;
  }

  /** What comes for a device that is just going is lost, as with a plug that is pulled. */
  #write(bytes: Uint8Array): void {
    if (this.#destroyed) return;
    try {
      writeSync(this.#fd, bytes);
    } catch {
      // The kernel takes no input for a device that nobody has opened.
    }
  }

  async #serve(take: (report: Uint8Array) => void): Promise<void> {
    const buffer = new Uint8Array(UHID_EVENT_SIZE);
    for (;;) {
      const length = await new Promise<number>((resolve) => {
        read(this.#fd, buffer, 0, buffer.length, null, (error, count) => resolve(error === null ? count : 0));
      });
      if (length === 0) return;
      const event = readEvent(buffer.subarray(0, length));
      if (event.type === 'refuse') this.#write(event.reply);
      // A report without id comes with the zero that its writer has put in front of it.
      else if (event.type === 'output') take(event.data.subarray(event.data.length > this.#reportSize ? 1 : 0));
      else if (event.type === 'stop' && this.#destroyed) return;
    }
  }
}

export class UhidDevice implements AsyncDisposable {
  readonly #authenticator: VirtualAuthenticator;
  readonly #options: UhidOptions;
  readonly #stopPlug: () => void;
  #plugged: Plugged | null = null;

  private constructor(authenticator: VirtualAuthenticator, options: UhidOptions) {
    this.#authenticator = authenticator;
    this.#options = options;
    this.#follow();
    this.#stopPlug = authenticator.onPlug(() => this.#follow());
  }

  /** From now on it is a device of this machine whenever it is plugged in. @throws {ERR_HAL_IO} without /dev/uhid */
  static start(authenticator: VirtualAuthenticator, options: UhidOptions): UhidDevice {
    return new UhidDevice(authenticator, options);
  }

  #follow(): void {
    if (this.#authenticator.plugged) this.#plugged ??= new Plugged(this.#authenticator, this.#options);
    else {
      this.#plugged?.destroy();
      this.#plugged = null;
    }
  }

  async close(): Promise<void> {
    const plugged = this.#plugged;
    this.#stopPlug();
    this.#plugged = null;
    plugged?.destroy();
    await plugged?.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
