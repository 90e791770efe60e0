/**
 * Bluetooth of a Windows host: bonded devices from the Bluetooth API, proofs by a secured RFCOMM connection. How the key
 * of a bond was agreed Windows does not tell, so nothing is proved at the level `high`; nor does it tell the strength of
 * a link. Its notices need a window with a message loop: the list is read at an interval while somebody watches.
 */
import { type Milliseconds, milliseconds, seconds } from '../../base/brand.ts';
import { isUnlockdError, UnlockdError } from '../../base/errors.ts';
import { SerialQueue } from '../../base/queue.ts';
import type { BluetoothEvent, BluetoothHal, BondedDevice, LinkLevel, Probe } from '../../hal/bluetooth.ts';
import { type HostOptions, LazyLibrary } from '../lazy-library.ts';
import { refusal } from '../native-library.ts';
import { decodeDevice, type WindowsDevice } from './device-info.ts';
import { type BluetoothLibrary, loadBluetoothLibrary } from './library.ts';
import { notProved, probeByRfcomm } from './rfcomm-probe.ts';

export interface WindowsBluetoothOptions extends Omit<HostOptions<BluetoothLibrary>, 'retry'> {
  /** How often the list is read while somebody watches. */
  readonly every?: Milliseconds;
}

type Waiting = { readonly signal: AbortSignal };
type Outage = Extract<BluetoothEvent, { type: 'unavailable' }>['reason'];

const MAX_DEVICES = 64;
const EVERY = seconds(30);

function outageOf(error: unknown): Outage {
  if (isUnlockdError(error, 'ERR_HAL_PERMISSION')) return 'no-permission';
  if (isUnlockdError(error, 'ERR_HAL_NOT_FOUND')) return 'radio-off';
  return isUnlockdError(error, 'ERR_HAL_MODULE_MISSING') ? 'no-driver' : 'failed';
}

class WindowsBluetooth implements BluetoothHal {
  readonly name = 'Windows Bluetooth';
  readonly simulated = false;
  readonly #turns = new SerialQueue();
  readonly #library: LazyLibrary<BluetoothLibrary>;
  readonly #every: Milliseconds;

  constructor({ every = EVERY, ...options }: WindowsBluetoothOptions) {
    this.#library = new LazyLibrary('Bluetooth', loadBluetoothLibrary, options);
    this.#every = every;
  }

  /** A device that is only remembered has no key. */
  #devices(): readonly WindowsDevice[] {
    const library = this.#library.use();
    const radio = library.hasRadio();
    if (typeof radio !== 'boolean') throw refusal('BluetoothFindFirstRadio', radio);
    if (!radio) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'Windows has no Bluetooth radio that is switched on');
    const found = library.devices(MAX_DEVICES);
    if ('failed' in found) throw refusal('BluetoothFindFirstDevice', found);
    return found.flatMap((bytes) => {
      const device = decodeDevice(bytes);
      return device?.authenticated ? [device] : [];
    });
  }

  async bonded({ signal }: Waiting): Promise<readonly BondedDevice[]> {
    signal.throwIfAborted();
    return this.#devices().map(({ address, name, classOfDevice }) => ({
      address,
      addressType: 'public',
      bearers: ['BR/EDR'],
      name,
      classOfDevice,
      key: 'unknown',
      identityKey: null,
    }));
  }

  async probe(
    address: string,
    options: { readonly minLevel: LinkLevel; readonly within: Milliseconds; readonly signal: AbortSignal },
  ): Promise<Probe> {
    options.signal.throwIfAborted();
    const { clock } = this.#library;
    const ends = clock.now() + options.within;
    const own = address.toLowerCase();
    const turn = () => this.#proof(own, options.minLevel, milliseconds(ends - clock.now()), options.signal);
    const outcome = await this.#turns.run(turn, { signal: options.signal });
    return { at: clock.now(), bearer: 'BR/EDR', outcome };
  }

  async #proof(
    address: string,
    minLevel: LinkLevel,
    within: Milliseconds,
    signal: AbortSignal,
  ): Promise<Probe['outcome']> {
    const bonded = () => this.#devices().some((device) => device.address === address);
    try {
      if (!bonded()) return notProved('not-bonded');
      if (minLevel === 'high') return notProved('weak-link', 'Windows does not tell how the key was agreed');
      if (within <= 0) return notProved('failed', 'the radio had no time for it');
      const probe = { address, clock: this.#library.clock, within, signal };
      const outcome = await probeByRfcomm(this.#library.use(), probe);
      // A bond that was given up beside it proves nothing.
      return outcome.proved && !bonded() ? notProved('not-bonded') : outcome;
    } catch (error) {
      signal.throwIfAborted();
      if (!isUnlockdError(error)) throw error;
      const outage = outageOf(error);
      if (outage === 'radio-off' || outage === 'no-permission') return notProved(outage, error.message);
      return notProved(outage === 'no-driver' ? 'unsupported' : 'failed', error.message);
    }
  }

  async *watch({ signal }: Waiting): AsyncGenerator<BluetoothEvent, void, undefined> {
    const { clock } = this.#library;
    /** What was told last: the list, or why there is none. */
    let told: string | null = null;
    let known = false;
    while (!signal.aborted) {
      const at = clock.now();
      try {
        const list = JSON.stringify(this.#devices());
        if (!known) yield { type: 'available', at };
        else if (list !== told) yield { type: 'bonds-changed', at };
        [told, known] = [list, true];
      } catch (error) {
        if (!isUnlockdError(error)) throw error;
        const reason = outageOf(error);
        if (known || reason !== told) yield { type: 'unavailable', at, reason };
        [told, known] = [reason, false];
      }
      await clock.sleep(this.#every, { signal }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    this.#library.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The Bluetooth of a Windows machine. Nothing is loaded before it is first used. */
export const windowsBluetooth = (options: WindowsBluetoothOptions = {}): BluetoothHal => new WindowsBluetooth(options);
