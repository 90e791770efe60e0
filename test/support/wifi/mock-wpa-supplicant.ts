/** wpa_supplicant as python3-dbusmock plays it: interfaces with a network, an access point and a state. */
import type { PrivateBus } from '../session/private-bus.ts';
import { MockService, type Typed, type TypedProperties } from './mock-service.ts';

const NAME = 'fi.w1.wpa_supplicant1';
const ROOT = '/fi/w1/wpa_supplicant1';
export const WPA_FACE = `${NAME}.Interface`;
const WPA_BSS = `${NAME}.BSS`;
const WPA_NETWORK = `${NAME}.Network`;

export interface PlayedBss {
  readonly ssid: Uint8Array;
  readonly bssid: string;
  readonly privacy: boolean;
  /** Names as in the property `KeyMgmt` of the elements; null: there is no such element. */
  readonly wpa: readonly string[] | null;
  readonly rsn: readonly string[] | null;
}

/** As `Properties` of a network: text as in wpa_supplicant.conf. */
export type PlayedNetwork = Readonly<Record<string, string>>;

const element = (names: readonly string[] | null): Typed => [
  'a{sv}',
  names === null ? [] : [['KeyMgmt', ['as', [...names]]]],
];

export class MockWpaSupplicant extends MockService {
  #made = 0;
  #faces: string[] = [];

  constructor(bus: PrivateBus) {
    super(bus, NAME, [NAME, ROOT, NAME]);
  }

  override async start(): Promise<void> {
    await super.start();
    this.#faces = [];
    await this.addProperty(ROOT, NAME, 'Interfaces', ['ao', []]);
  }

  /** @returns the path of the interface */
  async addFace(name: string, driver = 'nl80211'): Promise<string> {
    const path = `${ROOT}/Interfaces/${this.#made++}`;
    await this.addObject(
      path,
      WPA_FACE,
      {
        Ifname: ['s', name],
        Driver: ['s', driver],
        State: ['s', 'disconnected'],
        CurrentAuthMode: ['s', 'INACTIVE'],
        CurrentNetwork: ['o', '/'],
        CurrentBSS: ['o', '/'],
      },
      [
        [
          'SignalPoll',
          '',
          'a{sv}',
          'raise dbus.exceptions.DBusException("no", name="fi.w1.wpa_supplicant1.UnknownError")',
        ],
      ],
    );
    this.#faces.push(path);
    await this.update(ROOT, NAME, { Interfaces: ['ao', this.#faces] });
    await this.emit(ROOT, NAME, 'InterfaceAdded', 'oa{sv}', [
      ['o', path],
      ['a{sv}', []],
    ]);
    return path;
  }

  async removeFaces(): Promise<void> {
    const gone = this.#faces;
    this.#faces = [];
    await this.update(ROOT, NAME, { Interfaces: ['ao', []] });
    for (const path of gone) await this.emit(ROOT, NAME, 'InterfaceRemoved', 'o', [['o', path]]);
  }

  async addBss(face: string, bss: PlayedBss): Promise<string> {
    const path = `${face}/BSSs/${this.#made++}`;
    await this.addObject(path, WPA_BSS, {
      SSID: ['ay', Buffer.from(bss.ssid)],
      BSSID: ['ay', Buffer.from(bss.bssid.replaceAll(':', ''), 'hex')],
      Mode: ['s', 'infrastructure'],
      Privacy: ['b', bss.privacy],
      WPA: element(bss.wpa),
      RSN: element(bss.rsn),
    });
    return path;
  }

  async addNetwork(face: string, network: PlayedNetwork): Promise<string> {
    const path = `${face}/Networks/${this.#made++}`;
    const settings = Object.entries(network).map(([name, value]) => [name, ['s', value]]);
    await this.addObject(path, WPA_NETWORK, { Enabled: ['b', true], Properties: ['a{sv}', settings] });
    return path;
  }

  async set(face: string, properties: TypedProperties): Promise<void> {
    await this.update(face, WPA_FACE, properties);
  }

  async complete(face: string, network: string, bss: string, authMode: string): Promise<void> {
    await this.set(face, {
      CurrentNetwork: ['o', network],
      CurrentBSS: ['o', bss],
      CurrentAuthMode: ['s', authMode],
      State: ['s', 'completed'],
    });
  }

  async disconnect(face: string): Promise<void> {
    await this.set(face, {
      State: ['s', 'disconnected'],
      CurrentAuthMode: ['s', 'INACTIVE'],
      CurrentBSS: ['o', '/'],
    });
  }

  /** Strength of the link in dBm. */
  async setRssi(face: string, dBm: number): Promise<void> {
    const code = `ret = dbus.Dictionary({"rssi": dbus.Int32(${dBm}, variant_level=1)}, signature="sv")`;
    await this.addMethod(face, WPA_FACE, ['SignalPoll', '', 'a{sv}', code]);
  }

  async eap(face: string, status: string, parameter: string): Promise<void> {
    await this.emit(face, WPA_FACE, 'EAP', 'ss', [
      ['s', status],
      ['s', parameter],
    ]);
  }
}
