/**
 * Bluetooth that exists only in memory, behind the same seam as BlueZ: phones that are bonded, come near, leave, and are
 * replaced by an impostor at their address who has everything but the key. Every page of a phone is counted, as each
 * costs its battery.
 */
import { type Milliseconds, type MonotonicMs, milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import { SerialQueue } from '../../drivers/base/queue.ts';
import type {
  BluetoothEvent,
  BluetoothHal,
  BondedDevice,
  LinkLevel,
  Probe,
  ProbeFailure,
} from '../../drivers/hal/bluetooth.ts';
import type { AnyRssi } from '../../drivers/hal/rssi.ts';
import { Watchers } from '../watchers.ts';

/** Who answers at the address of a phone. */
export type MockAnswer =
  /** The phone itself. */
  | 'phone'
  /** Same address, same class, strong and connected; without the bonded key. */
  | 'impostor'
  | 'nobody';

export interface MockPhone extends BondedDevice {
  readonly answers: MockAnswer;
  /** What the link tells; a lying host may tell it on the wrong scale. */
  readonly rssi: AnyRssi | null;
  /** Bytes of the key that the link ends up with. */
  readonly keySize: number;
}

export type MockOutage = Extract<BluetoothEvent, { type: 'unavailable' }>['reason'];

type Happening = BluetoothEvent extends infer E ? (E extends BluetoothEvent ? Omit<E, 'at'> : never) : never;

export interface MockProbe {
  readonly address: string;
  readonly minLevel: LinkLevel;
  readonly at: MonotonicMs;
}

const PHONE: Omit<MockPhone, 'address'> = {
  addressType: 'public',
  bearers: ['BR/EDR'],
  name: 'phone',
  classOfDevice: 0x5a020c,
  key: 'authenticated',
  identityKey: null,
  answers: 'phone',
  rssi: { scale: 'relative', value: 0 },
  keySize: 16,
};

const MAX_REMEMBERED = 10_000;

export class MockBluetooth implements BluetoothHal {
  readonly name = 'mock';
  readonly simulated = true;
  readonly #clock: Clock;
  readonly #phones = new Map<string, MockPhone>();
  readonly #watchers = new Watchers<BluetoothEvent>();
  readonly #turn = new SerialQueue();
  readonly #probes: MockProbe[] = [];
  #outage: MockOutage | null = null;
  #gone = new AbortController();
  #closed = false;
  /** How long a page of a phone that answers takes. */
  answersAfter: Milliseconds = milliseconds(0);
  /** How long one takes that nobody answers; never longer than the caller gives it. */
  silentFor: Milliseconds = milliseconds(0);
  /** What the next probes fail with before anything is sent; null: they do not. */
  fails: ProbeFailure | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Every page that went out, in order. */
  get probes(): readonly MockProbe[] {
    return this.#probes;
  }

  /** Bonds a phone, or changes one that is bonded. */
  put(phone: Pick<MockPhone, 'address'> & Partial<MockPhone>): void {
    this.#phones.set(phone.address, { ...(this.#phones.get(phone.address) ?? PHONE), ...phone });
    this.tell({ type: 'bonds-changed' });
  }

  /** Who answers from now on; nobody hears of it. */
  answer(address: string, answers: MockAnswer, rssi?: AnyRssi | null): void {
    const phone = this.#phones.get(address);
    if (phone === undefined) throw new UnlockdError('ERR_HAL_NOT_FOUND', 'the mock has no such phone');
    this.#phones.set(address, { ...phone, answers, ...(rssi === undefined ? {} : { rssi }) });
  }

  forget(address: string): void {
    if (this.#phones.delete(address)) this.tell({ type: 'bonds-changed' });
  }

  /** @param reason null: it can be asked again */
  setOutage(reason: MockOutage | null): void {
    if (reason === this.#outage) return;
    this.#outage = reason;
    if (reason === null) {
      this.#gone = new AbortController();
      this.tell({ type: 'available' });
      return;
    }
    this.#gone.abort(new UnlockdError('ERR_HAL_DISCONNECTED', 'the mock of Bluetooth went away'));
    this.tell({ type: 'unavailable', reason });
  }

  /** Something happens; whoever watches hears of it. */
  tell(event: Happening): void {
    const told = { ...event, at: this.#clock.now() } as BluetoothEvent;
    this.#watchers.tell(told);
  }

  async bonded({ signal }: { readonly signal: AbortSignal }): Promise<readonly BondedDevice[]> {
    signal.throwIfAborted();
    this.#requireOpen();
    const outage = this.#outage;
    if (outage === 'no-permission') throw new UnlockdError('ERR_HAL_PERMISSION', 'the mock of Bluetooth refuses');
    // A radio that is off does not forget what it was paired with.
    if (outage !== null && outage !== 'radio-off') {
      throw new UnlockdError('ERR_HAL_NOT_FOUND', 'the mock of Bluetooth is not there');
    }
    return [...this.#phones.values()].map(({ answers, rssi, keySize, ...device }) => device);
  }

  async probe(
    address: string,
    options: { readonly minLevel: LinkLevel; readonly within: Milliseconds; readonly signal: AbortSignal },
  ): Promise<Probe> {
    const { minLevel, within, signal } = options;
    signal.throwIfAborted();
    this.#requireOpen();
    const phone = this.#phones.get(address);
    const refused = this.#refusalOf(phone, minLevel);
    const outcome =
      refused === null && phone !== undefined
        ? await this.#turn.run(() => this.#page(phone.address, minLevel, within, signal), { signal })
        : ({ proved: false, reason: refused ?? 'not-bonded', detail: null } as const);
    const by = outcome.proved && phone?.bond !== undefined ? { bond: phone.bond } : {};
    return { at: this.#clock.now(), bearer: phone?.bearers[0] ?? 'BR/EDR', ...by, outcome };
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<BluetoothEvent, void, undefined> {
    const at = this.#clock.now();
    const reason = this.#outage;
    const first: BluetoothEvent = reason === null ? { type: 'available', at } : { type: 'unavailable', at, reason };
    return this.#watchers.watch(first, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the mock of Bluetooth was closed');
  }

  /** Why nothing is sent at all; null: it is. */
  #refusalOf(phone: MockPhone | undefined, minLevel: LinkLevel): ProbeFailure | null {
    if (this.fails !== null) return this.fails;
    if (this.#outage === 'radio-off' || this.#outage === 'no-permission') return this.#outage;
    if (this.#outage !== null) return 'failed';
    if (phone === undefined) return 'not-bonded';
    const enough = minLevel === 'high' ? phone.key === 'authenticated' : phone.key !== 'debug';
    return enough ? null : 'weak-link';
  }

  async #page(
    address: string,
    minLevel: LinkLevel,
    within: Milliseconds,
    signal: AbortSignal,
  ): Promise<Probe['outcome']> {
    if (this.#probes.length < MAX_REMEMBERED) this.#probes.push({ address, minLevel, at: this.#clock.now() });
    const phone = this.#phones.get(address);
    const answers = phone?.answers ?? 'nobody';
    const span = answers === 'nobody' ? Math.min(this.silentFor, within) : this.answersAfter;
    const gone = this.#gone.signal;
    try {
      if (span > 0) await this.#clock.sleep(milliseconds(span), { signal: AbortSignal.any([signal, gone]) });
    } catch (error) {
      if (signal.aborted) throw error;
    }
    if (gone.aborted) return { proved: false, reason: 'failed', detail: 'the mock of Bluetooth went away' };
    if (phone === undefined || answers === 'nobody') return { proved: false, reason: 'unreachable', detail: null };
    if (answers === 'impostor') return { proved: false, reason: 'refused', detail: null };
    if (phone.keySize < 16) {
      return { proved: false, reason: 'weak-link', detail: `the key of the link has ${phone.keySize} bytes` };
    }
    const authenticated = phone.key === 'authenticated';
    return { proved: true, encrypted: true, authenticated, keySize: phone.keySize, rssi: phone.rssi };
  }
}
