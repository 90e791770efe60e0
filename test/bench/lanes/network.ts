/**
 * From what happens to a cable to the verdict of the policy, on a private bus with the NetworkManager of python3-dbusmock.
 * Loss: from the request to the mock on. Gain: from the end of the settling on.
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
import { boundedLane, type Lane } from '../lane.ts';
import { Verdicts } from '../verdicts.ts';

const ROUNDS = 30;
const WARM_UP = 3;
const MOST_MS = 50;
const SETTLE = milliseconds(300);
const BETWEEN = milliseconds(400);
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
  const verdicts = new Verdicts(sensors, policy);
  const [losses, gains]: [number[], number[]] = [[], []];
  await verdicts.until(true);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    await systemClock.sleep(BETWEEN, {});
    const pulled = systemClock.now();
    const [lostAt] = await Promise.all([verdicts.until(false), daemon.state(wire, UNAVAILABLE)]);
    await systemClock.sleep(BETWEEN, {});
    const plugged = systemClock.now();
    const [takenAt] = await Promise.all([verdicts.until(true), daemon.state(wire, ACTIVATED)]);
    if (round < 0) continue;
    losses.push(lostAt - pulled);
    gains.push(takenAt - plugged - SETTLE);
  }
  return [
    boundedLane('signals/network-loss', 'ms', losses, MOST_MS, { at: 'p95' }),
    boundedLane('signals/network-gain', 'ms', gains, MOST_MS, { at: 'p95' }),
  ].filter(({ name }) => only(name));
}
