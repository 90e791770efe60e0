/**
 * From what happens to a cable to the verdict of the policy, on a private bus with the NetworkManager of python3-dbusmock.
 */
import { Sensors } from '../../../agent/signals/sensors.ts';
import { milliseconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { linuxIp } from '../../../drivers/linux/network/linux-ip.ts';
import { IpDriver } from '../../../drivers/network/ip-driver.ts';
import { noFiles } from '../../support/network/lab-ip.ts';
import { MockIpDaemon } from '../../support/network/mock-ip-daemon.ts';
import { UPLINK } from '../../support/network/network-lab.ts';
import { policyOf } from '../../support/policy-fixtures.ts';
import { PrivateBus } from '../../support/session/private-bus.ts';
import type { Lane } from '../lane.ts';
import { turnLanes } from '../turns.ts';
import { Verdicts } from '../verdicts.ts';

const SETTLE = milliseconds(300);
const ACTIVATED = 100;
const UNAVAILABLE = 20;

const policy = policyOf(['pin'], ['network'], {
  rules: [{ name: 'ward', all: [{ type: 'ipConfig', ipv4Prefix: '192.0.2.0/24', ipv4Gateway: '192.0.2.1' }] }],
});

/** @param only the lanes that are wanted */
export async function networkLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using bus = await PrivateBus.start();
  const daemon = new MockIpDaemon(bus);
  await daemon.start();
  await using _daemon = { [Symbol.asyncDispose]: () => daemon.close() };
  const wire = await daemon.addWire(UPLINK);
  await using hal = linuxIp({ bus: bus.address, ipPrograms: [], files: await noFiles(bus.folder) });
  await using sensors = new Sensors(systemClock, [new IpDriver({ hal, clock: systemClock, settle: SETTLE })]);
  sensors.start();
  const lanes = await turnLanes(new Verdicts(sensors, policy), {
    name: 'signals/network',
    settle: SETTLE,
    lose: () => daemon.state(wire, UNAVAILABLE),
    gain: async () => {
      const plugged = systemClock.now();
      await daemon.state(wire, ACTIVATED);
      return plugged;
    },
  });
  return lanes.filter(({ name }) => only(name));
}
