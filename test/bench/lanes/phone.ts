/**
 * From what happens to a phone to the verdict of the policy, on a private bus with the BlueZ of python3-dbusmock and a
 * radio that is played. Loss: a link that goes down, from the request to the mock on. Gain: a phone that proves itself,
 * from the end of the settling on. How long a page takes is the radio's affair and in neither.
 */
import { Sensors } from '../../../agent/signals/sensors.ts';
import { milliseconds, seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { Phones } from '../../../drivers/bluetooth/phones-driver.ts';
import { GENUINE } from '../../contract/bluetooth/bluetooth-cases.ts';
import { MockBluez } from '../../support/bluetooth/mock-bluez.ts';
import { policyOf, USER } from '../../support/policy-fixtures.ts';
import { boundedLane, type Lane } from '../lane.ts';
import { Verdicts } from '../verdicts.ts';

const ROUNDS = 20;
const WARM_UP = 2;
const MOST_MS = 50;
const SETTLE = milliseconds(300);
/** A phone is looked at for a hint no sooner than two seconds after the last look. */
const BETWEEN_LOOKS = 2000;

const policy = policyOf(['pin'], ['phone']);

/** @param only the lanes that are wanted */
export async function phoneLanes(only: (name: string) => boolean): Promise<readonly Lane[]> {
  await using world = await MockBluez.start();
  await world.pair(GENUINE);
  let answeredAt = 0;
  world.radio.during = async () => {
    answeredAt = systemClock.now();
  };
  const { address, classOfDevice } = GENUINE;
  const phones = new Phones({
    hal: world.hal,
    clock: systemClock,
    settle: SETTLE,
    validFor: seconds(10),
    // Only the events of this lane bring about a look.
    lookEvery: seconds(3600),
    phones: async () => [{ address, classOfDevice, name: null, users: [USER] }],
  });
  await using sensors = new Sensors(systemClock, [phones.driver]);
  sensors.start();
  const stop = new AbortController();
  sensors.demand(['bluetooth'], { user: USER, signal: stop.signal });
  const verdicts = new Verdicts(sensors, policy);
  const [losses, gains]: [number[], number[]] = [[], []];
  await verdicts.until(true);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    // A link of somebody else's making, not the one that the look has made.
    await systemClock.sleep(milliseconds(BETWEEN_LOOKS), {});
    await world.link(address, true);
    await systemClock.sleep(milliseconds(50), {});
    const began = systemClock.now();
    const [lostAt] = await Promise.all([verdicts.until(false), world.link(address, false)]);
    const taken = await verdicts.until(true);
    if (round < 0) continue;
    losses.push(lostAt - began);
    gains.push(taken - answeredAt - SETTLE);
  }
  stop.abort();
  return [
    boundedLane('signals/phone-loss', 'ms', losses, MOST_MS, { at: 'p95' }),
    boundedLane('signals/phone-gain', 'ms', gains, MOST_MS, { at: 'p95' }),
  ].filter(({ name }) => only(name));
}
