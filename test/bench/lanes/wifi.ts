/**
 * From what happens to the Wi-Fi to the verdict of the policy, on a private bus with the NetworkManager of
 * python3-dbusmock. An association is taken apart and made by several calls: a loss counts from the first, a gain from the
 * answer to the last.
 */
import { Sensors } from '../../../agent/signals/sensors.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { utf8 } from '../../../drivers/base/bytes.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { linuxWifi } from '../../../drivers/linux/wifi/linux-wifi.ts';
import { wifiDriver } from '../../../drivers/wifi/wifi-driver.ts';
import { policyOf } from '../../support/policy-fixtures.ts';
import { PrivateBus } from '../../support/session/private-bus.ts';
import { AKM, MockNetworkManager, profileOf, rsn } from '../../support/wifi/mock-network-manager.ts';
import type { Lane } from '../lane.ts';
import { turnLanes } from '../turns.ts';
import { Verdicts } from '../verdicts.ts';

const SETTLE = milliseconds(300);
const SSID = utf8('Ward');

const policy = policyOf(['pin'], ['network'], {
  rules: [{ name: 'ward', all: [{ type: 'wifi', ssid: 'Ward', security: 'WPA2-Personal' }] }],
});

/** @param only the lanes that are wanted */
export async function wifiLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using bus = await PrivateBus.start();
  const manager = new MockNetworkManager(bus);
  await manager.start();
  await using _manager = { [Symbol.asyncDispose]: () => manager.close() };
  const device = await manager.addRadio('wlan0');
  const point = await manager.addPoint(device, {
    ssid: SSID,
    bssid: '02:00:00:00:00:01',
    quality: 70,
    ...rsn(AKM.psk),
  });
  const profile = profileOf(SSID, { 'key-mgmt': ['s', 'wpa-psk'] });
  await using hal = linuxWifi({ bus: bus.address });
  await using sensors = new Sensors(systemClock, [wifiDriver(hal, { clock: systemClock, settle: SETTLE })]);
  sensors.start();
  await manager.activate(device, point, profile);
  const lanes = await turnLanes(new Verdicts(sensors, policy), {
    name: 'signals/wifi',
    settle: SETTLE,
    lose: () => manager.deactivate(device),
    gain: async () => {
      await manager.activate(device, point, profile);
      return systemClock.now();
    },
  });
  return lanes.filter(({ name }) => only(name));
}
