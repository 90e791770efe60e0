/**
 * The parts of a crash test as processes of their own: a TPM, a security key that touches itself, and the real daemon,
 * which reaches the key as /dev/hidraw0. The daemon can be killed at any moment and started again on the same folder.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createClient } from '../../../agent/api/client.ts';
import { peerCredentials } from '../../../drivers/linux/peer-credentials.ts';
import { type Swtpm, startSwtpm } from '../../../hal-mocks/tpm2/swtpm.ts';
import { RunningAuthenticator } from '../umockdev/authenticator-program.ts';
import { STARTS_NO_PROGRAMS, startUnderBridge } from '../umockdev/bridge.ts';

/** Compiled programs. */
export interface Programs {
  /** agent/main.js */
  readonly daemon: string;
  /** hal-mocks/fido2/main.js */
  readonly authenticator: string;
}

interface RunningDaemon {
  readonly child: ChildProcess;
  /** Of the daemon itself: the child is the bridge around it. */
  readonly pid: number;
  readonly ended: Promise<void>;
}

/** Printed by the daemon when its socket takes connections. */
const READY = / listens"/;
const START_DEADLINE_MS = 60_000;

export class CrashWorld implements AsyncDisposable {
  readonly swtpm: Swtpm;
  readonly folder: string;
  readonly client: ApiClient;
  /** `127.0.0.1:PORT` of the security key. */
  readonly keyAddress: string;
  readonly #programs: Programs;
  readonly #authenticator: RunningAuthenticator;
  #daemon: RunningDaemon | null = null;
  /** The end of what the daemon logged, for reports of what went wrong. */
  log = '';

  private constructor(
    swtpm: Swtpm,
    folder: string,
    programs: Programs,
    authenticator: RunningAuthenticator,
    keyAddress: string,
  ) {
    this.swtpm = swtpm;
    this.folder = folder;
    this.keyAddress = keyAddress;
    this.#programs = programs;
    this.#authenticator = authenticator;
    const check = { peerOf: async (socket: Parameters<typeof peerCredentials>[0]) => peerCredentials(socket) };
    this.client = createClient({
      socketPath: join(folder, 'run', 'unlockd.sock'),
      check: { ...check, trusts: (uid) => uid === process.getuid?.() },
    });
  }

  /** Starts the TPM and the key; the daemon is started apart. */
  static async start(programs: Programs): Promise<CrashWorld> {
    const swtpm = await startSwtpm();
    const folder = await mkdtemp(join(tmpdir(), 'unlockd-crash-'));
    const { program, ready } = await RunningAuthenticator.start(programs.authenticator, [
      ...['--tcp-port', '0', '--touch', 'auto', '--touch-delay', '0'],
    ]);
    return new CrashWorld(swtpm, folder, programs, program, String(ready.tcp));
  }

  get stateFolder(): string {
    return join(this.folder, 'state');
  }

  /** Resolves when the daemon serves. */
  async startDaemon(): Promise<void> {
    const settings = {
      'paths.state_dir': this.stateFolder,
      'paths.run_dir': join(this.folder, 'run'),
      'tpm.tcti': this.swtpm.config,
      'unlock.soft_limit_tries': '31',
      'log.level': 'info',
      ...STARTS_NO_PROGRAMS,
    };
    const command = [
      process.execPath,
      '--disallow-code-generation-from-strings',
      this.#programs.daemon,
      ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ];
    const child = startUnderBridge({ protocol: 'tcp', address: this.keyAddress }, command, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.folder, 'cache') },
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    this.log = '';
    const ready = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        this.log = (this.log + chunk.toString('utf8')).slice(-16_384);
        if (READY.test(this.log)) resolve();
      });
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), START_DEADLINE_MS);
    });
    const first = await Promise.race([ready, ended.then(() => 'ended' as const), late]);
    clearTimeout(timer);
    if (first !== undefined) {
      child.kill('SIGTERM');
      throw new Error(`the daemon did not start (${first}): ${this.log}`);
    }
    const pid = Number((await readFile(join(this.stateFolder, 'unlockd.lock'), 'ascii')).trim());
    if (!Number.isSafeInteger(pid) || pid < 2) throw new Error('the lock file names no process');
    this.#daemon = { child, pid, ended };
  }

  /** SIGKILL to the daemon itself; resolves when it is gone. */
  async killDaemon(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null) return;
    this.#daemon = null;
    process.kill(daemon.pid, 'SIGKILL');
    await daemon.ended;
  }

  async close(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = null;
    if (daemon !== null) {
      daemon.child.kill('SIGTERM');
      await daemon.ended;
    }
    await this.#authenticator[Symbol.asyncDispose]();
    await this.swtpm.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
