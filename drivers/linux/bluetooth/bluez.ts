/**
 * Bluetooth of a real Linux host: bonds and events from BlueZ over the system bus (org.bluez(5)), the strength of their
 * keys from its files, and proofs from a radio prober. BlueZ's word that a device is connected is never a proof: anybody
 * within range can bring it about without a key.
 */
import { type Milliseconds, milliseconds, seconds } from '../../base/brand.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { startDeadline } from '../../base/deadline.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import { SerialQueue } from '../../base/queue.ts';
import type {
  Bearer,
  BluetoothEvent,
  BluetoothHal,
  BondedDevice,
  LinkLevel,
  Probe,
  ProbeFailure,
} from '../../hal/bluetooth.ts';
import { SYSTEM_BUS } from '../dbus/address.ts';
import { BusService } from '../dbus/bus-service.ts';
import { dictOf } from '../dbus/values.ts';
import { type Bond, bondsOf, checkedOutcome, keyProblem, notProved, stands } from './bluez-bonds.ts';
import { type BluezObjects, DEVICE, deviceOf, objectsOf } from './bluez-objects.ts';
import { OBJECT_MANAGER, PROPERTIES } from './bluez-wake.ts';
import { type BluezReader, watchBluez } from './bluez-watch.ts';
import { BOND_FOLDER } from './bond-file.ts';
import type { RadioProber } from './radio-prober.ts';

export interface BluezOptions {
  /** Proves devices; stays its owner's to close. */
  readonly prober: RadioProber;
  /** Address of the bus; the system bus. */
  readonly bus?: string;
  readonly clock?: Clock;
  /** Longest time of one call. */
  readonly within?: Milliseconds;
  /** Where BlueZ keeps its bonds. */
  readonly bondFolder?: string;
}

type Waiting = { readonly signal: AbortSignal };
type ProbeOptions = { readonly minLevel: LinkLevel; readonly within: Milliseconds; readonly signal: AbortSignal };

/** What a call that failed says of a probe. */
function failureOf(error: unknown): { readonly reason: ProbeFailure; readonly detail: string } {
  if (!isUnlockdError(error)) throw error;
  if (error.code === 'ERR_HAL_PERMISSION') return { reason: 'no-permission', detail: 'BlueZ may not be asked' };
  if (error.code === 'ERR_HAL_TIMEOUT') return { reason: 'failed', detail: 'the radio had no time for it' };
  return { reason: 'failed', detail: error.message };
}

class BluezBluetooth implements BluetoothHal {
  readonly name = 'BlueZ';
  readonly simulated = false;
  readonly #service: BusService;
  readonly #clock: Clock;
  readonly #prober: RadioProber;
  readonly #folder: string;
  readonly #turns = new Map<number, SerialQueue>();

  constructor(service: BusService, clock: Clock, prober: RadioProber, folder: string) {
    this.#service = service;
    this.#clock = clock;
    this.#prober = prober;
    this.#folder = folder;
  }

  async bonded(options: Waiting): Promise<readonly BondedDevice[]> {
    const objects = await this.#objects(options);
    if (objects.adapters.length === 0) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'BlueZ has no adapter');
    return (await bondsOf(objects, this.#folder)).map(({ device }) => device);
  }

  async probe(address: string, { minLevel, within, signal }: ProbeOptions): Promise<Probe> {
    signal.throwIfAborted();
    const ends = this.#clock.now() + within;
    const gone = new AbortController();
    // A proof is worth nothing any more when the daemon that had the bond went away beside it.
    const stop = this.#service.listen(({ type }) => {
      if (type === 'vanished') gone.abort(new UnlockdError('ERR_HAL_DISCONNECTED', 'BlueZ went away'));
    });
    const either = AbortSignal.any([signal, gone.signal]);
    using deadline = startDeadline(this.#clock, within, { what: 'the probe', signal: either });
    let bearer: Bearer = 'BR/EDR';
    let outcome: Probe['outcome'];
    let proof: string | undefined;
    try {
      const bond = await deadline.race(this.#bond(address.toLowerCase(), deadline.signal));
      bearer = bond?.device.bearers[0] ?? bearer;
      if (bond === null) outcome = notProved('not-bonded', null);
      else outcome = keyProblem(bond, minLevel) ?? (await deadline.race(this.#page(bond, minLevel, ends, deadline)));
      if (bond !== null && outcome.proved && !(await stands(bond, this.#folder))) {
        outcome = notProved('not-bonded', 'it was paired anew meanwhile');
      }
      proof = bond?.device.bond;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const { reason, detail } = failureOf(error);
      outcome = notProved(reason, detail);
    } finally {
      stop();
    }
    const by = outcome.proved && proof !== undefined ? { bond: proof } : {};
    return { at: this.#clock.now(), bearer, ...by, outcome };
  }

  watch(options: Waiting): AsyncIterable<BluetoothEvent> {
    const reader: BluezReader = {
      objects: (waiting) => this.#objects(waiting),
      device: async (path, waiting) => {
        const call = { path, interface: PROPERTIES, member: 'GetAll', signature: 's', body: [DEVICE] };
        const [all] = await this.#service.call(call, waiting);
        return deviceOf(path, dictOf(all, DEVICE));
      },
    };
    return watchBluez(this.#service, reader, this.#clock, options);
  }

  async #objects(options: Waiting): Promise<BluezObjects> {
    const call = { path: '/', interface: OBJECT_MANAGER, member: 'GetManagedObjects' };
    const [answer] = await this.#service.call(call, options);
    return objectsOf(answer);
  }

  async #bond(address: string, signal: AbortSignal): Promise<Bond | null> {
    const objects = await this.#objects({ signal });
    if (objects.adapters.length === 0) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'there is no Bluetooth adapter');
    return (await bondsOf(objects, this.#folder)).find(({ device }) => device.address === address) ?? null;
  }

  /** In its turn: an adapter pages one device at a time. */
  async #page(bond: Bond, minLevel: LinkLevel, ends: number, { signal }: Waiting): Promise<Probe['outcome']> {
    const { adapter, device } = bond;
    const turn = this.#turns.get(adapter.index) ?? new SerialQueue();
    this.#turns.set(adapter.index, turn);
    const { address, addressType } = device;
    const [bearer = 'BR/EDR'] = device.bearers;
    return await turn.run(
      async () => {
        const within = milliseconds(Math.max(1, ends - this.#clock.now()));
        const asked = { adapter: adapter.index, address, addressType, bearer, minLevel, within, signal };
        return checkedOutcome(await this.#prober.probe(asked), bond, minLevel);
      },
      { signal },
    );
  }

  async close(): Promise<void> {
    await this.#service.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const WITHIN = seconds(5);

/** The Bluetooth part of a Linux machine. Connects by itself, now and whenever the bus comes back; never throws for that. */
export function bluezBluetooth(options: BluezOptions): BluetoothHal {
  const { prober, bus = SYSTEM_BUS, clock = systemClock, within = WITHIN, bondFolder = BOND_FOLDER } = options;
  const service = new BusService({ name: 'org.bluez', address: bus, clock, within });
  return new BluezBluetooth(service, clock, prober, bondFolder);
}
