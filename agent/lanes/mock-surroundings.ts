/**
 * What lies around the machine of the mock lane: phones, addresses, Wi-Fi, readers and sessions that exist only in memory,
 * each behind the seam of the real one, with the real drivers above them. All of them say that they are simulated.
 */
import { milliseconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { Phones } from '../../drivers/bluetooth/phones-driver.ts';
import type { FactorDriver } from '../../drivers/driver.ts';
import type { PresencePhone } from '../../drivers/hal/presence.ts';
import { IpDriver } from '../../drivers/network/ip-driver.ts';
import { wifiDriver } from '../../drivers/wifi/wifi-driver.ts';
import type { MockBiometric } from '../../hal-mocks/biometric/mock-biometric.ts';
import type { MockBluetooth } from '../../hal-mocks/bluetooth/mock-bluetooth.ts';
import type { MockIp } from '../../hal-mocks/network/mock-ip.ts';
import type { MockSessions } from '../../hal-mocks/session/mock-sessions.ts';
import type { MockWifi } from '../../hal-mocks/wifi/mock-wifi.ts';

/** Between a gain and its being told: a person does not wait for it. */
const SETTLE = milliseconds(100);

export interface MockSurroundings {
  readonly bluetooth: MockBluetooth;
  readonly biometric: MockBiometric;
  readonly ip: MockIp;
  readonly sessions: MockSessions;
  readonly wifi: MockWifi;
}

/** Loads the mocks. */
export async function mockSurroundings(clock: Clock): Promise<MockSurroundings> {
  const [{ MockBluetooth }, { MockBiometric }, { MockIp }, { MockSessions }, { MockWifi }] = await Promise.all([
    import('../../hal-mocks/bluetooth/mock-bluetooth.ts'),
    import('../../hal-mocks/biometric/mock-biometric.ts'),
    import('../../hal-mocks/network/mock-ip.ts'),
    import('../../hal-mocks/session/mock-sessions.ts'),
    import('../../hal-mocks/wifi/mock-wifi.ts'),
  ]);
  return {
    bluetooth: new MockBluetooth(clock),
    biometric: new MockBiometric(clock),
    ip: new MockIp(clock),
    sessions: new MockSessions(),
    wifi: new MockWifi(clock),
  };
}

/** The real drivers over them, for one life of the daemon. */
export function sensesOver(
  { bluetooth, ip, wifi }: MockSurroundings,
  clock: Clock,
  phones: () => Promise<readonly PresencePhone[]>,
): { readonly drivers: readonly FactorDriver[]; readonly phones: Phones } {
  const radio = new Phones({ hal: bluetooth, clock, phones, settle: SETTLE });
  const drivers = [
    radio.driver,
    new IpDriver({ hal: ip, clock, settle: SETTLE }),
    wifiDriver(wifi, { clock, settle: SETTLE }),
  ];
  return { drivers, phones: radio };
}
