/**
 * The daemon of the emulator lane: a process from the build that knows nothing of emulators, under the bridge that shows it
 * the virtual keys as /dev/hidraw0 and so on. It is told, stopped and killed as any daemon is.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Milliseconds, seconds } from '../../drivers/base/brand.ts';
import type { Clock } from '../../drivers/base/clock.ts';
import { peerCredentials } from '../../drivers/linux/peer-credentials.ts';
import type { BridgeAddress } from '../../hal-mocks/umockdev/bridge.ts';
import { FORGET_SIGNAL } from '../lifecycle/suspend.ts';
import { LaneChild } from './child.ts';
import { DAEMON_PROGRAM } from './emulator-needs.ts';

/** A descriptor of the child, on which the bridge tells what is plugged in. */
const EVENTS_FD = 3;
const START_WITHIN = seconds(60);
const PLUG_WITHIN = seconds(20);
const NODE = [process.execPath, '--disallow-code-generation-from-strings', '--max-semi-space-size=1'];

export interface EmulatorDaemonOptions {
  readonly clock: Clock;
  readonly folder: string;
  /** In the order of the ports. */
  readonly keys: readonly BridgeAddress[];
  /** As the daemon's setting `tpm.tcti` has it; asked at each start. */
  readonly tcti: () => string;
  /** The script of what is around it; null, and left out: nothing is, and nothing is simulated. */
  readonly surroundings?: string | null;
}

/** This process's environment without anything that configures a daemon. */
const plainEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('UNLOCKD_') && name !== 'NOTIFY_SOCKET'),
  );

/** The process that listens on a socket, as the kernel says; null: nobody does. */
const pidBehind = (path: string): Promise<number | null> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', () => resolve(null));
    socket.once('connect', () => {
      const { pid = 0 } = peerCredentials(socket) ?? {};
      socket.destroy();
      resolve(pid === 0 ? null : pid);
    });
  });

export class EmulatorDaemon {
  readonly #options: EmulatorDaemonOptions;
  #child: LaneChild | null = null;
  #pid: number | null = null;

  constructor(options: EmulatorDaemonOptions) {
    this.#options = options;
  }

  get socketPath(): string {
    return join(this.#options.folder, 'run', 'unlockd.sock');
  }

  get running(): boolean {
    return this.#child?.running === true;
  }

  async #settings(): Promise<readonly string[]> {
    const { folder, surroundings = null, tcti } = this.#options;
    const { STARTS_NO_PROGRAMS } = await import('../../hal-mocks/umockdev/bridge.ts');
    const settings: Readonly<Record<string, string>> = {
      'paths.state_dir': join(folder, 'state'),
      'paths.run_dir': join(folder, 'run'),
      'tpm.tcti': tcti(),
      // A program in the place of the person: there is nothing to wait for. Longer than the key itself waits, so that one
      // which still waits for a program that was killed is free again before the next program gives up.
      'unlock.touch_timeout_seconds': '4',
      'unlock.insert_timeout_seconds': '2',
      'unlock.attempt_timeout_seconds': '10',
      // The radios and sessions of this machine are none of the lane's business.
      'signals.bluetooth': 'false',
      'signals.biometric': 'false',
      'session.bus': '',
      ...(surroundings === null ? {} : { 'simulation.surroundings': surroundings }),
      ...STARTS_NO_PROGRAMS,
    };
    return Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  }

  /**
   * Harmless when it runs.
   * @throws {ERR_LANE_BROKEN} with its last words when it does not listen, and then it does not run; and the signal's reason
   */
  async start(signal: AbortSignal): Promise<void> {
    if (this.running) return;
    const { clock, folder, keys } = this.#options;
    const { bridgeArgv } = await import('../../hal-mocks/umockdev/bridge.ts');
    // An empty file: that of this machine is not for this daemon.
    const daemon = [...NODE, DAEMON_PROGRAM, '--config', join(folder, 'unlockd.toml'), ...(await this.#settings())];
    const command = keys.length === 0 ? daemon : bridgeArgv(keys, daemon, { eventsFd: EVENTS_FD });
    const child = new LaneChild(command, { clock, what: 'the daemon', env: plainEnvironment() });
    this.#child = child;
    try {
      await child.line((line) => line.includes(' listens'), START_WITHIN, signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#pid = await pidBehind(this.socketPath);
  }

  /** SIGTERM. Harmless when it does not run. */
  async stop(): Promise<void> {
    const [child, pid] = [this.#child, this.#pid];
    [this.#child, this.#pid] = [null, null];
    // A bridge that had to be killed has told its daemon to end, once, and does not see whether it did.
    if (child !== null && !(await child.stop())) killProcess(pid);
  }

  /** As the system's service manager does before the machine sleeps (docs/operations/unlockd-sleep.service). */
  announceSleep(): void {
    if (this.#pid !== null) process.kill(this.#pid, FORGET_SIGNAL);
  }

  /** SIGKILL, of the daemon itself. */
  async kill(): Promise<void> {
    const [child, pid] = [this.#child, this.#pid];
    [this.#child, this.#pid] = [null, null];
    killProcess(pid);
    await child?.ended();
  }

  /**
   * Does something to a key and waits until the daemon's machine shows it. Where no daemon runs there is nobody to see it.
   * @param port from 1 @throws {ERR_LANE_BROKEN}
   */
  async see(change: 'plugged' | 'unplugged', port: number, act: () => void, signal: AbortSignal): Promise<void> {
    const child = this.#child;
    if (child === null || !child.running) return act();
    const within: Milliseconds = PLUG_WITHIN;
    const seen = child.line(
      (line) => line === `${change} ${port}` || line.startsWith(`${change} ${port} `),
      within,
      signal,
    );
    act();
    await seen;
  }
}

function killProcess(pid: number | null): void {
  if (pid === null) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
