/**
 * NetworkManager as python3-dbusmock plays it, with what its template lacks: the access point that a device is associated
 * with, the profile as it was activated, and SSIDs that are no text.
 */
import type { PrivateBus } from '../session/private-bus.ts';
import { MockService, pythonSettings, type Typed, type TypedProperties } from './mock-service.ts';

const NM = 'org.freedesktop.NetworkManager';
const ROOT = '/org/freedesktop/NetworkManager';
const MOCK = 'org.freedesktop.DBus.Mock';
export const NM_DEVICE = `${NM}.Device`;
export const NM_WIRELESS = `${NM}.Device.Wireless`;
export const NM_POINT = `${NM}.AccessPoint`;

const DISCONNECTED = 30;
const ACTIVATED = 100;
const INFRA = 2;

export interface PlayedPoint {
  readonly ssid: Uint8Array;
  readonly bssid: string;
  readonly quality: number;
  /** NM80211ApFlags, and NM80211ApSecurityFlags of both elements. */
  readonly flags: number;
  readonly wpaFlags: number;
  readonly rsnFlags: number;
}

/** Settings by name, as of `GetAppliedConnection`. */
export type PlayedProfile = Readonly<Record<string, TypedProperties>>;

export const OPEN_POINT = { flags: 0, wpaFlags: 0, rsnFlags: 0 } as const;
/** CCMP for both ciphers, and the AKM. */
export const rsn = (akm: number) => ({ flags: 1, wpaFlags: 0, rsnFlags: 0x88 | akm }) as const;
export const AKM = { psk: 0x100, eap: 0x200, sae: 0x400, owe: 0x800, suiteB: 0x2000 } as const;

export function profileOf(
  ssid: Uint8Array,
  security: TypedProperties | null,
  eap: TypedProperties | null = null,
  uuid = '11111111-2222-3333-4444-555555555555',
): PlayedProfile {
  return {
    connection: { id: ['s', 'profile'], uuid: ['s', uuid], type: ['s', '802-11-wireless'] },
    '802-11-wireless': { ssid: ['ay', ssid], mode: ['s', 'infrastructure'] },
    ...(security === null ? {} : { '802-11-wireless-security': security }),
    ...(eap === null ? {} : { '802-1x': eap }),
  };
}

export class MockNetworkManager extends MockService {
  #made = 0;

  constructor(bus: PrivateBus) {
    super(bus, NM, ['--template', 'networkmanager']);
  }

  override async start(): Promise<void> {
    await super.start();
    for (let tries = 0; ; tries++) {
      try {
        await this.call(ROOT, NM, 'GetDevices');
        return;
      } catch (error) {
        if (tries > 400) throw error;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  }

  /** @returns the path of the device */
  async addRadio(name: string): Promise<string> {
    const path = String(
      await this.call(ROOT, MOCK, 'AddWiFiDevice', 'ssi', [`radio${this.#made++}`, name, DISCONNECTED]),
    );
    await this.addProperty(path, NM_WIRELESS, 'ActiveAccessPoint', ['o', '/']);
    await this.update(path, NM_WIRELESS, { Mode: ['u', INFRA] });
    return path;
  }

  async addWire(name: string): Promise<string> {
    return String(await this.call(ROOT, MOCK, 'AddEthernetDevice', 'ssi', [`wire${this.#made++}`, name, ACTIVATED]));
  }

  /** The radio is pulled. */
  async removeDevice(path: string): Promise<void> {
    await this.deactivate(path);
    const left = ((await this.call(ROOT, NM, 'GetDevices')) as string[]).filter((each) => each !== path);
    await this.update(ROOT, NM, { Devices: ['ao', left] });
    await this.removeObject(path);
    await this.emit(ROOT, NM, 'DeviceRemoved', 'o', [['o', path]]);
  }

  /** An access point that is heard. @returns its path */
  async addPoint(device: string, point: PlayedPoint): Promise<string> {
    const body = [device, `point${this.#made++}`, 'x', point.bssid, INFRA, 2412, 54000, point.quality, 0];
    const path = String(await this.call(ROOT, MOCK, 'AddAccessPoint', 'ssssuuuyu', body));
    await this.update(path, NM_POINT, {
      Ssid: ['ay', Buffer.from(point.ssid)],
      Flags: ['u', point.flags],
      WpaFlags: ['u', point.wpaFlags],
      RsnFlags: ['u', point.rsnFlags],
    });
    return path;
  }

  async setPoint(path: string, changes: TypedProperties): Promise<void> {
    await this.update(path, NM_POINT, changes);
  }

  /**
   * The device is associated with `point` under a profile.
   * @param stored what has become of the profile since; what was activated stays what it was
   */
  async activate(device: string, point: string, profile: PlayedProfile, stored = profile): Promise<void> {
    await this.applyAndRun(device, profile, 'pass');
    const connection = `${ROOT}/Settings/${this.#made++}`;
    const settings = `ret = ${pythonSettings(stored)}`;
    await this.addObject(connection, `${NM}.Settings.Connection`, {}, [['GetSettings', '', 'a{sa{sv}}', settings]]);
    const active = `${ROOT}/ActiveConnection/${this.#made++}`;
    await this.addObject(active, `${NM}.Connection.Active`, {
      Connection: ['o', connection],
      Uuid: stored.connection?.uuid ?? ['s', ''],
    });
    await this.update(device, NM_WIRELESS, { ActiveAccessPoint: ['o', point] });
    await this.#state(device, ACTIVATED, ['o', active]);
  }

  /** The profile as it was activated; @param also Python that runs at every question for it */
  async applyAndRun(device: string, profile: PlayedProfile, also: string): Promise<void> {
    const code = `${also}\nret = (${pythonSettings(profile)}, dbus.UInt64(1))`;
    await this.addMethod(device, NM_DEVICE, ['GetAppliedConnection', 'u', 'a{sa{sv}}t', code]);
  }

  /** It roams: another access point of the same network. */
  async roam(device: string, point: string): Promise<void> {
    await this.update(device, NM_WIRELESS, { ActiveAccessPoint: ['o', point] });
  }

  async deactivate(device: string): Promise<void> {
    await this.#state(device, DISCONNECTED, ['o', '/']);
    await this.update(device, NM_WIRELESS, { ActiveAccessPoint: ['o', '/'] });
  }

  async #state(device: string, state: number, active: Typed): Promise<void> {
    await this.update(device, NM_DEVICE, { State: ['u', state], ActiveConnection: active });
    const told = [state, 0, 0].map((value): Typed => ['u', value]);
    await this.emit(device, NM_DEVICE, 'StateChanged', 'uuu', told);
  }
}
