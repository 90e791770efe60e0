/**
 * A message bus of a test's own (Debian's dbus-daemon on a socket in a temporary folder) with the logind of
 * python3-dbusmock on it. The bus is more permissive than a system bus: anybody may send any signal to anybody and take
 * any name, so that what keeps forgeries out is the product alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type Message, type MessageBus } from 'dbus-native';
import { missingCommand, missingPythonModule, SYSTEM_PYTHON } from '../umockdev/bridge.ts';

/** What is missing on this machine, for the title of what is skipped; null: nothing. */
export const missingForBus = (): string | null =>
  missingCommand('dbus-daemon', 'dbus') ?? missingPythonModule('import dbusmock', 'python3-dbusmock');

const CONFIG = (socket: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`;

const MOCK = 'org.freedesktop.DBus.Mock';
const LOGIND = 'org.freedesktop.login1';
const ROOT = '/org/freedesktop/login1';
export const SESSION_IFACE = 'org.freedesktop.login1.Session';
export const sessionPath = (id: string): string => `${ROOT}/session/${id}`;

/** Ends a child that this test started, and waits until it is gone. */
async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** A client of the bus that is neither the product nor logind: it steers the mock, and it forges. */
export class Stranger {
  readonly #bus: MessageBus;
  /** Far from the serials that the client itself uses. */
  #serial = 0x40000000;

  constructor(socket: string) {
    this.#bus = createClient({ socket, authMethods: ['EXTERNAL'] });
    this.#bus.connection.on('error', () => undefined);
  }

  async call(path: string, iface: string, member: string, signature = '', body: unknown[] = []): Promise<unknown> {
    const rest = signature === '' ? {} : { signature, body };
    return await this.#bus.invoke(
      { destination: LOGIND, path, interface: iface, member, ...rest },
      { timeout: 10_000 },
    );
  }

  async names(): Promise<readonly string[]> {
    return (await this.#bus.listNames()) as string[];
  }

  /** Sends a signal to one connection alone, as anybody may. */
  forgeSignal(
    destination: string,
    message: Pick<Message, 'path' | 'interface' | 'member' | 'signature' | 'body'>,
  ): void {
    this.#bus.connection.message({ type: 4, serial: this.#serial++, destination, ...message });
  }

  /** Resolves when the bus has dealt with everything that was sent before. */
  async settled(): Promise<void> {
    await this.#bus.getId();
  }

  /** Every connection of the bus but this one. */
  async others(): Promise<readonly string[]> {
    const own = this.#bus.name;
    return (await this.names()).filter((name) => name.startsWith(':') && name !== own);
  }

  /** Takes a name of the bus. @returns whether it is ours now */
  async own(name: string): Promise<boolean> {
    return (await this.#bus.requestName(name, 0)) === 1;
  }

  close(): void {
    this.#bus.connection.stream.destroy();
  }
}

export class PrivateBus implements AsyncDisposable {
  readonly folder: string;
  readonly socket: string;
  readonly address: string;
  #daemon: ChildProcess | null = null;
  #logind: ChildProcess | null = null;
  #strangers: Stranger[] = [];
  #steering: Stranger | null = null;

  private constructor(folder: string) {
    this.folder = folder;
    this.socket = join(folder, 'bus');
    this.address = `unix:path=${this.socket}`;
  }

  static async start(): Promise<PrivateBus> {
    const bus = new PrivateBus(await mkdtemp(join(tmpdir(), 'unlockd-bus-')));
    await writeFile(join(bus.folder, 'bus.conf'), CONFIG(bus.socket));
    await bus.startDaemon();
    return bus;
  }

  async startDaemon(): Promise<void> {
    await rm(this.socket, { force: true });
    const child = spawn(
      'dbus-daemon',
      [`--config-file=${join(this.folder, 'bus.conf')}`, '--nofork', '--nopidfile', '--print-address'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    this.#daemon = child;
    if (child.stdout === null) throw new Error('no output of dbus-daemon');
    await once(child.stdout, 'data');
  }

  async stopDaemon(): Promise<void> {
    for (const stranger of this.#strangers.splice(0)) stranger.close();
    this.#steering = null;
    await end(this.#daemon);
  }

  /** Freezes the bus: its clients stay connected and get no answer. */
  freezeDaemon(frozen: boolean): void {
    this.#daemon?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  stranger(): Stranger {
    const stranger = new Stranger(this.socket);
    this.#strangers.push(stranger);
    return stranger;
  }

  #steer(): Stranger {
    this.#steering ??= this.stranger();
    return this.#steering;
  }

  async startLogind(): Promise<void> {
    this.#logind = spawn(SYSTEM_PYTHON, ['-m', 'dbusmock', '--system', '--template', 'logind'], {
      stdio: 'ignore',
      env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: this.address },
    });
    const stranger = this.#steer();
    for (let tries = 0; tries < 400; tries++) {
      if ((await stranger.names()).includes(LOGIND) && (await isReady(stranger))) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('the mock of logind did not come up');
  }

  async stopLogind(): Promise<void> {
    await end(this.#logind);
  }

  async addSession(id: string, uid: number, options: { active?: boolean } = {}): Promise<void> {
    const body = [id, 'seat0', uid, `user${uid}`, options.active ?? true];
    await this.#steer().call(ROOT, MOCK, 'AddSession', 'ssusb', body);
  }

  /** Changes properties of a session and tells everybody, as logind does. */
  async update(id: string, properties: Readonly<Record<string, readonly [string, unknown]>>): Promise<void> {
    await this.#steer().call(sessionPath(id), MOCK, 'UpdateProperties', 'sa{sv}', [
      SESSION_IFACE,
      Object.entries(properties),
    ]);
  }

  /** The mock sends a signal of its own accord. */
  async emit(path: string, iface: string, name: string, signature: string, args: [string, unknown][]): Promise<void> {
    await this.#steer().call(path, MOCK, 'EmitSignal', 'sssav', [iface, name, signature, args]);
  }

  async setManager(property: string, value: [string, unknown]): Promise<void> {
    await this.#steer().call(ROOT, MOCK, 'UpdateProperties', 'sa{sv}', [
      'org.freedesktop.login1.Manager',
      [[property, value]],
    ]);
  }

  async removeSession(id: string): Promise<void> {
    await this.#steer().call(ROOT, MOCK, 'RemoveObject', 's', [sessionPath(id)]);
    await this.emit(ROOT, 'org.freedesktop.login1.Manager', 'SessionRemoved', 'so', [
      ['s', id],
      ['o', sessionPath(id)],
    ]);
  }

  /** How often a method of a session was called. */
  async calls(id: string, method: string): Promise<number> {
    const calls = await this.#steer().call(sessionPath(id), MOCK, 'GetMethodCalls', 's', [method]);
    return (calls as unknown[]).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#logind);
    this.freezeDaemon(false);
    await this.stopDaemon();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function isReady(stranger: Stranger): Promise<boolean> {
  try {
    await stranger.call(ROOT, 'org.freedesktop.login1.Manager', 'ListSessions');
    return true;
  } catch {
    return false;
  }
}
