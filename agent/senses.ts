/**
 * What the daemon senses with, as configured: the drivers of the surroundings over the host's seams, or the script of a
 * simulation in the place of all of them. Nothing is started here: a radio is used when somebody asks.
 */
import { milliseconds } from '../drivers/base/brand.ts';
import type { Clock } from '../drivers/base/clock.ts';
import { Phones } from '../drivers/bluetooth/phones-driver.ts';
import type { FactorDriver } from '../drivers/driver.ts';
import type { BiometricHal } from '../drivers/hal/biometric.ts';
import type { BluetoothHal } from '../drivers/hal/bluetooth.ts';
import type { PresenceHal, PresencePhone } from '../drivers/hal/presence.ts';
import { IpDriver } from '../drivers/network/ip-driver.ts';
import { wifiDriver } from '../drivers/wifi/wifi-driver.ts';
import type { Config } from './config/load.ts';
import { type AddCloser, HOSTS, type HostSenses } from './host-senses.ts';
import type { PhoneBook } from './service/phone-book.ts';
import type { Log } from './telemetry/log.ts';

export interface Senses {
  readonly drivers: readonly FactorDriver[];
  /** For enrolling a phone; null: there is none to use. */
  readonly bluetooth: BluetoothHal | null;
  /** For dynamic lock. */
  readonly presence: PresenceHal | null;
  /** Readers of fingers and faces; null: none is used. */
  readonly biometric: BiometricHal | null;
}

/** Which host it is, for a test to say. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly hosts: typeof HOSTS;
}

/** Whose phones there are, as the drivers want them. */
const enrolledPhones = (book: PhoneBook) => async (): Promise<readonly PresencePhone[]> =>
  (await book.all()).map(({ address, name, classOfDevice, bond, uid }) => ({
    address,
    name,
    classOfDevice,
    bond,
    users: [uid],
  }));

async function simulated(path: string, clock: Clock, log: Log, add: AddCloser): Promise<readonly FactorDriver[]> {
  const { SimulatedSurroundings } = await import('../hal-mocks/signals/simulated-surroundings.ts');
  const { ScriptPlayer } = await import('../hal-mocks/signals/script.ts');
  log.warn('the surroundings are simulated: what a policy observes is what the script says', { path });
  const surroundings = new SimulatedSurroundings(clock);
  const player = await ScriptPlayer.open(path, clock, surroundings, (error) =>
    log.warn('the script of surroundings, ignoring', {}, error),
  );
  add(() => player[Symbol.asyncDispose]());
  return surroundings.drivers;
}

/** Null: nothing is driven on this system. */
async function hostOf(config: Config, clock: Clock, log: Log, add: AddCloser, host: Host): Promise<HostSenses | null> {
  const load = host.hosts[host.platform];
  if (load === undefined) {
    log.warn(`nothing senses the surroundings on ${host.platform}`);
    return null;
  }
  return (await load()).openSenses({ signals: config.signals, clock, add });
}

/** @param add gets what closes each part, in the order of their making */
export async function sensesOf(
  config: Config,
  clock: Clock,
  log: Log,
  book: PhoneBook,
  add: AddCloser,
  on: Host = { platform: process.platform, hosts: HOSTS },
): Promise<Senses> {
  const { signals, simulation } = config;
  let presence: PresenceHal | null = null;
  if (simulation.presence !== '') {
    const { PresenceTrace } = await import('../hal-mocks/bluetooth/presence-trace.ts');
    log.warn('phones are simulated', { path: simulation.presence });
    presence = await PresenceTrace.open(simulation.presence, clock);
  }
  const host = await hostOf(config, clock, log, add, on);
  const own = <T extends AsyncDisposable>(hal: T): T => {
    add(() => hal[Symbol.asyncDispose]());
    return hal;
  };
  const reader = signals.biometric ? (host?.biometric() ?? null) : null;
  const biometric = reader === null ? null : own(reader);
  if (simulation.surroundings !== '') {
    const drivers = await simulated(simulation.surroundings, clock, log, add);
    return { drivers, bluetooth: null, presence, biometric };
  }
  const drivers: FactorDriver[] = [];
  const settle = milliseconds(signals.settleMs);
  let bluetooth: BluetoothHal | null = null;
  if (host !== null && signals.bluetooth) {
    bluetooth = own(host.bluetooth());
    const phones = new Phones({ hal: bluetooth, clock, phones: enrolledPhones(book), settle });
    const unlisten = book.onChange(() => phones.changed());
    add(async () => unlisten());
    drivers.push(phones.driver);
    presence ??= phones.presence;
  }
  if (host !== null && signals.network) drivers.push(new IpDriver({ hal: own(host.network()), clock, settle }));
  if (host !== null && signals.wifi) drivers.push(wifiDriver(own(host.wifi()), { clock, settle }));
  return { drivers, bluetooth, presence, biometric };
}
