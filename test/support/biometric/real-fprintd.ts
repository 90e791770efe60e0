/**
 * Debian's own fprintd on a private bus, with the virtual reader of libfprint: it takes commands on a socket for as long
 * as it is claimed (`SCAN`, `RETRY`, `ERROR`, `SLEEP`, `UNPLUG`) and gives up after half a second without any. Whether
 * somebody may do something is asked of polkit as python3-dbusmock plays it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { seconds } from '../../../drivers/base/brand.ts';
import { systemClock } from '../../../drivers/base/clock.ts';
import { type BusCall, BusConnection, type BusSignal } from '../../../drivers/linux/dbus/connection.ts';
import { missingForBus, PrivateBus } from '../session/private-bus.ts';
import { missingCommand, SYSTEM_PYTHON } from '../umockdev/bridge.ts';

const PROGRAM = '/usr/libexec/fprintd';
const FPRINTD = 'net.reactivated.Fprint';
const POLKIT = 'org.freedesktop.PolicyKit1';
const AUTHORITY = '/org/freedesktop/PolicyKit1/Authority';
export const READER = '/net/reactivated/Fprint/Device/0';

/** What is missing on this machine, for the title of what is skipped; null: nothing. */
export const missingForFprintd = (): string | null => missingForBus() ?? missingCommand(PROGRAM, 'fprintd');

const waiting = () => ({ signal: new AbortController().signal });

async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await gone;
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 4000; tries++) {
    if (await reached()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('what was waited for did not come');
}

export class RealFprintd implements AsyncDisposable {
  readonly bus: PrivateBus;
  readonly #socket: string;
  readonly #client: BusConnection;
  readonly #signals: BusSignal[];
  #fprintd: ChildProcess | null = null;
  #polkit: ChildProcess | null = null;

  private constructor(bus: PrivateBus, client: BusConnection, signals: BusSignal[]) {
    this.bus = bus;
    this.#client = client;
    this.#signals = signals;
    this.#socket = join(bus.folder, 'reader');
  }

  static async start(): Promise<RealFprintd> {
    const bus = await PrivateBus.start();
    const signals: BusSignal[] = [];
    const options = { address: bus.address, clock: systemClock, within: seconds(20), ...waiting() };
    const client = await BusConnection.open(options, (signal) => signals.push(signal));
    await client.addMatch(`type='signal',sender='${FPRINTD}'`, waiting());
    const world = new RealFprintd(bus, client, signals);
    try {
      await mkdir(join(bus.folder, 'prints'));
      await world.#startPolkit();
      await world.startDaemon();
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #startPolkit(): Promise<void> {
    this.#polkit = spawn(SYSTEM_PYTHON, ['-m', 'dbusmock', '--system', '--template', 'polkitd'], {
      stdio: 'ignore',
      env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: this.bus.address },
    });
    await until(async () => (await this.#client.ownerOf(POLKIT, waiting())) !== null);
    await until(() =>
      this.allow(true).then(
        () => true,
        () => false,
      ),
    );
  }

  /** Whether polkit allows everything, or nothing. */
  async allow(everything: boolean): Promise<void> {
    const mock = { path: AUTHORITY, interface: 'org.freedesktop.DBus.Mock', member: 'AllowUnknown' };
    await this.#call(POLKIT, { ...mock, signature: 'b', body: [everything] });
  }

  async startDaemon(): Promise<void> {
    this.#fprintd = spawn(PROGRAM, ['--no-timeout'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        DBUS_SYSTEM_BUS_ADDRESS: this.bus.address,
        STATE_DIRECTORY: join(this.bus.folder, 'prints'),
        FP_VIRTUAL_DEVICE: this.#socket,
        FP_DRIVERS_ALLOWLIST: 'virtual_device',
      },
    });
    await until(async () => (await this.#client.ownerOf(FPRINTD, waiting())) !== null);
  }

  async killDaemon(): Promise<void> {
    await end(this.#fprintd);
    await until(async () => (await this.#client.ownerOf(FPRINTD, waiting())) === null);
  }

  /** The daemon stays on the bus and answers nothing. */
  freezeDaemon(frozen: boolean): void {
    this.#fprintd?.kill(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Calls a method of the reader, as another program. */
  async device(member: string, ...body: readonly string[]): Promise<readonly unknown[]> {
    const call = { path: READER, interface: `${FPRINTD}.Device`, member, signature: 's'.repeat(body.length), body };
    return await this.#call(FPRINTD, call);
  }

  /** To the unique name, since that is where replies come from. */
  async #call(name: string, call: Omit<BusCall, 'destination'>): Promise<readonly unknown[]> {
    const destination = (await this.#client.ownerOf(name, waiting())) ?? name;
    return await this.#client.call({ ...call, destination }, waiting());
  }

  /** Waits until the reader waits for a finger, and tells it. One that is told before has answered too early. */
  async command(command: string): Promise<void> {
    const body = [`${FPRINTD}.Device`, 'finger-needed'];
    const call = { path: READER, interface: 'org.freedesktop.DBus.Properties', member: 'Get', signature: 'ss', body };
    await until(async () => (await this.#call(FPRINTD, call))[0] === true);
    await this.#tell(command);
  }

  async #tell(command: string): Promise<void> {
    await until(
      () =>
        new Promise((resolve) => {
          const socket = connect(this.#socket);
          socket.once('error', () => resolve(false));
          socket.once('connect', () => socket.write(command));
          // The reader hangs up when it has read.
          socket.once('close', () => resolve(socket.bytesWritten > 0));
          socket.resume();
        }),
    );
  }

  async enrol(user: string, finger: string): Promise<void> {
    await this.device('Claim', user);
    await this.device('EnrollStart', finger);
    const from = this.#signals.length;
    for (let stage = 0; stage < 5; stage++) await this.#tell(`SCAN ${finger}`);
    await until(async () => this.#signals.slice(from).some(({ body }) => body[0] === 'enroll-completed'));
    await this.device('EnrollStop');
    await this.device('Release');
  }

  /** Whether somebody has the reader: whether it cannot be claimed. */
  async claimed(): Promise<boolean> {
    try {
      await this.device('Claim', 'somebody');
    } catch (error) {
      if (error instanceof Error && /AlreadyInUse/.test(error.message)) return true;
      throw error;
    }
    await this.device('Release');
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#fprintd);
    await end(this.#polkit);
    await this.#client.close();
    await this.bus[Symbol.asyncDispose]();
  }
}
