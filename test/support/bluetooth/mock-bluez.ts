/**
 * bluetoothd as python3-dbusmock plays it, on a private bus, with a folder of bonds as BlueZ lays it out; and a radio that
 * is played here, as no real one is behind it: it does what an L2CAP connection with Bluetooth security does to a phone,
 * an impostor, and nobody.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type MessageBus } from 'dbus-native';
import { seconds } from '../../../drivers/base/brand.ts';
import type { Probe } from '../../../drivers/hal/bluetooth.ts';
import { bluezBluetooth } from '../../../drivers/linux/bluetooth/bluez.ts';
import type { RadioProbe, RadioProber } from '../../../drivers/linux/bluetooth/radio-prober.ts';
import type { Answering, BluetoothWorld, PairedPhone } from '../../contract/bluetooth/bluetooth-cases.ts';
import { PrivateBus } from '../session/private-bus.ts';
import { SYSTEM_PYTHON } from '../umockdev/bridge.ts';

const BLUEZ = 'org.bluez';
const BLUEZ_MOCK = 'org.bluez.Mock';
const MOCK = 'org.freedesktop.DBus.Mock';
const DEVICE = 'org.bluez.Device1';
const ADAPTER_PATH = '/org/bluez/hci0';
/** As the template makes it up. */
const ADAPTER = '00:01:02:03:04:05';

export const pathOf = (address: string): string => `${ADAPTER_PATH}/dev_${address.toUpperCase().replaceAll(':', '_')}`;

const KEY_TYPES = { authenticated: 8, unauthenticated: 7, debug: 3 } as const;

/** What bluetoothd writes of a bond. */
export function bondText({ key, identityKey }: Pick<PairedPhone, 'key' | 'identityKey'>): string {
  const irk =
    identityKey === null
      ? ''
      : `\n[IdentityResolvingKey]\nKey=${Buffer.from(identityKey, 'hex').reverse().toString('hex').toUpperCase()}\n`;
  const link = `[LinkKey]\nKey=00112233445566778899AABBCCDDEEFF\nType=${KEY_TYPES[key]}\nPINLength=0\n`;
  return `[General]\nName=Phone\nClass=0x5a020c\nSupportedTechnologies=BR/EDR;\nTrusted=true\n\n${link}${irk}`;
}

/** A radio without radio waves. */
export class PlayedRadio implements RadioProber {
  readonly probes: RadioProbe[] = [];
  readonly #answering = new Map<string, Answering>();
  /** What a proof says; a prober that lies says something else. */
  proof: Probe['outcome'] = {
    proved: true,
    encrypted: true,
    authenticated: true,
    keySize: 16,
    rssi: { scale: 'relative', value: -2 },
  };
  /** Awaited by every probe. */
  during: (probe: RadioProbe) => Promise<void> = async () => undefined;

  answer(address: string, who: Answering): void {
    this.#answering.set(address, who);
  }

