/**
 * The HID seam in front of virtual authenticators of the same process (drivers/hal/hid.ts): what tests and the mock
 * machine open instead of /dev/hidraw.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { HidConnection, HidDeviceInfo, HidEvent, HidHal } from '../../drivers/hal/hid.ts';
import { InProcessConnection } from './in-process-connection.ts';
import type { VirtualAuthenticator } from './virtual-authenticator.ts';

export const VIRTUAL_VENDOR_ID = 0x1209;
export const VIRTUAL_PRODUCT_ID = 0xbeee;

interface Slot {
  readonly authenticator: VirtualAuthenticator;
  readonly info: HidDeviceInfo;
}

export class InProcessHid implements HidHal {
  readonly #slots = new Map<string, Slot>();
  readonly #watchers = new Set<(event: HidEvent) => void>();

  /** Attaches authenticators; each appears as `virtual:fido2:0`, `virtual:fido2:1`, … while it is plugged in. */
  constructor(...authenticators: readonly VirtualAuthenticator[]) {
    for (const authenticator of authenticators) this.attach(authenticator);
  }

  /** A port for one more authenticator. Returns what names it. */
  attach(authenticator: VirtualAuthenticator): HidDeviceInfo {
    const index = this.#slots.size;
    const info: HidDeviceInfo = {
      path: `virtual:fido2:${index}`,
      vendorId: VIRTUAL_VENDOR_ID,
      productId: VIRTUAL_PRODUCT_ID,
      manufacturer: 'unlockd',
      product: 'Virtual Security Key',
      serial: `VIRTUAL${String(index).padStart(4, '0')}`,
      usagePage: 0xf1d0,
      usage: 1,
    };
    this.#slots.set(info.path, { authenticator, info });
    authenticator.onPlug((event) => this.#tell({ type: event === 'inserted' ? 'arrived' : 'left', device: info }));
    if (authenticator.plugged) this.#tell({ type: 'arrived', device: info });
    return info;
  }

  /** Plugs the authenticator at `path` in. @throws {ERR_HAL_NOT_FOUND} */
  insert(path: string): void {
    this.#slot(path).authenticator.insert();
  }

  /** Pulls the authenticator at `path` out. @throws {ERR_HAL_NOT_FOUND} */
  remove(path: string): void {
    this.#slot(path).authenticator.remove();
  }

  async list({ signal }: { signal: AbortSignal }): Promise<readonly HidDeviceInfo[]> {
    signal.throwIfAborted();
    return this.#present();
  }

  /** @throws {ERR_HAL_NOT_FOUND} when nothing is plugged in there */
  async open(path: string, { signal }: { signal: AbortSignal }): Promise<HidConnection> {
    signal.throwIfAborted();
    const { authenticator } = this.#slot(path);
    if (!authenticator.plugged) throw new UnlockdError('ERR_HAL_NOT_FOUND', `${path} is not plugged in`);
    return new InProcessConnection(authenticator, path);
  }

  async *watch({ signal }: { signal: AbortSignal }): AsyncGenerator<HidEvent, void, undefined> {
    const events: HidEvent[] = this.#present().map((device) => ({ type: 'arrived', device }));
    let wake: () => void = () => undefined;
    const onEvent = (event: HidEvent) => {
      events.push(event);
      wake();
    };
    const onAbort = () => wake();
    this.#watchers.add(onEvent);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const event = events.shift();
        if (event) {
          yield event;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#watchers.delete(onEvent);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #present(): HidDeviceInfo[] {
    return [...this.#slots.values()].filter((slot) => slot.authenticator.plugged).map((slot) => slot.info);
  }

  #slot(path: string): Slot {
    const slot = this.#slots.get(path);
    if (slot === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', `there is no device ${path}`);
    return slot;
  }

  #tell(event: HidEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}
