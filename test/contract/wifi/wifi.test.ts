/**
 * The Wi-Fi contract on the mock, on NetworkManager and wpa_supplicant as python3-dbusmock plays them on a private bus, and,
 * without a radio, on the real ones in network namespaces.
 */
import { systemClock } from '../../../drivers/base/clock.ts';
import { linuxWifi } from '../../../drivers/linux/wifi/linux-wifi.ts';
import { MockWifi } from '../../../hal-mocks/wifi/mock-wifi.ts';
import { missingForBus, PrivateBus } from '../../support/session/private-bus.ts';
import {
  AKM,
  MockNetworkManager,
  OPEN_POINT,
  type PlayedProfile,
  profileOf,
  rsn,
} from '../../support/wifi/mock-network-manager.ts';
import { MockWpaSupplicant, type PlayedNetwork } from '../../support/wifi/mock-wpa-supplicant.ts';
import { describeWifiContract, type Played, type PlayedLink, type RadioWorld } from './describe-wifi-contract.ts';

describeWifiContract('of the mock', async (): Promise<RadioWorld> => {
  const hal = new MockWifi(systemClock);
  let now: PlayedLink | null = null;
  const associate = async (link: PlayedLink) => {
    now = link;
    hal.associate({ interface: 'wlan0', ...link });
  };
  return {
    hal,
    associate,
    disassociate: async () => hal.disassociate('wlan0'),
    setQuality: async (quality) => {
      if (now !== null) await associate({ ...now, quality });
    },
    // What is merely heard is no link, so the mock has nowhere to put it.
    overhear: async () => undefined,
    removeRadio: async () => hal.setPresent(false),
    stop: async () => hal.setOutage('daemon-gone'),
    start: async () => hal.setOutage(null),
    [Symbol.asyncDispose]: () => hal.close(),
  };
});

const POINTS: Readonly<Record<Played, { flags: number; wpaFlags: number; rsnFlags: number }>> = {
  Open: OPEN_POINT,
  'WPA2-Personal': rsn(AKM.psk),
  'WPA3-Personal': rsn(AKM.sae),
  'WPA2-Enterprise': rsn(AKM.eap),
};

function nmProfile({ ssid, security }: PlayedLink): PlayedProfile {
  if (security === 'Open') return profileOf(ssid, null);
  if (security === 'WPA2-Enterprise')
    return profileOf(ssid, { 'key-mgmt': ['s', 'wpa-eap'] }, { eap: ['as', ['peap']] });
  return profileOf(ssid, { 'key-mgmt': ['s', security === 'WPA3-Personal' ? 'sae' : 'wpa-psk'] });
}

async function networkManagerWorld(): Promise<RadioWorld> {
  const bus = await PrivateBus.start();
  const manager = new MockNetworkManager(bus);
  await manager.start();
  await manager.addWire('eth0');
  let device = await manager.addRadio('wlan0');
  let point = '';
  const hal = linuxWifi({ bus: bus.address });
  const hear = ({ security, ...link }: PlayedLink) => manager.addPoint(device, { ...link, ...POINTS[security] });
  return {
    hal,
    associate: async (link) => {
      point = await hear(link);
      await manager.activate(device, point, nmProfile(link));
    },
    disassociate: () => manager.deactivate(device),
    setQuality: (quality) => manager.setPoint(point, { Strength: ['y', quality] }),
    overhear: async (link) => {
      await hear(link);
    },
    removeRadio: () => manager.removeDevice(device),
    stop: () => manager.stop(),
    start: async () => {
      await manager.start();
      device = await manager.addRadio('wlan0');
    },
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await manager.close();
      await bus[Symbol.asyncDispose]();
    },
  };
}

const ELEMENTS: Readonly<Record<Played, readonly string[] | null>> = {
  Open: null,
  'WPA2-Personal': ['wpa-psk'],
  'WPA3-Personal': ['sae'],
  'WPA2-Enterprise': ['wpa-eap'],
};
const NETWORKS: Readonly<Record<Played, PlayedNetwork>> = {
  Open: { key_mgmt: 'NONE' },
  'WPA2-Personal': { key_mgmt: 'WPA-PSK', proto: 'WPA RSN' },
  'WPA3-Personal': { key_mgmt: 'SAE', ieee80211w: '2' },
  'WPA2-Enterprise': { key_mgmt: 'WPA-EAP', eap: 'PEAP' },
};
const AUTH_MODES: Readonly<Record<Played, string>> = {
  Open: 'NONE',
  'WPA2-Personal': 'WPA2-PSK+WPA-PSK',
  'WPA3-Personal': 'SAE',
  'WPA2-Enterprise': 'EAP-PEAP',
};

async function wpaSupplicantWorld(): Promise<RadioWorld> {
  const bus = await PrivateBus.start();
  const wpa = new MockWpaSupplicant(bus);
  await wpa.start();
  let face = await wpa.addFace('wlan0');
  const hal = linuxWifi({ bus: bus.address });
  const hear = ({ ssid, bssid, security }: PlayedLink) => {
    const offer = { privacy: security !== 'Open', wpa: null, rsn: ELEMENTS[security] };
    return wpa.addBss(face, { ssid, bssid, ...offer });
  };
  return {
    hal,
    associate: async (link) => {
      const bss = await hear(link);
      const settings = { ssid: Buffer.from(link.ssid).toString('hex'), ...NETWORKS[link.security] };
      await wpa.setRssi(face, -100 + link.quality / 2);
      await wpa.complete(face, await wpa.addNetwork(face, settings), bss, AUTH_MODES[link.security]);
    },
    disassociate: () => wpa.disconnect(face),
    // wpa_supplicant tells nothing of a weaker signal but when it scans: the driver's own look from time to time does.
    setQuality: async (quality) => {
      await wpa.setRssi(face, -100 + quality / 2);
      await wpa.set(face, { State: ['s', 'completed'] });
    },
    overhear: async (link) => {
      await hear(link);
    },
    removeRadio: () => wpa.removeFaces(),
    stop: () => wpa.stop(),
    start: async () => {
      await wpa.start();
      face = await wpa.addFace('wlan0');
    },
    [Symbol.asyncDispose]: async () => {
      await hal[Symbol.asyncDispose]();
      await wpa.close();
      await bus[Symbol.asyncDispose]();
    },
  };
}

const missing = missingForBus();
const unlessMissing = <T>(open: () => Promise<T>) => (missing === null ? open : { skip: missing });
describeWifiContract('NetworkManager on a private bus', unlessMissing(networkManagerWorld));
describeWifiContract('wpa_supplicant on a private bus', unlessMissing(wpaSupplicantWorld));
