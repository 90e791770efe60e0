/** A service of a private bus that python3-dbusmock plays, and the hand that steers it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createClient, type MessageBus } from 'dbus-native';
import type { PrivateBus } from '../session/private-bus.ts';
import { SYSTEM_PYTHON } from '../umockdev/bridge.ts';

const MOCK = 'org.freedesktop.DBus.Mock';

/** A value with its D-Bus type, as in a variant: `['u', 100]`. */
export type Typed = readonly [string, unknown];
export type TypedProperties = Readonly<Record<string, Typed>>;

/** Name, input signature, output signature, Python. */
export type PlayedMethod = readonly [string, string, string, string];

/** Ends a child that a test started, and waits until it is gone. */
async function endChild(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** A client of a private bus. */
export class Hand {
  readonly #client: MessageBus;

  constructor(bus: PrivateBus) {
    this.#client = createClient({ socket: bus.socket, authMethods: ['EXTERNAL'], variants: 'plain' });
    this.#client.connection.on('error', () => undefined);
  }

  async call(
    destination: string,
    path: string,
    iface: string,
    member: string,
    signature = '',
    body: readonly unknown[] = [],
  ): Promise<unknown> {
    const rest = signature === '' ? {} : { signature, body: [...body] };
    return await this.#client.invoke({ destination, path, interface: iface, member, ...rest }, { timeout: 10_000 });
  }

  async names(): Promise<readonly string[]> {
    return (await this.#client.listNames()) as string[];
  }

  close(): void {
    this.#client.connection.stream.destroy();
  }
}

export class MockService {
  readonly name: string;
  readonly #bus: PrivateBus;
  readonly #argv: readonly string[];
  #child: ChildProcess | null = null;
  #hand: Hand | null = null;

  /** @param argv what dbusmock is asked to play */
  constructor(bus: PrivateBus, name: string, argv: readonly string[]) {
    this.#bus = bus;
    this.name = name;
    this.#argv = argv;
  }

  async start(): Promise<void> {
    this.#child = spawn(SYSTEM_PYTHON, ['-m', 'dbusmock', '--system', ...this.#argv], {
      stdio: 'ignore',
      env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: this.#bus.address },
    });
    this.#hand ??= new Hand(this.#bus);
    for (let tries = 0; tries < 400; tries++) {
      if ((await this.#hand.names()).includes(this.name)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`the mock of ${this.name} did not come up`);
  }

  async stop(): Promise<void> {
    await endChild(this.#child);
    this.#child = null;
  }

  async call(
    path: string,
    iface: string,
    member: string,
    signature = '',
    body: readonly unknown[] = [],
  ): Promise<unknown> {
    if (this.#hand === null) throw new Error('not started');
    return await this.#hand.call(this.name, path, iface, member, signature, body);
  }

  async addObject(
    path: string,
    iface: string,
    properties: TypedProperties,
    methods: readonly PlayedMethod[] = [],
  ): Promise<void> {
    const body = [path, iface, Object.entries(properties), methods.map((method) => [...method])];
    await this.call(this.#root, MOCK, 'AddObject', 'ssa{sv}a(ssss)', body);
  }

  async removeObject(path: string): Promise<void> {
    await this.call(this.#root, MOCK, 'RemoveObject', 's', [path]);
  }

  async addMethod(path: string, iface: string, [name, input, output, code]: PlayedMethod): Promise<void> {
    await this.call(path, MOCK, 'AddMethod', 'sssss', [iface, name, input, output, code]);
  }

  async addProperty(path: string, iface: string, name: string, value: Typed): Promise<void> {
    await this.call(path, MOCK, 'AddProperty', 'ssv', [iface, name, value]);
  }

  /** Changes properties one after the other and tells everybody; the mock's own call for several knows no object paths. */
  async update(path: string, iface: string, properties: TypedProperties): Promise<void> {
    for (const [name, value] of Object.entries(properties)) {
      await this.call(path, 'org.freedesktop.DBus.Properties', 'Set', 'ssv', [iface, name, value]);
    }
  }

  /** Sends a signal of its own accord. */
  async emit(path: string, iface: string, member: string, signature: string, args: readonly Typed[]): Promise<void> {
    await this.call(path, MOCK, 'EmitSignal', 'sssav', [iface, member, signature, args]);
  }

  get #root(): string {
    return `/${this.name.replaceAll('.', '/')}`;
  }

  async close(): Promise<void> {
    await this.stop();
    this.#hand?.close();
    this.#hand = null;
  }
}

const quote = (text: string): string => `bytes.fromhex("${Buffer.from(text, 'utf8').toString('hex')}").decode()`;

/** A typed value as Python writes it: for methods that return it. */
export function python([type, value]: Typed): string {
  if (type === 's' && typeof value === 'string') return `dbus.String(${quote(value)}, variant_level=1)`;
  if (type === 'o' && typeof value === 'string') return `dbus.ObjectPath(${quote(value)}, variant_level=1)`;
  if (type === 'b') return `dbus.Boolean(${value === true ? 'True' : 'False'}, variant_level=1)`;
  if (type === 'i') return `dbus.Int32(${Number(value)}, variant_level=1)`;
  if (type === 'u') return `dbus.UInt32(${Number(value)}, variant_level=1)`;
  if (type === 'ay' && value instanceof Uint8Array) {
    return `dbus.ByteArray(bytes.fromhex("${Buffer.from(value).toString('hex')}"), variant_level=1)`;
  }
  if (type === 'as' && Array.isArray(value)) {
    return `dbus.Array([${value.map((one) => quote(String(one))).join(', ')}], signature="s", variant_level=1)`;
  }
  throw new Error(`no Python for ${type}`);
}

/** `a{sa{sv}}` in Python. */
export const pythonSettings = (settings: Readonly<Record<string, TypedProperties>>): string => {
  const group = (values: TypedProperties): string =>
    `dbus.Dictionary({${Object.entries(values)
      .map(([name, value]) => `${quote(name)}: ${python(value)}`)
      .join(', ')}}, signature="sv")`;
  const groups = Object.entries(settings).map(([name, values]) => `${quote(name)}: ${group(values)}`);
  return `dbus.Dictionary({${groups.join(', ')}}, signature="sa{sv}")`;
};
