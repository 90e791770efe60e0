/**
 * The person at both ends: says to BlueZ over the guest's system bus what hands on a phone and a computer would, and
 * confirms the comparison value. It is no part of what is tested; the product's own connection is another one.
 */
import { createClient, type MessageBus } from 'dbus-native';
import { PC_INDEX, PHONE_INDEX, until } from './world.ts';

const SOCKET = '/run/dbus/system_bus_socket';
export const PC = `/org/bluez/hci${PC_INDEX}`;
export const PHONE = `/org/bluez/hci${PHONE_INDEX}`;
const ADAPTER = 'org.bluez.Adapter1';
const DEVICE = 'org.bluez.Device1';
const AGENT = '/unlockd/radio/agent';

/** D-Bus object of a device, as BlueZ names it. */
export const devicePath = (adapter: string, address: string): string =>
  `${adapter}/dev_${address.toUpperCase().replaceAll(':', '_')}`;

export class BluezClient implements AsyncDisposable {
  readonly #bus: MessageBus;
  /** Comparison values that were shown, in their order. */
  readonly shown: number[] = [];

  constructor() {
    this.#bus = createClient({ socket: SOCKET, authMethods: ['EXTERNAL'], plainValues: true });
    this.#bus.connection.on('error', () => undefined);
  }

  async call(path: string, iface: string, member: string, signature = '', body: unknown[] = []): Promise<unknown> {
    const rest = signature === '' ? {} : { signature, body };
    const call = { destination: 'org.bluez', path, interface: iface, member, ...rest };
    return await this.#bus.invoke(call, { timeout: 40_000 });
  }

  async get(path: string, iface: string, name: string): Promise<unknown> {
    return await this.call(path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [iface, name]);
  }

  async set(path: string, name: string, type: string, value: unknown): Promise<void> {
    await this.call(path, 'org.freedesktop.DBus.Properties', 'Set', 'ssv', [ADAPTER, name, [type, value]]);
  }

  /** Switches an adapter, as often as it is busy. */
  async power(adapter: string, on: boolean): Promise<void> {
    await until(`${adapter} ${on ? 'on' : 'off'}`, 20, async () => {
      if ((await this.get(adapter, ADAPTER, 'Powered')) !== on) await this.set(adapter, 'Powered', 'b', on);
      return (await this.get(adapter, ADAPTER, 'Powered')) === on;
    });
  }

  async address(adapter: string): Promise<string> {
    return String(await this.get(adapter, ADAPTER, 'Address')).toLowerCase();
  }

  /** A property of a device as one of the adapters has it. */
  async device(adapter: string, address: string, name: string): Promise<unknown> {
    return await this.get(devicePath(adapter, address), DEVICE, name);
  }

  async removeDevice(adapter: string, address: string): Promise<void> {
    await this.call(adapter, ADAPTER, 'RemoveDevice', 'o', [devicePath(adapter, address)]);
  }

  /** Confirms every comparison for both adapters: one daemon serves them. */
  async registerAgent(capability: string): Promise<void> {
    const shown = this.shown;
    const impl = {
      RequestConfirmation: (_device: string, value: number) => {
        shown.push(value);
      },
      RequestAuthorization: () => undefined,
      AuthorizeService: () => undefined,
      Cancel: () => undefined,
      Release: () => undefined,
    };
    this.#bus.exportInterface(impl, AGENT, {
      name: 'org.bluez.Agent1',
      methods: {
        RequestConfirmation: ['ou', '', [], []],
        RequestAuthorization: ['o', '', [], []],
        AuthorizeService: ['os', '', [], []],
        Cancel: ['', '', [], []],
        Release: ['', '', [], []],
      },
    });
    const manager = 'org.bluez.AgentManager1';
    await this.call('/org/bluez', manager, 'RegisterAgent', 'os', [AGENT, capability]);
    await this.call('/org/bluez', manager, 'RequestDefaultAgent', 'o', [AGENT]);
  }

  async unregisterAgent(): Promise<void> {
    await this.call('/org/bluez', 'org.bluez.AgentManager1', 'UnregisterAgent', 'o', [AGENT]);
  }

  async discover(adapter: string, transport: 'bredr' | 'le', on: boolean): Promise<void> {
    if (on) await this.call(adapter, ADAPTER, 'SetDiscoveryFilter', 'a{sv}', [[['Transport', ['s', transport]]]]);
    await this.call(adapter, ADAPTER, on ? 'StartDiscovery' : 'StopDiscovery');
  }

  /** A link that the emulator loses meanwhile leaves BlueZ waiting: then it is taken back and begun anew, a few times. */
  async pair(adapter: string, address: string): Promise<void> {
    const device = devicePath(adapter, address);
    for (let left = 2; ; left--) {
      this.shown.length = 0;
      try {
        await this.call(device, DEVICE, 'Pair');
        return;
      } catch (error) {
        if (left === 0) throw error;
        process.stdout.write(`pairing is begun anew: ${String(error)}\n`);
        await this.call(device, DEVICE, 'CancelPairing').catch(() => undefined);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bus.connection.end();
  }
}
