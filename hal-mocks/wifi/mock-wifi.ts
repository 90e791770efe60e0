/**
 * Wi-Fi that exists only in memory, behind the same seam as that of a real host: a test or a scenario associates the
 * machine, lets it roam, and takes the service behind it away.
 */
import type { Clock } from '../../drivers/base/clock.ts';
import { UnlockdError } from '../../drivers/base/errors.ts';
import type { NetworkEvent, WifiHal, WifiLink, WifiSnapshot } from '../../drivers/hal/network.ts';
import { Watchers } from '../watchers.ts';

type Outage = Extract<NetworkEvent, { type: 'unavailable' }>['reason'];

const CODES = {
  'no-driver': 'ERR_HAL_NOT_FOUND',
  'daemon-gone': 'ERR_HAL_DISCONNECTED',
  'no-permission': 'ERR_HAL_PERMISSION',
  failed: 'ERR_HAL_IO',
} as const satisfies Record<Outage, string>;

export class MockWifi implements WifiHal {
  readonly name = 'mock';
  readonly simulated = true;
  readonly #clock: Clock;
  readonly #links = new Map<string, WifiLink>();
  readonly #watchers = new Watchers<NetworkEvent>();
  #present = true;
  #outage: Outage | null = null;
  #closed = false;
  #readings = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often it was read. */
  get readings(): number {
    return this.#readings;
  }

  /** The link of its interface from now on. */
  associate(link: Pick<WifiLink, 'interface' | 'ssid'> & Partial<WifiLink>): void {
    const nothing = { bssid: null, security: null, quality: null, root: null, source: 'mock', weak: false };
    this.#links.set(link.interface, { ...nothing, ...link });
    this.#tell({ type: 'changed' });
  }

  disassociate(name: string): void {
    if (this.#links.delete(name)) this.#tell({ type: 'changed' });
  }

  /** Whether the machine has a Wi-Fi interface. */
  setPresent(present: boolean): void {
    this.#present = present;
    if (!present) this.#links.clear();
    this.#tell({ type: 'changed' });
  }

  /** The service behind it goes away (then nothing that it knew is kept), or comes back: null. */
  setOutage(outage: Outage | null): void {
    if (outage === this.#outage) return;
    this.#outage = outage;
    if (outage !== null) this.#links.clear();
    this.#tell(this.#state());
  }

  async read({ signal }: { readonly signal: AbortSignal }): Promise<WifiSnapshot> {
    signal.throwIfAborted();
    if (this.#closed) throw new UnlockdError('ERR_HAL_CLOSED', 'the Wi-Fi was closed');
    this.#readings++;
    if (this.#outage !== null) throw new UnlockdError(CODES[this.#outage], 'the mock of the Wi-Fi cannot be asked');
    const links = [...this.#links.values()].map((link) => ({ ...link, ssid: Uint8Array.from(link.ssid) }));
    return { at: this.#clock.now(), present: this.#present, links };
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<NetworkEvent, void, undefined> {
    return this.#watchers.watch(this.#state(), signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #state(): NetworkEvent {
    return this.#outage === null ? { type: 'available' } : { type: 'unavailable', reason: this.#outage };
  }

  #tell(event: NetworkEvent): void {
    this.#watchers.tell(event);
  }
}