  async probe(probe: RadioProbe): Promise<Probe['outcome']> {
    probe.signal.throwIfAborted();
    this.probes.push(probe);
    await this.during(probe);
    const who = this.#answering.get(probe.address) ?? 'nobody';
    if (who === 'phone') return this.proof;
    const reason = who === 'impostor' ? 'refused' : 'unreachable';
    return { proved: false, reason, detail: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class MockBluez implements BluetoothWorld {
  readonly bus: PrivateBus;
  readonly bonds: string;
  readonly radio = new PlayedRadio();
  readonly hal: BluetoothWorld['hal'];
  readonly #paired = new Map<string, PairedPhone>();
  #daemon: ChildProcess | null = null;
  #steering: MessageBus | null = null;

  private constructor(bus: PrivateBus, bonds: string) {
    this.bus = bus;
    this.bonds = bonds;
    const within = seconds(2);
    this.hal = bluezBluetooth({ bus: bus.address, within, prober: this.radio, bondFolder: bonds });
  }

  static async start(): Promise<MockBluez> {
    const bus = await PrivateBus.start();
    const bonds = await mkdtemp(join(bus.folder, 'bonds-'));
    const world = new MockBluez(bus, bonds);
    await world.startDaemon();
    return world;
  }

  pages(): number {
    return this.radio.probes.length;
  }

  async pair(phone: PairedPhone): Promise<void> {
    this.#paired.set(phone.address, phone);
    this.radio.answer(phone.address, 'phone');
    await this.writeBond(phone.address, bondText(phone));
    await this.#show(phone);
  }

  /** Puts a file where BlueZ would have the bond. */
  async writeBond(address: string, text: string | Uint8Array): Promise<void> {
    const folder = this.bondFolderOf(address);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'info'), text, { mode: 0o600 });
  }

  bondFolderOf(address: string): string {
    return join(this.bonds, ADAPTER, address.toUpperCase());
  }

  async unpair(address: string): Promise<void> {
    this.#paired.delete(address);
    await rm(this.bondFolderOf(address), { recursive: true, force: true });
    await this.call(ADAPTER_PATH, 'org.bluez.Adapter1', 'RemoveDevice', 'o', [pathOf(address)]);
  }

  async answer(address: string, who: Answering): Promise<void> {
    this.radio.answer(address, who);
  }

  /** The template's own Connect tells of a link and does not have it. */
  async link(address: string, up: boolean): Promise<void> {
    await this.update(pathOf(address), DEVICE, [['Connected', ['b', up]]]);
  }

  async power(on: boolean): Promise<void> {
    await this.update(ADAPTER_PATH, 'org.bluez.Adapter1', [['Powered', ['b', on]]]);
  }

  /** Changes properties and tells everybody, as bluetoothd does. */
  async update(path: string, iface: string, properties: [string, [string, unknown]][]): Promise<void> {
    await this.call(path, MOCK, 'UpdateProperties', 'sa{sv}', [iface, properties]);
  }

  async removeAdapter(): Promise<void> {
    await this.call('/', BLUEZ_MOCK, 'RemoveAdapterWithDevices', 's', ['hci0']);
  }

  async addAdapter(): Promise<void> {
    await this.call('/', BLUEZ_MOCK, 'AddAdapter', 'ss', ['hci0', 'box']);
    for (const phone of this.#paired.values()) await this.#show(phone);
  }

  async startDaemon(): Promise<void> {
    this.#daemon = spawn(SYSTEM_PYTHON, ['-m', 'dbusmock', '--system', '--template', 'bluez5'], {
      stdio: 'ignore',
      env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: this.bus.address },
    });
    for (let tries = 0; tries < 400; tries++) {
      if (await this.#isReady()) {
        await this.addAdapter();
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('the mock of BlueZ did not come up');
  }

  async stopDaemon(): Promise<void> {
    const child = this.#daemon;
    this.#daemon = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** The client that steers goes with its bus. */
  dropClient(): void {
    this.#steering?.connection.stream.destroy();
    this.#steering = null;
  }

  async call(path: string, iface: string, member: string, signature = '', body: unknown[] = []): Promise<unknown> {
    const rest = signature === '' ? {} : { signature, body };
    const message = { destination: BLUEZ, path, interface: iface, member, ...rest };
    return await this.#client().invoke(message, { timeout: 10_000 });
  }

  #client(): MessageBus {
    if (this.#steering === null) {
      this.#steering = createClient({ socket: this.bus.socket, authMethods: ['EXTERNAL'] });
      this.#steering.connection.on('error', () => undefined);
    }
    return this.#steering;
  }

  async #isReady(): Promise<boolean> {
    try {
      await this.call('/', 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects');
      return true;
    } catch {
      return false;
    }
  }

  async #show({ address, classOfDevice }: PairedPhone): Promise<void> {
    const upper = address.toUpperCase();
    await this.call('/', BLUEZ_MOCK, 'AddDevice', 'sss', ['hci0', upper, `phone ${address}`]);
    await this.call('/', BLUEZ_MOCK, 'PairDevice', 'ssi', ['hci0', upper, classOfDevice]);
    // The template leaves the class at nothing.
    await this.update(pathOf(address), DEVICE, [['Class', ['u', classOfDevice]]]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hal[Symbol.asyncDispose]();
    this.dropClient();
    await this.stopDaemon();
    await this.bus[Symbol.asyncDispose]();
  }
}
