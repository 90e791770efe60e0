/**
 * wpa_supplicant on the system bus (wpa_supplicant D-Bus API, `fi.w1.wpa_supplicant1`): its interfaces as they are now,
 * and the roots of the logins that it told of while we listened. Only root may ask it on most systems.
 */
import type { BusServiceEvent } from '../dbus/bus-service.ts';
import type { BusOptions } from '../dbus/connection.ts';
import { type ObjectProperties, ObjectService } from '../dbus/object-service.ts';
import { dictOf, listOf, textOf } from '../dbus/values.ts';
import { LoginRoots, WPA_INTERFACE } from './login-roots.ts';

export const WPA_NAME = 'fi.w1.wpa_supplicant1';
const WPA_PATH = '/fi/w1/wpa_supplicant1';
const INTERFACE_PATH = /^\/fi\/w1\/wpa_supplicant1\/Interfaces\/\d{1,9}$/;
const MAX_INTERFACES = 16;

/** Drivers of radios; `wired` and its like serve 802.1X on cables. */
const RADIO_DRIVERS = ['nl80211', 'wext'];

export type WpaProperties = ObjectProperties;
type Waiting = { readonly signal: AbortSignal };

export interface WpaInterface {
  readonly path: string;
  /** Of the kernel. */
  readonly name: string;
  readonly radio: boolean;
  readonly state: string;
  readonly authMode: string;
  /** Paths; null: none. */
  readonly network: string | null;
  readonly bss: string | null;
}

const pathOrNull = (value: unknown, what: string): string | null => {
  const path = textOf(value ?? '/', what);
  return path === '/' ? null : path;
};

function interfaceOf(path: string, properties: WpaProperties): WpaInterface {
  return {
    path,
    name: textOf(properties.get('Ifname'), 'Ifname'),
    radio: RADIO_DRIVERS.includes(textOf(properties.get('Driver'), 'Driver')),
    state: textOf(properties.get('State'), 'State'),
    authMode: textOf(properties.get('CurrentAuthMode') ?? 'UNKNOWN', 'CurrentAuthMode'),
    network: pathOrNull(properties.get('CurrentNetwork'), 'CurrentNetwork'),
    bss: pathOrNull(properties.get('CurrentBSS'), 'CurrentBSS'),
  };
}

export class WpaSupplicant extends ObjectService {
  readonly #closing = new AbortController();
  readonly logins = new LoginRoots();
  #confirming: Promise<void> = Promise.resolve();

  /** Connects by itself, now and whenever the bus comes back; never throws for that. */
  constructor(options: BusOptions) {
    super(options, { name: WPA_NAME, called: 'wpa_supplicant' });
    this.listen((event) => this.#receive(event));
  }

  #receive(event: BusServiceEvent): void {
    if (event.type !== 'signal') {
      this.logins.clear();
      return;
    }
    const path = this.logins.take(event.signal);
    if (path !== null) this.#confirming = this.#confirming.then(() => this.#confirm(path));
  }

  async #confirm(path: string): Promise<void> {
    try {
      this.logins.confirm(path, await this.#interface(path, { signal: this.#closing.signal }));
    } catch {
      // Not confirmed: the login counts for nothing.
    }
  }

  async #interface(path: string, options: Waiting): Promise<WpaInterface> {
    return interfaceOf(path, await this.properties(path, WPA_INTERFACE, options));
  }

  /**
   * Its interfaces, at most 16. Logins of which it has told before are confirmed then.
   * @throws {ERR_HAL_DISCONNECTED} when it was replaced meanwhile; else as `properties`
   */
  async interfaces(options: Waiting): Promise<readonly WpaInterface[]> {
    return await this.ofOneProcess(async () => {
      const root = await this.properties(WPA_PATH, WPA_NAME, options);
      const paths = listOf(root.get('Interfaces'), 'Interfaces').map((path) => textOf(path, 'Interfaces'));
      const known = paths.filter((path) => INTERFACE_PATH.test(path)).slice(0, MAX_INTERFACES);
      const found = await Promise.all(known.map((path) => this.#interface(path, options)));
      await this.#confirming;
      return found;
    });
  }

  /** Strength of the link in dBm, measured now; null: the driver does not tell. */
  async signalPoll(path: string, options: Waiting): Promise<number | null> {
    try {
      const [values] = await this.call({ path, interface: WPA_INTERFACE, member: 'SignalPoll' }, options);
      const rssi = dictOf(values, 'SignalPoll').get('rssi');
      return typeof rssi === 'number' ? rssi : null;
    } catch (error) {
      if (options.signal.aborted) throw error;
      return null;
    }
  }

  override async close(): Promise<void> {
    this.#closing.abort();
    await super.close();
    await this.#confirming;
  }
}
