/**
 * What happens to the adapters and the bonds, as a stream: whether BlueZ can be asked at all, that the bonds have
 * changed, and hints. Many signals become one look, so nobody can make us hold more than one entry for each device.
 */
import { type MonotonicMs, milliseconds, seconds } from '../../base/brand.ts';
import type { Clock } from '../../base/clock.ts';
import { isUnlockdError } from '../../base/errors.ts';
import type { BluetoothEvent } from '../../hal/bluetooth.ts';
import type { BusService } from '../dbus/bus-service.ts';
import type { BluezDevice, BluezObjects } from './bluez-objects.ts';
import { BluezWake, type DeviceWake } from './bluez-wake.ts';

/** How what a signal points to is read; each rejects with an error of the seam. */
export interface BluezReader {
  objects(options: { readonly signal: AbortSignal }): Promise<BluezObjects>;
  device(path: string, options: { readonly signal: AbortSignal }): Promise<BluezDevice>;
}

type Outage = Extract<BluetoothEvent, { type: 'unavailable' }>['reason'];

/** After a look that failed though the daemon is there. */
const AGAIN_AFTER = seconds(5);
/** Between two hints that a device was heard: an inquiry tells of it several times a second. */
const HEARD_EVERY = milliseconds(1000);

/** What stands in the list of bonds; the rest of a device is news of its link. */
const listed = (devices: readonly BluezDevice[]): string =>
  JSON.stringify(devices.map(({ connected, rssi, ...rest }) => rest));

const outageOf = ({ adapters }: BluezObjects): Outage | null => {
  if (adapters.length === 0) return 'no-adapter';
  return adapters.some(({ powered }) => powered) ? null : 'radio-off';
};

class BluezWatch {
  readonly #service: BusService;
  readonly #reader: BluezReader;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** Undefined: nothing was told yet; null: it is available. */
  #told: Outage | null | undefined;
  #bonds: string | null = null;
  #known: ReadonlySet<string> = new Set();
  readonly #heardAt = new Map<string, MonotonicMs>();
  #pending = new BluezWake();
  #wake: () => void = () => undefined;

  constructor(service: BusService, reader: BluezReader, clock: Clock, signal: AbortSignal) {
    this.#service = service;
    this.#reader = reader;
    this.#clock = clock;
    this.#signal = signal;
  }

  async *run(): AsyncGenerator<BluetoothEvent, void, undefined> {
    const signal = this.#signal;
    const stop = this.#service.listen((event) => {
      if (event.type === 'signal') this.#pending.add(event.signal, this.#known);
      else {
        this.#pending = new BluezWake();
        this.#pending.reset = true;
      }
      if (!this.#pending.isEmpty) this.#wake();
    });
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#service.looked({ signal });
      this.#pending.reset = true;
      while (!signal.aborted) {
        const taken = this.#pending;
        this.#pending = new BluezWake();
        yield* this.#look(taken);
        if (!signal.aborted && this.#pending.isEmpty) await this.#rest();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Until something happens; where the last look failed, not for ever. */
  async #rest(): Promise<void> {
    let stop: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#told !== 'failed' && this.#told !== 'no-permission') return;
      stop = this.#clock.timer(AGAIN_AFTER, () => {
        this.#pending.all = true;
        resolve();
      });
    });
    this.#wake = () => undefined;
    stop();
  }

  async *#look(taken: BluezWake): AsyncGenerator<BluetoothEvent, void, undefined> {
    if (taken.reset) {
      this.#bonds = null;
      this.#known = new Set();
      this.#heardAt.clear();
      // Also between two owners: what the first one said holds no more.
      const changed = typeof this.#told !== 'undefined' && this.#told !== 'daemon-gone';
      if (changed || !this.#service.present) yield* this.#unavailable('daemon-gone');
      if (!this.#service.present) return;
    }
    if (taken.reset || taken.all) yield* this.#lookAtAll();
    else for (const [path, wake] of taken.devices) yield* this.#lookAt(path, wake);
  }

  *#unavailable(reason: Outage): Generator<BluetoothEvent, void, undefined> {
    if (this.#told === reason) return;
    this.#told = reason;
    this.#bonds = null;
    yield { type: 'unavailable', at: this.#clock.now(), reason };
  }

  async *#lookAtAll(): AsyncGenerator<BluetoothEvent, void, undefined> {
    let objects: BluezObjects;
    try {
      objects = await this.#reader.objects({ signal: this.#signal });
    } catch (error) {
      if (this.#signal.aborted || !isUnlockdError(error)) throw error;
      // The daemon went away meanwhile: the next look tells.
      if (this.#pending.reset) return;
      yield* this.#unavailable(isUnlockdError(error, 'ERR_HAL_PERMISSION') ? 'no-permission' : 'failed');
      return;
    }
    if (this.#pending.reset) return;
    this.#known = new Set(objects.devices.map(({ path }) => path));
    const outage = outageOf(objects);
    if (outage !== null) {
      yield* this.#unavailable(outage);
      return;
    }
    const bonds = listed(objects.devices);
    if (this.#told !== null) {
      this.#told = null;
      this.#bonds = bonds;
      yield { type: 'available', at: this.#clock.now() };
    } else if (bonds !== this.#bonds) {
      this.#bonds = bonds;
      yield { type: 'bonds-changed', at: this.#clock.now() };
    }
  }

  async *#lookAt(path: string, wake: DeviceWake): AsyncGenerator<BluetoothEvent, void, undefined> {
    if (this.#told !== null) return;
    const heardAt = this.#heardAt.get(path);
    const heard = wake.heard && (heardAt === undefined || this.#clock.now() - heardAt >= HEARD_EVERY);
    if (!wake.link && !heard) return;
    let device: BluezDevice;
    try {
      device = await this.#reader.device(path, { signal: this.#signal });
    } catch (error) {
      if (this.#signal.aborted || !isUnlockdError(error)) throw error;
      return;
    }
    if (this.#pending.reset || !device.bonded) return;
    const at = this.#clock.now();
    const address = device.address.toLowerCase();
    if (wake.link) yield { type: 'hint', at, address, rssi: null, what: device.connected ? 'link-up' : 'link-down' };
    if (!heard || device.rssi === null) return;
    this.#heardAt.set(path, at);
    yield { type: 'hint', at, address, rssi: { scale: 'dBm', value: device.rssi }, what: 'advertisement' };
  }
}

/** See `BluetoothHal.watch`. */
export const watchBluez = (
  service: BusService,
  reader: BluezReader,
  clock: Clock,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<BluetoothEvent, void, undefined> => new BluezWatch(service, reader, clock, signal).run();
