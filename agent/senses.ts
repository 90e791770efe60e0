/**
 * What the daemon senses with, as configured: the drivers of the surroundings over the host's seams, or the script of a
 * simulation in the place of all of them. Nothing is started here: a radio is used when somebody asks.
 */
import { milliseconds } from '../drivers/base/brand.ts';
import type { Clock } from '../drivers/base/clock.ts';
import { Phones } from '../drivers/bluetooth/phones-driver.ts';
import { BluetoothWithAdvertisements } from '../drivers/bluetooth/with-advertisements.ts';
import type { FactorDriver } from '../drivers/driver.ts';
import type { BluetoothHal } from '../drivers/hal/bluetooth.ts';
import type { PresenceHal, PresencePhone } from '../drivers/hal/presence.ts';
import { bluezBluetooth } from '../drivers/linux/bluetooth/bluez.ts';
import { radioProcess } from '../drivers/linux/bluetooth/radio-process.ts';
import { NobleScanner } from '../drivers/linux/bluetooth/scanner.ts';
import { linuxIp } from '../drivers/linux/network/linux-ip.ts';
import { linuxWifi } from '../drivers/linux/wifi/linux-wifi.ts';
import { IpDriver } from '../drivers/network/ip-driver.ts';
import { wifiDriver } from '../drivers/wifi/wifi-driver.ts';
import type { Config } from './config/load.ts';
import type { PhoneBook } from './service/phone-book.ts';
import type { Log } from './telemetry/log.ts';

export interface Senses {
  readonly drivers: readonly FactorDriver[];
  /** For enrolling a phone; null: there is none to use. */
  readonly bluetooth: BluetoothHal | null;
  /** For dynamic lock. */
  readonly presence: PresenceHal | null;
}

type AddCloser = (close: () => PromiseLike<void>) => void;

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

/** BlueZ with the radio in a process of its own, and the advertisements where they are wanted. */
function bluetoothOf({ signals }: Config, clock: Clock, add: AddCloser): BluetoothHal {
  const prober = radioProcess({ clock });
  add(() => prober[Symbol.asyncDispose]());
  const bluez = bluezBluetooth({ prober, bus: signals.bus, clock });
  const hal = signals.bleHints ? new BluetoothWithAdvertisements(bluez, new NobleScanner({ clock })) : bluez;
  add(() => hal[Symbol.asyncDispose]());
  return hal;
}

/** @param add gets what closes each part, in the order of their making */
export async function sensesOf(
  config: Config,
  clock: Clock,
  log: Log,
  book: PhoneBook,
  add: AddCloser,
): Promise<Senses> {
  const { signals, simulation } = config;
  let presence: PresenceHal | null = null;
  if (simulation.presence !== '') {
    const { PresenceTrace } = await import('../hal-mocks/bluetooth/presence-trace.ts');
    log.warn('phones are simulated', { path: simulation.presence });
    presence = await PresenceTrace.open(simulation.presence, clock);
  }
  if (simulation.surroundings !== '') {
    const drivers = await simulated(simulation.surroundings, clock, log, add);
    return { drivers, bluetooth: null, presence };
  }
  const drivers: FactorDriver[] = [];
  const settle = milliseconds(signals.settleMs);
  const { bus } = signals;
  let bluetooth: BluetoothHal | null = null;
  if (signals.bluetooth) {
    bluetooth = bluetoothOf(config, clock, add);
    const phones = new Phones({ hal: bluetooth, clock, phones: enrolledPhones(book), settle });
    const unlisten = book.onChange(() => phones.changed());
    add(async () => unlisten());
    drivers.push(phones.driver);
    presence ??= phones.presence;
  }
  if (signals.network) {
    const hal = linuxIp({ bus, clock });
    add(() => hal[Symbol.asyncDispose]());
    drivers.push(new IpDriver({ hal, clock, settle }));
  }
  if (signals.wifi) {
    const hal = linuxWifi({ bus, clock });
    add(() => hal[Symbol.asyncDispose]());
    drivers.push(wifiDriver(hal, { clock, settle }));
  }
  return { drivers, bluetooth, presence };
}
