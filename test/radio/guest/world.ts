/**
 * The guest's Bluetooth: two virtual controllers (hci_vhci and btvirt), the message bus, and the real bluetoothd. Both
 * adapters belong to that one daemon: HCI sockets exist in the first network namespace only. hci0 is the computer's,
 * hci1 the phone's.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RADIO_MODULES } from '../modules.ts';

const BLUETOOTHD = '/usr/libexec/bluetooth/bluetoothd';

/** Runs a program to its end. @throws when it fails or takes longer than 20 s */
export const tool = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'pipe'] });

/** Asks until the answer is one. @throws after `seconds` */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T> | T): Promise<NonNullable<T>> {
  const ends = performance.now() + seconds * 1000;
  let problem: unknown;
  while (performance.now() < ends) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== undefined && answer !== false) return answer;
    } catch (error) {
      problem = error;
    }
    await sleep(100);
  }
  throw new Error(`${what}: not within ${seconds} s${problem instanceof Error ? ` (${problem.message})` : ''}`);
}

function start(program: string, ...args: string[]): ChildProcess {
  const log = openSync(`/out/${program.split('/').at(-1)}.log`, 'a');
  return spawn(program, args, { stdio: ['ignore', log, log] });
}

export class World {
  #controllers: ChildProcess | null = null;
  #daemon: ChildProcess | null = null;

  /** The bus, which stays. */
  async startBus(): Promise<void> {
    tool('modprobe', '-a', ...RADIO_MODULES);
    mkdirSync('/run/dbus', { recursive: true });
    mkdirSync('/var/lib/bluetooth', { recursive: true, mode: 0o700 });
    tool('dbus-uuidgen', '--ensure');
    tool('dbus-daemon', '--system', '--fork', '--nopidfile');
    await until('the bus', 10, () => existsSync('/run/dbus/system_bus_socket'));
  }

  async startControllers(...flags: string[]): Promise<void> {
    this.#controllers = start('btvirt', ...flags, '-l2');
    for (const name of ['hci0', 'hci1']) await until(name, 20, () => existsSync(`/sys/class/bluetooth/${name}`));
  }

  async stopControllers(): Promise<void> {
    await this.#end(this.#controllers);
    await until('the controllers’ end', 20, () => !existsSync('/sys/class/bluetooth/hci0'));
  }

  /** Returns before the daemon can be asked. */
  startDaemon(): void {
    this.#daemon = start(BLUETOOTHD, '-n');
  }

  async killDaemon(): Promise<void> {
    await this.#end(this.#daemon);
  }

  /** Whether the daemon runs; a crash of it is a failure of the guest and no result. */
  get daemonRuns(): boolean {
    return this.#daemon !== null && this.#daemon.exitCode === null && this.#daemon.signalCode === null;
  }

  async #end(child: ChildProcess | null): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}
