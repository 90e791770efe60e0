/**
 * The guest's Bluetooth: two virtual controllers (hci_vhci and btvirt), the message bus, and the real bluetoothd. Both
 * adapters belong to that one daemon: HCI sockets exist in the first network namespace only. hci0 is the phone's, hci1
 * the computer's, which over BR/EDR has the air around it (air.ts).
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RADIO_MODULES } from '../modules.ts';
import type { AirMessage } from './air.ts';

/** Index of each adapter. */
export const PHONE_INDEX = 0;
export const PC_INDEX = 1;
/** What a link's strength is: dB relative to the golden range. */
export const STRENGTH = -7;

/** Where the emulator takes controllers from outside. */
const EMULATOR = '/tmp/bt-server-bredrle';
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

/** The system bus, which stays. */
export async function startBus(): Promise<void> {
  mkdirSync('/run/dbus', { recursive: true });
  tool('dbus-uuidgen', '--ensure');
  tool('dbus-daemon', '--system', '--fork', '--nopidfile');
  await until('the bus', 10, () => existsSync('/run/dbus/system_bus_socket'));
}

export class World {
  #controllers: ChildProcess | null = null;
  #air: ChildProcess | null = null;
  #daemon: ChildProcess | null = null;

  async startControllers(kind: 'BR/EDR' | 'LE'): Promise<void> {
    tool('modprobe', '-a', ...RADIO_MODULES);
    mkdirSync('/var/lib/bluetooth', { recursive: true, mode: 0o700 });
    if (kind === 'LE') this.#controllers = start('btvirt', '-L', '-l2');
    else {
      rmSync(EMULATOR, { force: true });
      this.#controllers = start('btvirt', '-s', '-l1');
      await until('hci0', 20, () => existsSync('/sys/class/bluetooth/hci0') && existsSync(EMULATOR));
      this.#air = fork(fileURLToPath(new URL('./air.js', import.meta.url)), [EMULATOR]);
      this.setAir({ out: false, rssi: STRENGTH });
    }
    for (const name of ['hci0', 'hci1']) await until(name, 20, () => existsSync(`/sys/class/bluetooth/${name}`));
  }

  setAir(message: AirMessage): void {
    this.#air?.send(message);
  }

  async stopControllers(): Promise<void> {
    await this.#end(this.#air);
    this.#air = null;
    await this.#end(this.#controllers);
    for (const name of ['hci0', 'hci1'])
      await until(`the end of ${name}`, 20, () => !existsSync(`/sys/class/bluetooth/${name}`));
  }

  /** Returns before the daemon can be asked. */
  startDaemon(): void {
    this.#daemon = start(BLUETOOTHD, '-n');
  }

  async killDaemon(): Promise<void> {
    await this.#end(this.#daemon);
  }

  /** What each thread of the daemon does, as its kernel sees it; for people. */
  daemonWaits(): string {
    const tasks = `/proc/${this.#daemon?.pid}/task`;
    if (!existsSync(tasks)) return 'it has no threads\n';
    const of = (thread: string, name: string) => readFileSync(`${tasks}/${thread}/${name}`, 'utf8').trim();
    return readdirSync(tasks)
      .map((thread) => `${of(thread, 'stat')}\n${of(thread, 'stack')}\n`)
      .join('');
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
